// Limits that users give, within what can be kept. "Never" may be said as the largest duration, but to that no clock's
// time can be added; and a head has to fit the buffer that it is read to.
#pragma once

#include <plait/limits.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>

namespace plait::core {

/// The same, but at most a year.
constexpr Duration bounded(Duration wait) { return std::min<Duration>(wait, std::chrono::hours{365 * 24}); }

/// The longest request line and header fields that a connection holds together, as Limits says.
inline constexpr std::size_t kRequestLineBytesMax = std::size_t{64} << 10;
inline constexpr std::size_t kHeaderBytesMax = std::size_t{128} << 10;

/// The same, bounded.
inline Limits bounded(Limits limits) {
  limits.request_line_bytes_max = std::min(limits.request_line_bytes_max, kRequestLineBytesMax);
  limits.header_bytes_max = std::min(limits.header_bytes_max, kHeaderBytesMax);
  for (Duration* time : {&limits.handshake_timeout, &limits.keep_alive_timeout, &limits.ping_interval,
                         &limits.pong_timeout, &limits.close_timeout, &limits.datagram_age_max}) {
    *time = bounded(*time);
  }
  return limits;
}

}  // namespace plait::core
