// Calls of user code: what it throws is logged, and goes no further.
#pragma once

#include <concepts>
#include <exception>
#include <string>
#include <string_view>
#include <utility>

namespace plait::core {

/// "`who` threw: `what`"; null: it was no std::exception.
[[gnu::cold]] void log_exception(std::string_view who, const char* what);

/// "`who` threw in `function` (peer `peer`): `what`"; `function` may be empty.
struct Thrower {
  std::string who;
  std::string function;
  std::string peer;
};
[[gnu::cold]] void log_exception(const Thrower& thrower, const char* what);

/// Calls `call`; an exception out of it is logged as one of the Thrower that `make_thrower` then makes. False: there
/// was one. Inline, since each message comes by here.
template <std::invocable MakeThrower, class Call>
[[gnu::always_inline]] inline bool guarded(MakeThrower&& make_thrower, Call&& call) {
  try {
    std::forward<Call>(call)();
    return true;
  } catch (const std::exception& exception) {
    log_exception(make_thrower(), exception.what());
  } catch (...) {
    log_exception(make_thrower(), nullptr);
  }
  return false;
}

/// The same, of one who has a name.
template <class Call>
[[gnu::always_inline]] inline bool guarded(std::string_view who, Call&& call) {
  return guarded([who] { return who; }, std::forward<Call>(call));
}

}  // namespace plait::core
