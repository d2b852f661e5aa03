// Threads that may be refused: a limit of processes (RLIMIT_NPROC, a container's pids.max) or of memory.
#pragma once

#include <plait/result.hpp>

#include <functional>
#include <thread>

namespace plait::net {

/// A thread that runs `body`. Error: the system has none left.
Result<std::thread, Error> start_thread(std::function<void()> body);

}  // namespace plait::net
