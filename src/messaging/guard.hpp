// User code that is called from a timer instead of from the session's own events, and the calls of a stream's end.
#pragma once

#include <plait/session.hpp>

#include <exception>
#include <utility>

#include "core/guard.hpp"

namespace plait::messaging {

/// Calls `call`; an exception out of it closes the session, as one out of a handler does.
template <class Call>
void guarded(Session& session, Call&& call) {
  const auto thrower = [&] { return core::Thrower{"a session handler", "", session.peer()}; };
  if (!core::guarded(thrower, std::forward<Call>(call))) {
    session.close(close_code::kInternalError, "internal error");
  }
}

/// Calls of user code that are all made, though one before them throws.
class AllCalled {
 public:
  template <class Call>
  void call(Call&& call) {
    try {
      std::forward<Call>(call)();
    } catch (...) {
      thrown_ = std::current_exception();
    }
  }
  /// When all have been: throws the last exception again, if there was one.
  void rethrow() const {
    if (thrown_) std::rethrow_exception(thrown_);
  }

 private:
  std::exception_ptr thrown_;
};

}  // namespace plait::messaging
