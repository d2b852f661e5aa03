// The URLs that Plait takes (RFC 3986): tcp: tls: ws: wss: http: https: quic: with host, port, path and query, and
// unix:/run/name.sock or unix:/run/name.sock:/path, where the socket's own path ends at the first ":/".
#pragma once

#include <plait/result.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "http/authority.hpp"

namespace plait::http {

enum class Scheme : std::uint8_t { tcp, tls, ws, wss, http, https, quic, unix_socket };

struct Uri {
  Scheme scheme = Scheme::ws;
  std::string host;  ///< lower case; IPv6 without brackets; empty for unix:
  bool is_ipv6 = false;
  std::uint16_t port = 0;   ///< given, or the scheme's default; 0 may be given (pick a free port)
  std::string path = "/";   ///< not decoded; "/" if none was given
  std::string query;        ///< after "?", not decoded
  std::string socket_path;  ///< unix: only, taken literally; never has ":/"

  /// Path and query as a request names them (RFC 9112 §3.2.1).
  [[nodiscard]] std::string target() const { return query.empty() ? path : path + '?' + query; }
  bool operator==(const Uri&) const = default;
};

/// Parses an absolute URL. User names, passwords and fragments are refused.
[[nodiscard]] Result<Uri, UriError> parse_uri(std::string_view text);

/// The URL again, without a port that is the scheme's default. parse_uri(to_string(uri)) is `uri`.
[[nodiscard]] std::string to_string(const Uri& uri);

/// With TLS, QUIC's included.
[[nodiscard]] constexpr bool is_secure(Scheme scheme) {
  return scheme == Scheme::tls || scheme == Scheme::wss || scheme == Scheme::https || scheme == Scheme::quic;
}
/// HTTP/3 with WebTransport, or raw QUIC: ALPN tells them apart, so they can share a UDP port.
[[nodiscard]] constexpr bool is_quic(Scheme scheme) { return scheme == Scheme::https || scheme == Scheme::quic; }
/// Messages over a bare byte stream, rather than HTTP and WebSocket.
[[nodiscard]] constexpr bool is_framed(Scheme scheme) { return scheme == Scheme::tcp || scheme == Scheme::tls; }

/// "ws", …, "unix".
[[nodiscard]] std::string_view to_string(Scheme scheme);

/// ws, http: 80; wss, https: 443; nullopt for the others.
[[nodiscard]] std::optional<std::uint16_t> default_port(Scheme scheme);

/// host[:port] as a Host field has it (RFC 9110 §7.2): brackets around IPv6, no default port. A socket's path is no
/// host: "localhost" stands for it.
[[nodiscard]] std::string to_host_field(const Uri& uri);

/// RFC 3986 §2.1. Any octet may come out, also NUL and "/". Error: bad_percent_encoding.
[[nodiscard]] Result<std::string, UriError> percent_decode(std::string_view text);

}  // namespace plait::http
