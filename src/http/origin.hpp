// The Origin field (RFC 6454 §7): which site's page is asking.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace plait::http {

/// (scheme, host, port), RFC 6454 §4. Views into the parsed text; compare with is_same_origin().
struct Origin {
  std::string_view scheme;
  std::string_view host;   ///< IPv6 without brackets
  std::uint16_t port = 0;  ///< given, or the default of http and https; 0: another scheme's default
};

/// Parses one serialized origin, "https://example.org". nullopt: "null" (an opaque origin: sandboxed frames, file:
/// pages), a list, a path, or anything else that is not scheme://host[:port]. Such a page is the same site as nothing.
[[nodiscard]] std::optional<Origin> parse_origin(std::string_view text);

/// RFC 6454 §5; scheme and host are compared without case.
[[nodiscard]] bool is_same_origin(const Origin& a, const Origin& b);

/// Whether a page of `origin` was loaded from the server that this request, with this Host field, was sent to.
/// `secure`: the connection is TLS, so https; else http.
[[nodiscard]] bool is_same_origin(const Origin& origin, std::string_view host_field, bool secure);

/// Whether all of `text` is what `pattern` stands for: "*" for any text, "?" for one character.
[[nodiscard]] bool matches_glob(std::string_view text, std::string_view pattern);

}  // namespace plait::http
