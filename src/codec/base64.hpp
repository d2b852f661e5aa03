// Base64 (RFC 4648): the standard alphabet with padding (§4) and the URL-safe one without (§5, as JWTs have it).
#pragma once

#include <plait/bytes.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace plait::codec {

enum class Base64 : std::uint8_t {
  standard,  ///< + and /, padded with = to a multiple of four
  url,       ///< - and _, not padded
};

/// How many characters `size` bytes become.
[[nodiscard]] constexpr std::size_t base64_size(std::size_t size, Base64 form = Base64::standard) {
  return form == Base64::standard ? (size + 2) / 3 * 4 : size / 3 * 4 + (size % 3 * 4 + 2) / 3;
}

/// Writes base64_size(data.size(), form) characters to `out`.
void encode_base64(ByteView data, char* out, Base64 form = Base64::standard);
[[nodiscard]] std::string encode_base64(ByteView data, Base64 form = Base64::standard);

/// Writes the decoded bytes, fewer than text.size(), to `out`, and returns how many. Strict: nullopt for a character
/// outside the alphabet (white space too), a length that cannot be, missing or unneeded padding, and unused bits that
/// are not zero. So each value has one encoding only.
[[nodiscard]] std::optional<std::size_t> decode_base64(std::string_view text, std::uint8_t* out,
                                                       Base64 form = Base64::standard);
[[nodiscard]] std::optional<std::vector<std::uint8_t>> decode_base64(std::string_view text,
                                                                     Base64 form = Base64::standard);

}  // namespace plait::codec
