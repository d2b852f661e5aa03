#include "cli/log_writer.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <ctime>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "net/thread.hpp"

namespace plait::cli {
namespace {

constexpr std::size_t kLinesMax = 1000;  // ten seconds of a flood, a megabyte at most
constexpr std::chrono::seconds kLastWait{1};
constexpr std::chrono::seconds kThreadKept{1};

std::string_view name_of(LogLevel level) {
  if (level == LogLevel::debug) return "debug";
  if (level == LogLevel::info) return "info";
  return level == LogLevel::warning ? "warning" : "error";
}

/// As syslog numbers them; the journal takes it from the beginning of a line (sd-daemon(3)).
std::string_view priority_of(LogLevel level) {
  if (level == LogLevel::debug) return "<7>";
  if (level == LogLevel::info) return "<6>";
  return level == LogLevel::warning ? "<4>" : "<3>";
}

/// systemd-journald names what it reads so, and gives each line a time of its own (systemd.exec(5)).
bool is_stderr_the_journal() {
  const char* named = std::getenv("JOURNAL_STREAM");
  struct stat here {};
  if (named == nullptr || ::fstat(STDERR_FILENO, &here) != 0) return false;
  return std::to_string(here.st_dev) + ":" + std::to_string(here.st_ino) == named;
}

/// RFC 3339, in UTC, with a space behind it: "2026-01-31T12:00:00.123Z ".
std::string time_prefix() {
  const auto now = std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
  const std::time_t seconds = std::chrono::system_clock::to_time_t(now);
  std::tm parts{};
  if (::gmtime_r(&seconds, &parts) == nullptr) return {};
  std::array<char, 32> date{};
  const std::size_t size = std::strftime(date.data(), date.size(), "%Y-%m-%dT%H:%M:%S", &parts);
  const std::string digits = std::to_string(1000 + now.time_since_epoch().count() % 1000);
  return std::string{date.data(), size} + "." + digits.substr(1) + "Z ";
}

std::string make_line(LogLevel level, std::string_view text) {
  static const bool is_journal = is_stderr_the_journal();
  return (is_journal ? std::string{priority_of(level)} : time_prefix()) + "plait: " + std::string{name_of(level)} +
         ": " + std::string{text} + "\n";
}

/// Not by stdio, whose lock the main thread may want while this blocks.
bool write_all(std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(STDERR_FILENO, text.data(), text.size());
    if (written < 0 && errno != EINTR) return false;
    if (written > 0) text.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

}  // namespace

class LogWriter::Queue : public std::enable_shared_from_this<Queue> {
 public:
  void push(std::string line) {
    const std::lock_guard lock{mutex_};
    if (lines_.size() == kLinesMax || !has_thread()) {
      ++lost_;
    } else {
      lines_.push_back(std::move(line));
      changed_.notify_all();
    }
  }

  void finish() {
    std::unique_lock lock{mutex_};
    finishing_ = true;
    if (lost_ > 0 && !has_thread()) return;
    changed_.notify_all();
    changed_.wait_for(lock, kLastWait, [this] { return !running_; });
  }

 private:
  bool has_thread() {
    if (running_) return true;
    auto thread = net::start_thread([queue = shared_from_this()] { queue->run(); });
    if (!thread) return false;
    thread->detach();
    return running_ = true;
  }

  void run() {
    std::unique_lock lock{mutex_};
    while (true) {
      changed_.wait_for(lock, kThreadKept, [this] { return finishing_ || !lines_.empty(); });
      if (lines_.empty()) break;
      const std::string line = std::move(lines_.front());
      lines_.pop_front();
      write(lock, line);
    }
    if (finishing_ && lost_ > 0) write(lock, {});
    running_ = false;
    changed_.notify_all();
  }

  /// `line` ends with a line end, or is empty. Unlocks meanwhile.
  void write(std::unique_lock<std::mutex>& lock, std::string_view line) {
    const std::size_t lost = std::exchange(lost_, 0);
    lock.unlock();
    const std::string told = std::to_string(lost) + " lines of the log before this were lost";
    const bool was_told = lost == 0 || write_all(make_line(LogLevel::warning, told));
    const bool was_written = was_told && write_all(line);
    lock.lock();
    lost_ += (was_told ? 0 : lost) + (was_written || line.empty() ? 0 : 1);
  }

  std::mutex mutex_;  // guards all below
  std::condition_variable changed_;
  std::deque<std::string> lines_;
  std::size_t lost_ = 0;
  bool running_ = false;
  bool finishing_ = false;
};

LogWriter::LogWriter(LogLevel least) : queue_(std::make_shared<Queue>()) {
  set_log_sink([queue = queue_, least](LogLevel level, std::string_view text) {
    if (level >= least) queue->push(make_line(level, text));
  });
}

LogWriter::~LogWriter() {
  set_log_sink({});
  queue_->finish();
}

}  // namespace plait::cli
