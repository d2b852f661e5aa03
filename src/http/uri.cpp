#include "http/uri.hpp"

#include <algorithm>
#include <array>

#include "http/fields.hpp"
#include "http/grammar.hpp"

namespace plait::http {
namespace {

struct SchemeInfo {
  std::string_view name;
  std::uint16_t default_port;  // 0: none
};

// Indexed by Scheme.
constexpr std::array<SchemeInfo, 8> kSchemes{
    {{"tcp", 0}, {"tls", 0}, {"ws", 80}, {"wss", 443}, {"http", 80}, {"https", 443}, {"quic", 0}, {"unix", 0}}};

Result<Scheme, UriError> find_scheme(std::string_view name) {
  for (std::size_t i = 0; i < kSchemes.size(); ++i) {
    if (equals_ignoring_case(name, kSchemes[i].name)) return static_cast<Scheme>(i);
  }
  return err(UriError::unknown_scheme);
}

// path-abempty [ "?" query ], RFC 3986 §3.3, §3.4.
Result<void, UriError> parse_path(std::string_view text, Uri& uri) {
  if (text.find('#') != std::string_view::npos) return err(UriError::fragment_given);
  if (!all_in_class(text, CharClass::target) || has_backslash_in_path(text)) return err(UriError::bad_character);
  const std::string_view path = take_until(text, '?');
  if (!path.empty()) uri.path = path;
  uri.query = text;
  return {};
}

// /run/name.sock[:/path[?query]]: what nginx takes, too.
Result<Uri, UriError> parse_unix(std::string_view text) {
  constexpr std::size_t kSocketPathMax = 107;          // sun_path less its NUL
  if (text.starts_with("///")) text.remove_prefix(2);  // an empty authority
  if (!text.starts_with('/') || text.starts_with("//")) return err(UriError::socket_path_not_absolute);
  const std::string_view socket_path = text.substr(0, text.find(":/"));
  if (socket_path.size() > kSocketPathMax) return err(UriError::socket_path_too_long);
  text.remove_prefix(socket_path.size());
  Uri uri;
  uri.scheme = Scheme::unix_socket;
  uri.socket_path = socket_path;
  if (text.empty()) return uri;
  if (auto parsed = parse_path(text.substr(1), uri); !parsed) return err(parsed.error());
  return uri;
}

std::string host_and_port(const Uri& uri) {
  std::string text = uri.is_ipv6 ? '[' + uri.host + ']' : uri.host;
  if (default_port(uri.scheme) != uri.port) text += ':' + std::to_string(uri.port);
  return text;
}

}  // namespace

Result<Uri, UriError> parse_uri(std::string_view text) {
  if (text.find(':') == std::string_view::npos) return err(UriError::missing_scheme);
  const bool blank =
      std::any_of(text.begin(), text.end(), [](char c) { return !in_class(c, CharClass::field_value) || c == '\t'; });
  if (blank) return err(UriError::bad_character);
  const auto scheme = find_scheme(take_until(text, ':'));
  if (!scheme) return err(scheme.error());
  if (*scheme == Scheme::unix_socket) return parse_unix(text);
  if (!text.starts_with("//")) return err(UriError::missing_authority);
  text.remove_prefix(2);
  const std::string_view authority_text = text.substr(0, text.find_first_of("/?#"));
  const auto authority = parse_authority(authority_text);
  if (!authority) return err(authority.error());
  const auto port = authority->port ? authority->port : default_port(*scheme);
  if (!port) return err(UriError::missing_port);
  Uri uri;
  uri.scheme = *scheme;
  uri.host = authority->host;
  std::transform(uri.host.begin(), uri.host.end(), uri.host.begin(), to_lower);
  uri.is_ipv6 = authority->is_ipv6;
  uri.port = *port;
  if (auto parsed = parse_path(text.substr(authority_text.size()), uri); !parsed) return err(parsed.error());
  return uri;
}

std::string to_string(const Uri& uri) {
  std::string text{to_string(uri.scheme)};
  if (uri.scheme == Scheme::unix_socket) {
    text += ':' + uri.socket_path;
    if (uri.target() != "/") text += ':' + uri.target();
  } else {
    text += "://" + host_and_port(uri) + uri.target();
  }
  return text;
}

std::string_view to_string(Scheme scheme) { return kSchemes[static_cast<std::size_t>(scheme)].name; }

std::optional<std::uint16_t> default_port(Scheme scheme) {
  const std::uint16_t port = kSchemes[static_cast<std::size_t>(scheme)].default_port;
  return port != 0 ? std::optional{port} : std::nullopt;
}

std::string to_host_field(const Uri& uri) {
  return uri.scheme == Scheme::unix_socket ? "localhost" : host_and_port(uri);
}

Result<std::string, UriError> percent_decode(std::string_view text) {
  std::string decoded;
  decoded.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      decoded += text[i];
      continue;
    }
    if (text.size() - i < 3 || !all_in_class(text.substr(i + 1, 2), CharClass::hex_digit))
      return err(UriError::bad_percent_encoding);
    decoded += static_cast<char>(hex_value(text[i + 1]) * 16 + hex_value(text[i + 2]));
    i += 2;
  }
  return decoded;
}

}  // namespace plait::http
