#include "net/affinity.hpp"

#include <sched.h>

#include <cerrno>
#include <string>

namespace plait::net {
namespace {

std::string list_of(const std::vector<int>& cpus) {
  std::string text;
  for (const int cpu : cpus) text.append(text.empty() ? "" : ", ").append(std::to_string(cpu));
  return text;
}

}  // namespace

std::vector<int> available_cpus() {
  std::vector<int> cpus;
  cpu_set_t set;
  CPU_ZERO(&set);
  if (::sched_getaffinity(0, sizeof set, &set) == 0) {
    for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
      if (CPU_ISSET(cpu, &set)) cpus.push_back(cpu);
    }
  }
  if (cpus.empty()) cpus.push_back(0);
  return cpus;
}

Result<void, Error> pin_this_thread(int cpu) {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (cpu >= 0 && cpu < CPU_SETSIZE) CPU_SET(cpu, &set);
  if (::sched_setaffinity(0, sizeof set, &set) == 0) return {};
  const int number = errno;
  std::string message = "cannot use CPU ";
  message.append(std::to_string(cpu)).append(": this process may use ").append(list_of(available_cpus()));
  return err(Error{std::move(message), number});
}

Result<void, Error> check_cpus(const std::vector<int>& cpus) {
  cpu_set_t before;
  if (::sched_getaffinity(0, sizeof before, &before) != 0) return {};  // more CPUs than a set holds
  Result<void, Error> checked;
  for (auto cpu = cpus.begin(); cpu != cpus.end() && checked; ++cpu) {
    checked = pin_this_thread(*cpu);
    ::sched_setaffinity(0, sizeof before, &before);  // also for the next error, which names these
  }
  return checked;
}

}  // namespace plait::net
