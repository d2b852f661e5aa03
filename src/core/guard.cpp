#include "core/guard.hpp"

#include <plait/log.hpp>

#include <string>

namespace plait::core {

void log_exception(std::string_view who, const char* what) {
  log(LogLevel::error,
      std::string{who} + (what == nullptr ? std::string{" threw something that is not a std::exception"}
                                          : " threw: " + std::string{what}));
}

}  // namespace plait::core
