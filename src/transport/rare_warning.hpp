// RareWarning: a line of the log whose cause may come thousands of times a second, such as a limit that is reached.
#pragma once

#include <plait/log.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

#include "core/timer.hpp"

namespace plait::transport {

class RareWarning {
 public:
  static constexpr std::chrono::seconds kInterval{10};

  /// Logs `line`, unless the last was logged less than kInterval ago. Says whether it did.
  bool give(core::TimePoint now, std::string_view line, LogLevel level = LogLevel::warning) {
    if (last_ && now - *last_ < kInterval) {
      ++left_out_count_;
      return false;
    }
    last_ = now;
    left_out_count_ = 0;
    log(level, line);
    return true;
  }
  /// Lines since the one that was logged last.
  [[nodiscard]] std::uint64_t left_out_count() const { return left_out_count_; }

 private:
  std::optional<core::TimePoint> last_;
  std::uint64_t left_out_count_ = 0;
};

}  // namespace plait::transport
