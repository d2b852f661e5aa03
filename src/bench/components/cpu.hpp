// CPU time and context switches of the calling thread.
#pragma once

#include <chrono>
#include <cstdint>

namespace plait::bench {

/// What a thread has used since it began; two snapshots give an interval.
struct CpuUsage {
  std::chrono::nanoseconds user{0};
  std::chrono::nanoseconds system{0};
  std::uint64_t voluntary_switches = 0;    ///< it waited
  std::uint64_t involuntary_switches = 0;  ///< others took the CPU

  [[nodiscard]] static CpuUsage of_this_thread();
  [[nodiscard]] std::chrono::nanoseconds total() const { return user + system; }

  CpuUsage& operator+=(const CpuUsage& other);
  CpuUsage& operator-=(const CpuUsage& other);
};

}  // namespace plait::bench
