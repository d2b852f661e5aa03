// Counters: what one loop counts for plait::ServerStats.
#pragma once

#include "core/counter.hpp"

namespace plait::transport {

using core::Counter;

/// Meanings: plait::ServerStats.
struct Counters {
  Counter connections_accepted, connections_refused, connections_open, sessions_open, quic_resumed;
  Counter messages_received, messages_sent, bytes_received, bytes_sent, http_requests;
  Counter handshakes_failed;
  Counter openings_refused_401, openings_refused_403, openings_refused_404, openings_refused_429;
  Counter openings_refused_other;

  [[nodiscard]] Counter& openings_refused(int status);
};

}  // namespace plait::transport
