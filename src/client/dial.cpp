#include "client/dial.hpp"

#include <utility>

#include "transport/no_session.hpp"

namespace plait::client {

Dial::Dial(transport::LoopContext& context, net::Resolver& resolver, const DialSettings& settings,
           std::unique_ptr<SessionHandler> handler, const char* silence)
    : context_(context),
      handler_(std::move(handler)),
      happy_eyeballs_(context.loop, resolver, settings.attempt_delay,
                      {.begin = [this](const net::SocketAddress& address) { return begin(address); },
                       .win =
                           [this](Attempt& winner) {
                             cancel();
                             go_on(winner, std::move(handler_));
                           },
                       .lose = [this](const std::string& reason) { fail(reason); },
                       .silence = silence}) {}

SessionId Dial::put(std::unique_ptr<Dial> dial) {
  Dial& there = *dial;
  return there.id_ = there.context_.put(std::move(dial));
}

// An address that is a number, and cannot be reached, is a loss at once: hence in a task.
SessionId Dial::start(std::unique_ptr<Dial> dial, const net::Address& address, core::TimePoint deadline) {
  Dial& started = *dial;
  transport::LoopContext& context = started.context_;
  const SessionId id = put(std::move(dial));
  started.wait_deadline_ = deadline;
  context.loop.schedule(started, deadline);
  context.loop.post([&context, id, address] {
    if (auto* there = static_cast<Dial*>(context.entries.find(id))) there->happy_eyeballs_.start(address);
  });
  return id;
}

SessionId Dial::fail_soon(std::unique_ptr<Dial> dial, const std::string& reason) {
  transport::LoopContext& context = dial->context_;
  const SessionId id = put(std::move(dial));
  context.loop.post([&context, id, reason] {
    if (auto* there = static_cast<Dial*>(context.entries.find(id))) there->fail(reason);
  });
  return id;
}

void Dial::fail(const std::string& reason) {
  cancel();
  happy_eyeballs_.stop();
  context_.loop.retire(context_.entries.remove(id_));
  transport::tell_not_opened(*handler_, {.reason = reason}, context_.loop, id_);
}

}  // namespace plait::client
