// URLs, origins and queries: an accepted URL parses back to itself, its Host field is an authority, its origin is the
// server's own.
#include <cstdlib>
#include <string_view>

#include "http/authority.hpp"
#include "http/origin.hpp"
#include "http/uri.hpp"

namespace {

using namespace plait::http;

void require(bool holds) {
  if (!holds) std::abort();
}

void require_consistent(const Uri& uri) {
  const auto again = parse_uri(to_string(uri));
  require(again.has_value() && *again == uri);
  const std::string host = to_host_field(uri);
  const auto authority = parse_authority(host);
  require(authority.has_value());
  if (uri.scheme == Scheme::unix_socket) return;
  require(authority->host == uri.host && authority->is_ipv6 == uri.is_ipv6);
  require(authority->port.value_or(default_port(uri.scheme).value_or(0)) == uri.port);
  const bool secure = uri.scheme == Scheme::https;
  if (uri.scheme != Scheme::http && !secure) return;
  const std::string origin_text = std::string{to_string(uri.scheme)} + "://" + host;
  const auto origin = parse_origin(origin_text);
  require(origin.has_value() && is_same_origin(*origin, host, secure) && !is_same_origin(*origin, host, !secure));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text{reinterpret_cast<const char*>(data), size};
  if (const auto uri = parse_uri(text)) {
    require_consistent(*uri);
  } else {
    require(!describe(uri.error()).empty());
  }
  if (const auto decoded = percent_decode(text)) require(decoded->size() <= size);
  if (const auto value = parse_query(text, "a")) require(value->size() < size);
  if (const auto origin = parse_origin(text)) require(is_same_origin(*origin, *origin));
  return 0;
}
