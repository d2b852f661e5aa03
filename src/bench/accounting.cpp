#include "bench/accounting.hpp"

#include "bench/text_file.hpp"

#include <dirent.h>
#include <fmt/core.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <string>
#include <utility>

namespace plait::bench {

namespace {

double seconds_of(clockid_t clock) {
  timespec now{};
  if (clock_gettime(clock, &now) != 0) return 0;
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

/// The next unsigned number at or after `at`; moves `at` behind it.
std::optional<std::uint64_t> next_number(std::string_view text, std::size_t& at) {
  at = text.find_first_of("0123456789", at);
  if (at == std::string_view::npos) return std::nullopt;
  std::uint64_t value = 0;
  const auto result = std::from_chars(text.data() + at, text.data() + text.size(), value);
  at = static_cast<std::size_t>(result.ptr - text.data());
  return value;
}

std::uint64_t kilobytes_field(std::string_view text, std::string_view name) {
  const std::string key = fmt::format("\n{}:", name);
  std::size_t at = text.find(key);
  if (at == std::string_view::npos) return 0;
  at += key.size();
  return next_number(text, at).value_or(0) * 1024;
}

/// Every process with its parent.
std::vector<std::pair<pid_t, pid_t>> all_processes() {
  std::vector<std::pair<pid_t, pid_t>> out;
  DIR* folder = opendir("/proc");
  if (folder == nullptr) return out;
  while (const dirent* entry = readdir(folder)) {
    pid_t process = 0;
    const std::string_view name = entry->d_name;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), process);
    if (error != std::errc{} || end != name.data() + name.size()) continue;
    const auto parent = parse_parent(read_text_file(fmt::format("/proc/{}/stat", name)));
    if (parent) out.emplace_back(process, *parent);
  }
  closedir(folder);
  return out;
}

}  // namespace

MemoryUse parse_smaps_rollup(std::string_view text) {
  return {kilobytes_field(text, "Rss"), kilobytes_field(text, "Pss"), kilobytes_field(text, "Anonymous")};
}

std::optional<std::uint64_t> parse_idle_ticks(std::string_view text) {
  if (!text.starts_with("cpu ")) return std::nullopt;
  const std::string_view line = text.substr(0, text.find('\n'));
  std::size_t at = 0;
  for (int skipped = 0; skipped < 3; ++skipped) {  // user, nice, system
    if (!next_number(line, at)) return std::nullopt;
  }
  const auto idle = next_number(line, at);
  const auto iowait = idle ? next_number(line, at) : std::nullopt;
  if (!iowait) return std::nullopt;
  return *idle + *iowait;
}

std::optional<pid_t> parse_parent(std::string_view text) {
  std::size_t at = text.rfind(')');
  if (at == std::string_view::npos) return std::nullopt;
  const auto parent = next_number(text, at);
  if (!parent) return std::nullopt;
  return static_cast<pid_t>(*parent);
}

ProcessTree::ProcessTree(pid_t root) : processes_{root} {
  const auto processes = all_processes();
  for (std::size_t i = 0; i < processes_.size(); ++i) {
    for (const auto& [process, parent] : processes) {
      if (parent == processes_[i]) processes_.push_back(process);
    }
  }
}

double ProcessTree::cpu_seconds() const {
  double sum = 0;
  for (const pid_t process : processes_) {
    clockid_t clock{};
    if (clock_getcpuclockid(process, &clock) == 0) sum += seconds_of(clock);
  }
  return sum;
}

MemoryUse ProcessTree::memory() const {
  MemoryUse sum;
  for (const pid_t process : processes_) {
    const MemoryUse use = parse_smaps_rollup(read_text_file(fmt::format("/proc/{}/smaps_rollup", process)));
    sum.rss_bytes += use.rss_bytes;
    sum.pss_bytes += use.pss_bytes;
    sum.anonymous_bytes += use.anonymous_bytes;
  }
  return sum;
}

double own_cpu_seconds() { return seconds_of(CLOCK_PROCESS_CPUTIME_ID); }

double machine_idle_seconds() {
  const auto ticks = parse_idle_ticks(read_text_file("/proc/stat"));
  return static_cast<double>(ticks.value_or(0)) / static_cast<double>(sysconf(_SC_CLK_TCK));
}

unsigned cpu_count() { return static_cast<unsigned>(std::max(1L, sysconf(_SC_NPROCESSORS_ONLN))); }

}  // namespace plait::bench
