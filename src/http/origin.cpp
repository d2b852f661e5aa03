#include "http/origin.hpp"

#include "http/authority.hpp"
#include "http/fields.hpp"
#include "http/grammar.hpp"

namespace plait::http {
namespace {

constexpr std::uint16_t kHttpPort = 80;
constexpr std::uint16_t kHttpsPort = 443;

std::uint16_t default_port_of(std::string_view scheme) {
  if (equals_ignoring_case(scheme, "http")) return kHttpPort;
  return equals_ignoring_case(scheme, "https") ? kHttpsPort : std::uint16_t{0};
}

// scheme = ALPHA *( ALPHA / DIGIT / "+" / "-" / "." ), RFC 3986 §3.1.
bool is_scheme(std::string_view text) {
  if (text.empty() || to_lower(text.front()) < 'a' || to_lower(text.front()) > 'z') return false;
  return text.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+-.") == text.npos;
}

}  // namespace

std::optional<Origin> parse_origin(std::string_view text) {
  const std::size_t colon = text.find("://");
  if (colon == std::string_view::npos || !is_scheme(text.substr(0, colon))) return std::nullopt;
  const std::string_view scheme = text.substr(0, colon);
  const auto authority = parse_authority(text.substr(colon + 3));
  if (!authority) return std::nullopt;
  return Origin{scheme, authority->host, authority->port.value_or(default_port_of(scheme))};
}

bool is_same_origin(const Origin& a, const Origin& b) {
  return equals_ignoring_case(a.scheme, b.scheme) && equals_ignoring_case(a.host, b.host) && a.port == b.port;
}

bool is_same_origin(const Origin& origin, std::string_view host_field, bool secure) {
  const auto authority = parse_authority(host_field);
  if (!authority) return false;
  const std::uint16_t default_port = secure ? kHttpsPort : kHttpPort;
  return is_same_origin(origin,
                        Origin{secure ? "https" : "http", authority->host, authority->port.value_or(default_port)});
}

// The last "*" takes one character more whenever what follows it does not fit.
bool matches_glob(std::string_view text, std::string_view pattern) {
  std::size_t at = 0;
  std::size_t star = std::string_view::npos;
  std::size_t star_text = 0;
  for (std::size_t i = 0; i < text.size();) {
    if (at < pattern.size() && pattern[at] == '*') {
      star = at++;
      star_text = i;
    } else if (at < pattern.size() && (pattern[at] == '?' || pattern[at] == text[i])) {
      ++at;
      ++i;
    } else if (star != std::string_view::npos) {
      at = star + 1;
      i = ++star_text;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', at) == std::string_view::npos;
}

}  // namespace plait::http
