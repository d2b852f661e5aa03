#include "core/guard.hpp"

#include <plait/log.hpp>

#include <string>

namespace plait::core {
namespace {

void log_exception(std::string_view who, std::string_view where, const char* what) {
  std::string line{who};
  line.append(what == nullptr ? " threw something that is not a std::exception" : " threw").append(where);
  if (what != nullptr) line.append(": ").append(what);
  log(LogLevel::error, line);
}

}  // namespace

void log_exception(std::string_view who, const char* what) { log_exception(who, {}, what); }

void log_exception(const Thrower& thrower, const char* what) {
  const std::string place = thrower.function.empty() ? "" : " in " + thrower.function;
  log_exception(thrower.who, place + " (peer " + thrower.peer + ")", what);
}

}  // namespace plait::core
