// Calls of user code that no session answers for: timers, pools, monitors.
#pragma once

#include <plait/log.hpp>

#include <exception>
#include <string>
#include <string_view>
#include <utility>

namespace plait::core {

/// Calls `call`; an exception out of it is logged as one of `who`.
template <class Call>
void guarded(std::string_view who, Call&& call) {
  try {
    std::forward<Call>(call)();
  } catch (const std::exception& exception) {
    log(LogLevel::error, std::string{who} + " threw: " + exception.what());
  } catch (...) {
    log(LogLevel::error, std::string{who} + " threw something that is not a std::exception");
  }
}

}  // namespace plait::core
