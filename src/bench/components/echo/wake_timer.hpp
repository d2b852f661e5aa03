// WakeTimer: wakes a loop at a moment, to the microsecond. The loop's own timers are for deadlines of protocols and
// tick every 8 ms; an open loop's messages leave every few microseconds.
#pragma once

#include <plait/result.hpp>

#include <chrono>

#include "net/loop.hpp"
#include "net/socket.hpp"

namespace plait::bench {

class WakeTimer final : private net::EventHandler {
 public:
  /// Before the first wake_at(). `loop` must outlive this. Errors: no file descriptor left.
  Result<void, Error> attach(net::Loop& loop);
  /// Ends the loop's wait at `when`; instead of an earlier call's moment.
  void wake_at(std::chrono::steady_clock::time_point when);

 private:
  void handle_events(std::uint32_t events) override;

  net::Socket timer_;  // owns the descriptor
};

}  // namespace plait::bench
