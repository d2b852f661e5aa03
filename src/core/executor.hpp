// Executor: what a layer without sockets needs of a loop. net::Loop is one; tests have one on a virtual clock.
#pragma once

#include <functional>

#include "core/timer.hpp"

namespace plait::core {

class Executor {
 public:
  virtual ~Executor() = default;
  /// Runs `task` on this executor's thread, soon. From any thread; tasks of one thread run in order. Tasks that are
  /// left when the executor stops are destroyed without being run.
  virtual void post(std::function<void()> task) = 0;
  /// The time at which the current turn began. On this thread only.
  [[nodiscard]] virtual TimePoint now() const = 0;
  /// Arms `timer`. On this thread only.
  virtual void schedule(Timer& timer, TimePoint deadline) = 0;
};

}  // namespace plait::core
