// URLs and origins: an accepted URL parses back to itself, its Host field is an authority, its origin is the
// server's own. What was percent-decoded is what is read again from an encoding of each of its octets.
#include <cstdlib>
#include <string>
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

std::string percent_encoded(std::string_view text) {
  std::string encoded;
  for (const char c : text) {
    const auto octet = static_cast<unsigned char>(c);
    encoded += '%';
    encoded += "0123456789abcdef"[octet >> 4];
    encoded += "0123456789ABCDEF"[octet & 15];
  }
  return encoded;
}

void require_reads_again(std::string_view decoded) {
  const std::string encoded = percent_encoded(decoded);
  const auto again = percent_decode(encoded);
  require(again.has_value() && *again == decoded);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text{reinterpret_cast<const char*>(data), size};
  if (const auto uri = parse_uri(text)) {
    require_consistent(*uri);
  } else {
    require(!describe(uri.error()).empty());
  }
  require_reads_again(text);
  if (const auto decoded = percent_decode(text)) {
    require(decoded->size() <= size);
    require_reads_again(*decoded);
  }
  if (const auto origin = parse_origin(text)) require(is_same_origin(*origin, *origin));
  return 0;
}
