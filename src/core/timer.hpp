// Timer and TimerWheel: thousands of deadlines that are set and cancelled far more often than they expire.
//
// A hashed wheel with one level: 512 slots of 8 ms, so one turn takes about 4 s. Setting and cancelling are O(1); a
// timer further away than one turn stays in its slot and is looked at once a turn. Expiry is up to one tick late,
// never early. Pure: the time is passed in.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>

namespace plait::core {

/// Monotonic time. Protocol layers get it as an argument and never read a clock.
using TimePoint = std::chrono::steady_clock::time_point;

/// The one that comes first; none if there is neither.
[[nodiscard]] inline std::optional<TimePoint> earlier(std::optional<TimePoint> a, std::optional<TimePoint> b) {
  return a && (!b || *a < *b) ? a : b;
}

/// A deadline with what to do then. Cancels itself when destroyed.
class Timer {
 public:
  Timer() = default;
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;
  virtual ~Timer() { cancel(); }

  [[nodiscard]] bool armed() const { return link_ != nullptr; }
  [[nodiscard]] TimePoint deadline() const { return deadline_; }
  /// Safe at any time, also inside on_timer.
  void cancel();

 protected:
  /// Called once, disarmed, on the loop that it was scheduled on.
  virtual void on_timer(TimePoint now) = 0;

 private:
  friend class TimerWheel;
  Timer* next_ = nullptr;
  Timer** link_ = nullptr;  // what points at this: the slot or the previous timer's next_
  TimePoint deadline_{};
  std::uint32_t* count_ = nullptr;
};

class TimerWheel {
 public:
  static constexpr std::size_t kSlots = 512;
  static constexpr std::chrono::milliseconds kTick{8};

  explicit TimerWheel(TimePoint start) : start_(start) {}
  TimerWheel(const TimerWheel&) = delete;
  TimerWheel& operator=(const TimerWheel&) = delete;
  ~TimerWheel();

  /// Arms `timer` (again, if it was armed). A deadline in the past expires with the next advance().
  void schedule(Timer& timer, TimePoint deadline);
  /// Runs every timer whose deadline is at or before `now`. Timers may be scheduled and cancelled meanwhile.
  void advance(TimePoint now);
  /// When advance() is needed next; none if no timer is armed. May be early, never late by more than one tick.
  [[nodiscard]] std::optional<TimePoint> next_deadline() const;

 private:
  [[nodiscard]] std::uint64_t tick_of(TimePoint time) const;
  void expire_slot(std::size_t slot, TimePoint now);

  std::array<Timer*, kSlots> slots_{};
  std::array<std::uint64_t, kSlots / 64> occupied_{};  // a bit per slot; a clear bit means empty
  TimePoint start_;
  std::uint64_t current_tick_ = 0;
  std::uint32_t count_ = 0;
};

}  // namespace plait::core
