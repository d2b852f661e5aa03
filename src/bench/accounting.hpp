// CPU time and memory of other processes, read from the kernel.
//
// A rate alone says little on two cores: at depth 1 the client pays as much as the server, so the rate shows the slower
// of the two. The server's CPU time per message stays true whoever was the limit. It is taken from each process's CPU
// clock, which counts what /proc/PID/task/*/schedstat counts but also keeps the time of threads that have ended (a
// thread-per-connection server ends one per connection). A running thread's clock is brought up to date at each
// scheduler tick (4 ms at HZ=250), so one window should not be shorter than about 0.4 s; of many that are, the median
// is right, since what is missing at the end of one is as often missing at its beginning.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace plait::bench {

struct MemoryUse {
  std::uint64_t rss_bytes = 0;        ///< resident, shared pages included
  std::uint64_t pss_bytes = 0;        ///< resident, shared pages divided by their users
  std::uint64_t anonymous_bytes = 0;  ///< heap and stacks: what a connection costs
};

/// The fields of /proc/PID/smaps_rollup; absent ones stay 0.
[[nodiscard]] MemoryUse parse_smaps_rollup(std::string_view text);
/// Idle + iowait of the first line of /proc/stat, in clock ticks; nothing when the line is not there.
[[nodiscard]] std::optional<std::uint64_t> parse_idle_ticks(std::string_view text);
/// The parent's id in /proc/PID/stat; the command name before it may hold spaces and parentheses.
[[nodiscard]] std::optional<pid_t> parse_parent(std::string_view text);

/// `root` and its descendants as they were when this was made (servers under test fork before they listen).
class ProcessTree {
 public:
  explicit ProcessTree(pid_t root);
  [[nodiscard]] double cpu_seconds() const;
  [[nodiscard]] MemoryUse memory() const;
  [[nodiscard]] const std::vector<pid_t>& processes() const { return processes_; }

 private:
  std::vector<pid_t> processes_;
};

/// CPU seconds that this process has used.
[[nodiscard]] double own_cpu_seconds();
/// Seconds that all CPUs together have been idle since boot, in steps of 10 ms.
[[nodiscard]] double machine_idle_seconds();
/// How many CPUs are on line.
[[nodiscard]] unsigned cpu_count();

}  // namespace plait::bench
