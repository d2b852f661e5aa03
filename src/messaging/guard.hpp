// User code that is called from a timer instead of from the session's own events.
#pragma once

#include <plait/log.hpp>
#include <plait/session.hpp>

#include <exception>
#include <string>

namespace plait::messaging {

/// Calls `call`; an exception out of it closes the session, as one out of a handler does.
template <class Call>
void guarded(Session& session, Call&& call) {
  try {
    call();
  } catch (const std::exception& exception) {
    log(LogLevel::error, std::string{"a session handler threw: "} + exception.what());
    session.close(close_code::kInternalError, "internal error");
  } catch (...) {
    log(LogLevel::error, "a session handler threw something that is not a std::exception");
    session.close(close_code::kInternalError, "internal error");
  }
}

}  // namespace plait::messaging
