#include "client/h3_waiter.hpp"

#include <utility>

#include "client/h3_dial.hpp"

namespace plait::client {

H3Waiter& H3Waiter::add(std::unique_ptr<H3Waiter> waiter, core::TimePoint deadline) {
  H3Waiter& added = *waiter;
  added.id_ = added.context_.put(std::move(waiter));
  added.wait_deadline_ = deadline;
  added.context_.loop.schedule(added, deadline);
  return added;
}

void H3Waiter::fail(const std::string& reason) {
  context_.loop.retire(context_.entries.remove(id_));
  cancel();
  tell_failed(reason);
}

void H3Waiter::on_timer(core::TimePoint) {
  abort({.reason = dial_ != nullptr ? dial_->status() : "the opening took too long"});
}

void H3Waiter::abort(const transport::Disconnect& why) {
  if (H3Dial* dial = std::exchange(dial_, nullptr); dial != nullptr) dial->remove(*this);
  fail(why.text());
}

}  // namespace plait::client
