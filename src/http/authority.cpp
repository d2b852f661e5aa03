#include "http/authority.hpp"

#include <limits>

#include "http/grammar.hpp"

namespace plait::http {
namespace {

// A decimal of at most `digits_max` digits and at most `max`.
std::optional<unsigned> parse_decimal(std::string_view text, std::size_t digits_max, unsigned max) {
  if (text.empty() || text.size() > digits_max) return std::nullopt;
  unsigned value = 0;
  for (const char c : text) {
    if (!is_digit(c)) return std::nullopt;
    value = value * 10 + static_cast<unsigned>(c - '0');
  }
  return value <= max ? std::optional{value} : std::nullopt;
}

// How many 16-bit groups "h16:h16:…" has, an IPv4 address at its end counting as two; nullopt if it is malformed.
std::optional<int> count_groups(std::string_view text, bool may_end_in_ipv4) {
  for (int groups = 0;;) {
    if (text.empty()) return groups == 0 ? std::optional{0} : std::nullopt;
    const bool last = text.find(':') == std::string_view::npos;
    const std::string_view group = take_until(text, ':');
    if (last && may_end_in_ipv4 && is_ipv4_address(group)) return groups + 2;
    if (group.empty() || group.size() > 4 || !all_in_class(group, CharClass::hex_digit)) return std::nullopt;
    ++groups;
    if (last) return groups;
  }
}

Result<std::optional<std::uint16_t>, UriError> parse_port(std::string_view text) {
  if (text.empty() || text == ":") return std::optional<std::uint16_t>{};
  if (text.front() != ':') return err(UriError::bad_port);
  const auto port = parse_decimal(text.substr(1), 5, std::numeric_limits<std::uint16_t>::max());
  if (!port) return err(UriError::bad_port);
  return std::optional{static_cast<std::uint16_t>(*port)};
}

}  // namespace

std::string_view describe(UriError error) {
  switch (error) {
    case UriError::missing_scheme:
      return "the URL has no scheme; write ws://host/path, for example";
    case UriError::unknown_scheme:
      return "unknown scheme; write ws:// wss:// tcp:// tls:// https:// or quic:// with host:port, or unix:/path";
    case UriError::missing_authority:
      return "the scheme is not followed by //host";
    case UriError::userinfo_given:
      return "user:password@ is not taken from URLs; use the Authorization field";
    case UriError::missing_host:
      return "the host is empty; to listen everywhere write 0.0.0.0 or [::]";
    case UriError::bad_host:
      return "the host has a character that no host name has";
    case UriError::bad_ipv6_address:
      return "what stands in brackets is not an IPv6 address";
    case UriError::bad_port:
      return "the port is not a number from 0 to 65535";
    case UriError::missing_port:
      return "tcp, tls and quic have no default port; write host:port";
    case UriError::fragment_given:
      return "a # fragment has no meaning here (RFC 6455 §3); escape it as %23";
    case UriError::bad_character:
      return "a character that must be percent-encoded";
    case UriError::bad_percent_encoding:
      return "% is not followed by two hexadecimal digits";
    case UriError::socket_path_not_absolute:
      return "unix: needs an absolute path, unix:/run/name.sock";
    case UriError::socket_path_too_long:
      return "the socket's path is longer than 107 bytes (sun_path)";
  }
  return {};
}

Result<Authority, UriError> parse_authority(std::string_view text) {
  if (text.find('@') != std::string_view::npos) return err(UriError::userinfo_given);
  Authority authority;
  std::string_view rest;
  if (text.starts_with('[')) {
    rest = text.substr(1);
    authority.is_ipv6 = true;
    authority.host = rest.substr(0, rest.find(']'));
    if (!is_ipv6_address(authority.host) || authority.host.size() == rest.size())
      return err(UriError::bad_ipv6_address);
    rest.remove_prefix(authority.host.size() + 1);
  } else {
    authority.host = text.substr(0, text.find(':'));
    if (authority.host.empty()) return err(UriError::missing_host);
    if (!all_in_class(authority.host, CharClass::reg_name)) return err(UriError::bad_host);
    rest = text.substr(authority.host.size());
  }
  const auto port = parse_port(rest);
  if (!port) return err(port.error());
  authority.port = *port;
  return authority;
}

bool is_ipv4_address(std::string_view text) {
  for (int i = 0; i < 4; ++i) {
    const bool last = text.find('.') == std::string_view::npos;
    const std::string_view octet = take_until(text, '.');
    if (!parse_decimal(octet, 3, 255) || (octet.size() > 1 && octet.front() == '0') || last != (i == 3)) return false;
  }
  return true;
}

bool is_ipv6_address(std::string_view text) {
  const std::size_t gap = text.find("::");
  if (gap == std::string_view::npos) return count_groups(text, true) == 8;
  const auto before = count_groups(text.substr(0, gap), false);
  const auto after = count_groups(text.substr(gap + 2), true);
  return before && after && *before + *after <= 7;
}

}  // namespace plait::http
