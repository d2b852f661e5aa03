#include "bench/components/cpu.hpp"

#include <sys/resource.h>

namespace plait::bench {
namespace {

std::chrono::nanoseconds duration_of(const timeval& time) {
  return std::chrono::seconds{time.tv_sec} + std::chrono::microseconds{time.tv_usec};
}

}  // namespace

CpuUsage CpuUsage::of_this_thread() {
  rusage usage{};
  ::getrusage(RUSAGE_THREAD, &usage);
  return {.user = duration_of(usage.ru_utime),
          .system = duration_of(usage.ru_stime),
          .voluntary_switches = static_cast<std::uint64_t>(usage.ru_nvcsw),
          .involuntary_switches = static_cast<std::uint64_t>(usage.ru_nivcsw)};
}

CpuUsage& CpuUsage::operator+=(const CpuUsage& other) {
  user += other.user;
  system += other.system;
  voluntary_switches += other.voluntary_switches;
  involuntary_switches += other.involuntary_switches;
  return *this;
}

CpuUsage& CpuUsage::operator-=(const CpuUsage& other) {
  user -= other.user;
  system -= other.system;
  voluntary_switches -= other.voluntary_switches;
  involuntary_switches -= other.involuntary_switches;
  return *this;
}

}  // namespace plait::bench
