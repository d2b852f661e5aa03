// Which CPUs this process may use, and binding a thread to one.
#pragma once

#include <plait/result.hpp>

#include <vector>

namespace plait::net {

/// The numbers of the CPUs that the calling thread may run on (containers and taskset make them fewer than the machine
/// has), ascending, at least one.
std::vector<int> available_cpus();

/// Binds the calling thread to one CPU. Fails when this process may not use it; the error names those that it may.
Result<void, Error> pin_this_thread(int cpu);

/// Whether pin_this_thread() takes each of `cpus`; the calling thread stays where it was.
Result<void, Error> check_cpus(const std::vector<int>& cpus);

}  // namespace plait::net
