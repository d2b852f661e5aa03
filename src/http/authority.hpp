// host[:port] (RFC 3986 §3.2, RFC 9110 §4.2): in URLs, in the Host field and in request targets.
#pragma once

#include <plait/result.hpp>

#include <cstdint>
#include <optional>
#include <string_view>

namespace plait::http {

/// What can be wrong with a URL; one enumerator per rule.
enum class UriError : std::uint8_t {
  missing_scheme,
  unknown_scheme,
  missing_authority,
  userinfo_given,
  missing_host,
  bad_host,
  bad_ipv6_address,
  bad_port,
  missing_port,
  fragment_given,
  bad_character,
  bad_percent_encoding,
  socket_path_not_absolute,
  socket_path_too_long,
};

/// A sentence that says what to write instead.
[[nodiscard]] std::string_view describe(UriError error);

struct Authority {
  std::string_view host;  ///< without brackets
  bool is_ipv6 = false;
  std::optional<std::uint16_t> port;  ///< nullopt also for "host:"
};

/// Errors: userinfo_given, missing_host, bad_host, bad_ipv6_address, bad_port. The views point into `text`.
/// Stricter than RFC 3986 on purpose: no "%" and no "," in a name (no DNS name has them, and a list of two hosts must
/// not pass for one), no IPvFuture, no IPv6 zone.
[[nodiscard]] Result<Authority, UriError> parse_authority(std::string_view text);

[[nodiscard]] bool is_ipv4_address(std::string_view text);
/// Without brackets, RFC 4291 §2.2 in all three forms.
[[nodiscard]] bool is_ipv6_address(std::string_view text);

}  // namespace plait::http
