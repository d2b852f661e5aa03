// What a running server has counted, for Prometheus and for the page.
#pragma once

#include <plait/hub.hpp>
#include <plait/server.hpp>

#include <array>
#include <string>
#include <string_view>

#include "core/counter.hpp"
#include "transport/loop_context.hpp"

namespace plait::server {

inline constexpr auto kServerMetrics = [] {
  using C = transport::Counters;
  using S = ServerStats;
  constexpr std::string_view kRefused = "Openings of sessions that were refused, by status.";
  return std::to_array<core::Metric<S, C>>({
      {"connections_accepted", "Connections accepted.", &C::connections_accepted, &S::connections_accepted},
      {"connections_refused", "Connections refused, or closed early, above a limit.", &C::connections_refused,
       &S::connections_refused},
      {"connections_open", "Connections open.", &C::connections_open, &S::connections_open},
      {"sessions_open", "Sessions open.", &C::sessions_open, &S::sessions_open},
      {"messages_received", "Messages received.", &C::messages_received, &S::messages_received},
      {"messages_sent", "Messages sent.", &C::messages_sent, &S::messages_sent},
      {"bytes_received", "Payload bytes received.", &C::bytes_received, &S::bytes_received},
      {"bytes_sent", "Payload bytes sent.", &C::bytes_sent, &S::bytes_sent},
      {"http_requests", "HTTP requests.", &C::http_requests, &S::http_requests},
      {"quic_resumed", "QUIC handshakes by a session ticket.", &C::quic_resumed, &S::quic_resumed},
      {"handshakes_failed", "TLS and QUIC handshakes that failed.", &C::handshakes_failed, &S::handshakes_failed},
      {"openings_refused", kRefused, &C::openings_refused_401, &S::openings_refused_401, "401"},
      {"openings_refused", kRefused, &C::openings_refused_403, &S::openings_refused_403, "403"},
      {"openings_refused", kRefused, &C::openings_refused_404, &S::openings_refused_404, "404"},
      {"openings_refused", kRefused, &C::openings_refused_429, &S::openings_refused_429, "429"},
      {"openings_refused", kRefused, &C::openings_refused_other, &S::openings_refused_other, "other"},
  });
}();

struct Snapshot {
  ServerStats server;
  HubStats hub;
  unsigned loops = 0;
  double uptime_seconds = 0;
};

/// The text exposition format, version 0.0.4.
std::string to_prometheus(const Snapshot& snapshot);
inline constexpr const char* kPrometheusContentType = "text/plain; version=0.0.4; charset=utf-8";

/// {"uptime_seconds":…,"loops":…,"server":{…},"hub":{…}}; the members are those of ServerStats and HubStats.
std::string to_json(const Snapshot& snapshot);

}  // namespace plait::server
