#include "transport/opening.hpp"

#include <plait/log.hpp>

#include <algorithm>
#include <exception>

namespace plait::transport {

void Opening::run(RouteMatch match) {
  match_ = std::move(match);
  if (auto refusal = check()) return refuse(std::move(*refusal));
  if (match_.session == nullptr) return reject(404, "nothing is served at this path");
  if (!router_.allows_origin(origin(), header("host"), secure())) return reject(403, "this origin is not allowed");
  ask();
  if (!is_deferred()) end_deferral();
}

void Opening::ask() {
  guarded([this] {
    handler_ = (*match_.session)();
    if (handler_ == nullptr) return fail("the factory of handlers made none");
    handler_->on_request(*this);
    if (state_ == State::asking) reject(403, "the handler did not accept the session");
  });
}

void Opening::answer(const std::function<void(OpeningRequest&)>& task) {
  guarded([&] { task(*this); });
  if (is_deferred()) return;
  end_deferral();
  owner_.finish_opening(*this);
}

void Opening::give_up(int status, std::string_view reason) {
  answer([&](OpeningRequest& request) { request.reject(status, reason); });
}

// --- The answer ------------------------------------------------------------------------------------------------------

// What the handler wants is asked here, too: it is the last time that a refusal is possible.
template <class Call>
void Opening::guarded(Call&& call) {
  try {
    call();
    if (is_accepted()) wants_ = Wants::of(*handler_);
  } catch (const std::exception& exception) {
    fail((std::string{"a session handler threw in its opening: "} + exception.what()).c_str());
  } catch (...) {
    fail("a session handler threw something that is not a std::exception in its opening");
  }
}

void Opening::fail(const char* what) {
  log(LogLevel::error, what);
  reject(500, "internal error");
}

void Opening::accept(std::string_view subprotocol) {
  const auto& offered = subprotocols();
  const auto found = std::ranges::find(offered, subprotocol);
  accepted_subprotocol_ = found == offered.end() ? std::string_view{} : *found;
  state_ = State::accepted;
}

void Opening::reject(int status, std::string_view reason) {
  const bool is_refusal = status >= 400 && status <= 599;  // another one would accept, or be no answer
  HttpResponse refusal{.status = is_refusal ? status : 500, .body = std::string{reason} + "\n"};
  if (status == 401) refusal.headers.emplace_back("WWW-Authenticate", "Bearer");  // RFC 9110 §15.5.2
  refuse(std::move(refusal));
}

void Opening::refuse(HttpResponse refusal) {
  state_ = State::refused;
  refusal_ = std::move(refusal);
}

// --- Later -----------------------------------------------------------------------------------------------------------

OpeningId Opening::defer() {
  if (number_ == 0) {
    number_ = ++context_.last_opening;
    context_.openings.emplace(number_, this);
    own();
  }
  state_ = State::deferred;
  return {.loop = context_.index, .number = number_};
}

void Opening::end_deferral() {
  if (number_ != 0) context_.openings.erase(std::exchange(number_, 0));
}

}  // namespace plait::transport
