// Times that users give: "never" may be said as the largest duration, but to that no clock's time can be added.
#pragma once

#include <plait/limits.hpp>

#include <algorithm>
#include <chrono>

namespace plait::core {

/// The same, but at most a year.
constexpr Duration bounded(Duration wait) { return std::min<Duration>(wait, std::chrono::hours{365 * 24}); }

/// The same with bounded times.
inline Limits bounded(Limits limits) {
  for (Duration* time : {&limits.handshake_timeout, &limits.keep_alive_timeout, &limits.ping_interval,
                         &limits.pong_timeout, &limits.close_timeout, &limits.datagram_age_max}) {
    *time = bounded(*time);
  }
  return limits;
}

}  // namespace plait::core
