#include "transport/opening.hpp"

#include <plait/log.hpp>

#include <algorithm>
#include <utility>

#include "core/guard.hpp"

namespace plait::transport {

void Opening::run(RouteMatch match) {
  match_ = std::move(match);
  if (auto answer = chain_.ask(*this)) {
    refuse(std::move(*answer));
  } else {
    decide();
  }
  if (!is_deferred()) conclude();
}

void Opening::decide() {
  if (auto refusal = check()) return refuse(std::move(*refusal));
  if (match_.session == nullptr) return reject(404, "nothing is served at this path");
  if (is_origin_allowed()) return ask();
  context_.origin_warning.give(context_.loop.now(), "refused a session from origin " + std::string{header("origin")} +
                                                        ": it is not in allowed_origins");
  reject(403, "this origin is not allowed");
}

void Opening::ask() {
  guarded("its factory", [this] { handler_ = (*match_.session)(); });
  if (state_ != State::asking) return;
  if (handler_ == nullptr) {
    log(LogLevel::error, name() + " is none: its factory made null (peer " + peer() + ")");
    return reject(500, "internal error");
  }
  guarded("on_request", [this] {
    handler_->on_request(*this);
    if (state_ == State::asking) reject(403, "the handler did not accept the session");
  });
}

void Opening::answer(const std::function<void(OpeningRequest&)>& task) {
  guarded("a task posted to its opening", [&] { task(*this); });
  if (is_deferred()) return;
  conclude();
  owner_.finish_opening(*this);
}

void Opening::give_up(int status, std::string_view reason) {
  answer([&](OpeningRequest& request) { request.reject(status, reason); });
}

// --- The answer ------------------------------------------------------------------------------------------------------

// What the handler wants is asked here, too: it is the last time that a refusal is possible.
template <class Call>
void Opening::guarded(std::string_view function, Call&& call) {
  const auto thrower = [&] { return core::Thrower{name(), std::string{function}, peer()}; };
  const bool called = core::guarded(thrower, [&] {
    call();
    if (!is_accepted()) return;
    function = "wants_parts or wants_streams";
    wants_ = Wants::of(*handler_);
  });
  if (!called) reject(500, "internal error");
}

void Opening::accept(std::string_view subprotocol) {
  const auto& offered = subprotocols();
  const auto found = std::ranges::find(offered, subprotocol);
  accepted_subprotocol_ = found == offered.end() ? std::string_view{} : *found;
  state_ = State::accepted;
}

void Opening::reject(int status, std::string_view reason) {
  HttpResponse refusal{.status = status, .body = std::string{reason} + "\n"};
  if (status == 401) refusal.headers.emplace_back("WWW-Authenticate", "Bearer");  // RFC 9110 §15.5.2
  refuse(std::move(refusal));
}

void Opening::refuse(HttpResponse refusal) {
  state_ = State::refused;
  refusal_ = std::move(refusal);
  if (refusal_.status < 400 || refusal_.status > 599) refusal_.status = 500;  // it would accept, or be no answer
}

void Opening::conclude() {
  end_deferral();
  HttpResponse accepted{.status = accepted_status()};
  chain_.tell(*this, is_accepted() ? accepted : refusal_);
  if (is_accepted()) return;
  refuse(std::exchange(refusal_, {}));
  context_.counters.openings_refused(refusal_.status).add();
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
