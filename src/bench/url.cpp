#include "bench/url.hpp"

#include <fmt/core.h>

#include <charconv>

namespace plait::bench {

namespace {

Unexpected<Error> refuse(std::string_view text, const char* why) {
  return err(Error{fmt::format("URL '{}': {}", text, why)});
}

}  // namespace

bool is_broker_scheme(std::string_view scheme) { return scheme == "redis" || scheme == "nats"; }
bool is_yardstick_scheme(std::string_view scheme) { return scheme == "quic-bulk" || scheme == "tls-bulk"; }

std::string Url::text() const {
  const bool is_ipv6 = host.find(':') != std::string::npos;
  return fmt::format("{}://{}{}{}:{}{}", scheme, is_ipv6 ? "[" : "", host, is_ipv6 ? "]" : "", port, path);
}

Result<Url, Error> parse_url(std::string_view text) {
  Url url;
  const auto scheme_end = text.find("://");
  if (scheme_end == std::string_view::npos) return refuse(text, "expected scheme://host:port/path");
  url.scheme = text.substr(0, scheme_end);
  const bool is_framed = url.scheme == "tcp" || url.scheme == "tls";
  if (!url.is_websocket() && !url.has_streams() && !url.is_broker() && !url.is_yardstick() && !is_framed) {
    return refuse(text, "the scheme must be tcp, tls, ws, wss, https, quic, redis or nats");
  }
  std::string_view authority = text.substr(scheme_end + 3);
  const auto path_start = authority.find('/');
  if (path_start != std::string_view::npos) {
    url.path = authority.substr(path_start);
    authority = authority.substr(0, path_start);
  }
  const auto colon = authority.rfind(':');
  if (colon == std::string_view::npos) return refuse(text, "the port is missing");
  const std::string_view port = authority.substr(colon + 1);
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), url.port);
  if (error != std::errc{} || end != port.data() + port.size()) return refuse(text, "the port must be 0 to 65535");
  std::string_view host = authority.substr(0, colon);
  if (host.size() >= 2 && host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
  if (host.empty()) return refuse(text, "the host is missing");
  url.host = host;
  return url;
}

}  // namespace plait::bench
