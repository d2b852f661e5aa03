// RareWarning: a line of the log whose cause may come thousands of times a second, such as a limit that is reached.
#pragma once

#include <plait/log.hpp>

#include <chrono>
#include <optional>
#include <string_view>

#include "core/timer.hpp"

namespace plait::transport {

class RareWarning {
 public:
  static constexpr std::chrono::seconds kInterval{10};

  /// Logs `line`, unless the last was logged less than kInterval ago. Says whether it did.
  bool give(core::TimePoint now, std::string_view line, LogLevel level = LogLevel::warning) {
    if (last_ && now - *last_ < kInterval) return false;
    last_ = now;
    log(level, line);
    return true;
  }

 private:
  std::optional<core::TimePoint> last_;
};

}  // namespace plait::transport
