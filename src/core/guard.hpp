// Calls of user code: what it throws is logged, and goes no further.
#pragma once

#include <plait/log.hpp>

#include <exception>
#include <string>
#include <string_view>
#include <utility>

namespace plait::core {

/// Calls `call`; an exception out of it is logged as one of `who`. False: there was one.
template <class Call>
bool guarded(std::string_view who, Call&& call) {
  try {
    std::forward<Call>(call)();
    return true;
  } catch (const std::exception& exception) {
    log(LogLevel::error, std::string{who} + " threw: " + exception.what());
  } catch (...) {
    log(LogLevel::error, std::string{who} + " threw something that is not a std::exception");
  }
  return false;
}

}  // namespace plait::core
