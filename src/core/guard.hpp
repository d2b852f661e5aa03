// Calls of user code: what it throws is logged, and goes no further.
#pragma once

#include <exception>
#include <string_view>
#include <utility>

namespace plait::core {

/// "`who` threw: `what`"; null: it was no std::exception.
[[gnu::cold]] void log_exception(std::string_view who, const char* what);

/// Calls `call`; an exception out of it is logged as one of `who`. False: there was one. Inline, since each message
/// comes by here.
template <class Call>
[[gnu::always_inline]] inline bool guarded(std::string_view who, Call&& call) {
  try {
    std::forward<Call>(call)();
    return true;
  } catch (const std::exception& exception) {
    log_exception(who, exception.what());
  } catch (...) {
    log_exception(who, nullptr);
  }
  return false;
}

}  // namespace plait::core
