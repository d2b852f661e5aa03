// The addresses that the bench's command line takes: scheme://host:port/path.
#pragma once

#include <plait/result.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace plait::bench {

/// redis or nats.
[[nodiscard]] bool is_broker_scheme(std::string_view scheme);

/// quic-bulk or tls-bulk: the yardsticks of the bulk rows, which speak nothing but transfers; the first also of
/// QUIC's handshake.
[[nodiscard]] bool is_yardstick_scheme(std::string_view scheme);

struct Url {
  std::string scheme;  ///< tcp, tls, ws, wss, https, quic, redis, nats, or a yardstick's
  std::string host;    ///< without brackets
  std::uint16_t port = 0;
  std::string path;  ///< with its query; empty when the URL names none

  [[nodiscard]] bool is_tls() const { return scheme == "tls" || scheme == "wss"; }
  [[nodiscard]] bool is_websocket() const { return scheme == "ws" || scheme == "wss"; }
  /// WebTransport, or raw QUIC.
  [[nodiscard]] bool has_streams() const { return scheme == "https" || scheme == "quic"; }
  /// A message broker that is spoken to in its own protocol.
  [[nodiscard]] bool is_broker() const { return is_broker_scheme(scheme); }
  [[nodiscard]] bool is_yardstick() const { return is_yardstick_scheme(scheme); }
  /// A Socket.IO server: its path says so.
  [[nodiscard]] bool is_socket_io() const { return is_websocket() && path.starts_with("/socket.io/"); }
  [[nodiscard]] std::string text() const;
};

/// Fails with a sentence that names the URL and what is missing: the scheme, the host or the port (there is no default
/// port: every server under test gets one of its own).
[[nodiscard]] Result<Url, Error> parse_url(std::string_view text);

}  // namespace plait::bench
