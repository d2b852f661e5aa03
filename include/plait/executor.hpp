// Executor and Timer: tasks and time on a loop of a server or client, whose thread also calls the handlers of its
// sessions. What only that thread touches needs no lock.
#pragma once

#include <plait/config.hpp>
#include <plait/limits.hpp>

#include <chrono>
#include <functional>
#include <memory>

namespace plait::core {
class Timer;
}

namespace plait {

/// Monotonic time.
using TimePoint = std::chrono::steady_clock::time_point;

/// A loop: Server::executors(), Client::executor(), Session::executor().
class PLAIT_API Executor {
 public:
  virtual ~Executor() = default;
  /// Runs `task` on the loop's thread, soon and never inside this call; tasks that one thread posts run in order. What
  /// it throws is logged. From any thread. Once the loop has stopped (Server::stop(), the end of a drain), or while a
  /// client's loop does not turn, nothing runs; what is left is destroyed with the loop, without being run.
  virtual void post(std::function<void()> task) = 0;
  /// The time at which the loop's current turn began; between turns, what time it is. On the loop's thread.
  [[nodiscard]] virtual TimePoint now() const = 0;
  /// For Timer and for Plait's own layers. On the loop's thread.
  virtual void schedule(core::Timer& timer, TimePoint deadline) = 0;
};

/// Calls a function on a loop once, or again and again. At most about 8 ms late while the loop has time, never early.
/// All functions are for the loop's thread; while no thread turns the loop (before Server::run(), and once it has
/// returned), for any one. It does not keep Client::run() going. Not copyable or movable.
class PLAIT_API Timer {
 public:
  /// `executor` outlives the calls of after() and every(). What `on_timer` throws is logged. From inside it the timer
  /// may be set anew, cancelled and destroyed.
  Timer(Executor& executor, std::function<void()> on_timer);
  /// Cancels.
  ~Timer();
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;

  /// Calls once, `delay` from now; above a year after a year. Takes the place of what was set before.
  void after(Duration delay);
  /// Calls every `interval`, the first time one from now. Lateness does not add up; where the loop was late by a whole
  /// interval, calls are left out. Takes the place of what was set before.
  void every(Duration interval);
  /// No call comes any more, until after() or every().
  void cancel();
  [[nodiscard]] bool is_set() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace plait
