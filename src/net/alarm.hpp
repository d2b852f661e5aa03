// Alarm: one deadline to the nanosecond, for what the loop's timer wheel (8 ms) is too coarse for: QUIC's pacing and
// loss timers. The loop looks at each of its alarms in every turn, so it is for something that is there once a loop.
#pragma once

#include <functional>
#include <utility>

#include "net/loop.hpp"

namespace plait::net {

/// For the loop's own thread.
class Alarm final {
 public:
  /// `ring` must not destroy the alarm.
  Alarm(Loop& loop, std::function<void()> ring);
  Alarm(const Alarm&) = delete;
  Alarm& operator=(const Alarm&) = delete;
  ~Alarm();

  /// `ring` is called once at `deadline` or soon after, instead of at what was set before. Costs no system call.
  void set(core::TimePoint deadline) { deadline_ = deadline; }
  void clear() { deadline_ = kNever; }

 private:
  friend class Loop;
  static constexpr core::TimePoint kNever = core::TimePoint::max();

  Loop& loop_;
  std::function<void()> ring_;
  core::TimePoint deadline_ = kNever;
};

}  // namespace plait::net
