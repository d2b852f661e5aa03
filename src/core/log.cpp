#include <plait/log.hpp>

#include <array>
#include <chrono>
#include <cstdio>
#include <mutex>
#include <string>
#include <utility>

#include "core/printable.hpp"

namespace plait {
namespace {

void write_to_stderr(LogLevel level, std::string_view line) {
  if (level < LogLevel::warning) return;
  const char* name = level == LogLevel::warning ? "warning" : "error";
  std::fprintf(stderr, "plait: %s: %.*s\n", name, static_cast<int>(line.size()), line.data());
}

// At most kLogLinesPerSecond of one level: a peer that causes a line with each of its requests must not fill the disk,
// nor hide a warning among the lines of an access log.
class LineLimiter {
 public:
  /// How many lines the second that has ended since the last call left out.
  std::size_t left_out_before(std::chrono::steady_clock::time_point now) {
    if (now - begin_ < std::chrono::seconds{1}) return 0;
    begin_ = now;
    count_ = 0;
    return std::exchange(left_out_, 0);
  }
  bool admits() {
    if (++count_ <= kLogLinesPerSecond) return true;
    ++left_out_;
    return false;
  }

 private:
  std::chrono::steady_clock::time_point begin_{};
  std::size_t count_ = 0;
  std::size_t left_out_ = 0;
};

// Lines quote what peers sent: no control character of theirs reaches a terminal, and no line is longer than
// kLogLineBytesMax.
std::string bounded(std::string_view line) {
  std::string text = core::printable(line.substr(0, kLogLineBytesMax));
  if (line.size() > kLogLineBytesMax) text += "...";
  return text;
}

std::mutex sink_mutex;                // guards sink() and limiters
thread_local bool in_sink = false;    // this thread holds sink_mutex for the sink's sake
std::array<LineLimiter, 4> limiters;  // by level

LogSink& sink() {
  static LogSink current = write_to_stderr;
  return current;
}

// The sink may call what logs.
void call_sink(LogLevel level, const std::string& line) {
  in_sink = true;
  sink()(level, line);
  in_sink = false;
}

}  // namespace

void set_log_sink(LogSink next) {
  const std::lock_guard lock{sink_mutex};
  sink() = std::move(next);
}

void log(LogLevel level, std::string_view line) {
  if (in_sink) return;
  const std::lock_guard lock{sink_mutex};
  if (!sink()) return;
  const auto now = std::chrono::steady_clock::now();
  for (std::size_t i = 0; i < limiters.size(); ++i) {
    const std::size_t left_out = limiters[i].left_out_before(now);
    if (left_out > 0) call_sink(static_cast<LogLevel>(i), std::to_string(left_out) + " more lines were left out");
  }
  if (limiters[static_cast<std::size_t>(level)].admits()) call_sink(level, bounded(line));
}

}  // namespace plait
