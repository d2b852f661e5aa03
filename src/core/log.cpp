#include <plait/log.hpp>

#include <cstdio>
#include <mutex>
#include <utility>

namespace plait {
namespace {

void write_to_stderr(LogLevel level, std::string_view line) {
  if (level < LogLevel::warning) return;
  const char* name = level == LogLevel::warning ? "warning" : "error";
  std::fprintf(stderr, "plait: %s: %.*s\n", name, static_cast<int>(line.size()), line.data());
}

std::mutex sink_mutex;  // guards sink()

LogSink& sink() {
  static LogSink current = write_to_stderr;
  return current;
}

}  // namespace

void set_log_sink(LogSink next) {
  const std::lock_guard lock{sink_mutex};
  sink() = std::move(next);
}

void log(LogLevel level, std::string_view line) {
  const std::lock_guard lock{sink_mutex};
  if (sink()) sink()(level, line);
}

}  // namespace plait
