#include "bench/components/cpu.hpp"

#include <fmt/format.h>
#include <pthread.h>
#include <sched.h>
#include <sys/resource.h>

#include <system_error>

namespace plait::bench {
namespace {

std::chrono::nanoseconds duration_of(const timeval& time) {
  return std::chrono::seconds{time.tv_sec} + std::chrono::microseconds{time.tv_usec};
}

}  // namespace

Result<void, Error> pin_this_thread(int cpu) {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (cpu >= 0 && cpu < CPU_SETSIZE) CPU_SET(static_cast<unsigned>(cpu), &set);
  const int number = ::pthread_setaffinity_np(::pthread_self(), sizeof set, &set);
  if (number == 0) return {};
  return err(Error{fmt::format("--cpu {}: {}", cpu, std::generic_category().message(number)), number});
}

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
