// Alarm: one deadline to the nanosecond, for what the loop's timer wheel (8 ms) is too coarse for: QUIC's pacing and
// loss timers. It costs a file descriptor and a system call whenever it is set to an earlier time, so it is for
// something that is there once a loop.
#pragma once

#include "net/loop.hpp"

namespace plait::net {

class Alarm : private EventHandler {
 public:
  explicit Alarm(Loop& loop) : loop_(loop) {}
  Alarm(const Alarm&) = delete;
  Alarm& operator=(const Alarm&) = delete;
  virtual ~Alarm();

  /// Before set_alarm(). Errors: no file descriptor left.
  Result<void, Error> open();
  /// on_alarm() is called once at `deadline` or soon after. An alarm set before stands when it is earlier: what it
  /// finds then may be nothing.
  void set_alarm(core::TimePoint deadline);

 protected:
  virtual void on_alarm() = 0;

 private:
  void handle_events(std::uint32_t events) final;

  Loop& loop_;
  int fd_ = -1;
  core::TimePoint set_to_ = core::TimePoint::max();
};

}  // namespace plait::net
