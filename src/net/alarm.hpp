// Alarm: one deadline to the nanosecond, for what the loop's timer wheel (8 ms) is too coarse for: QUIC's pacing and
// loss timers. It costs a file descriptor and a system call whenever it is set to an earlier time, so it is for
// something that is there once a loop.
#pragma once

#include <functional>
#include <utility>

#include "net/loop.hpp"

namespace plait::net {

class Alarm final : private EventHandler {
 public:
  Alarm(Loop& loop, std::function<void()> ring) : loop_(loop), ring_(std::move(ring)) {}
  Alarm(const Alarm&) = delete;
  Alarm& operator=(const Alarm&) = delete;
  ~Alarm();

  /// Before set(). Errors: no file descriptor left.
  Result<void, Error> open();
  /// `ring` is called once at `deadline` or soon after. What was set before stands when it is earlier: what `ring`
  /// finds then may be nothing.
  void set(core::TimePoint deadline);

 private:
  void handle_events(std::uint32_t events) override;

  Loop& loop_;
  std::function<void()> ring_;
  int fd_ = -1;
  core::TimePoint set_to_ = core::TimePoint::max();
};

}  // namespace plait::net
