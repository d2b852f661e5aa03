// UTF-8 validation (RFC 3629) with SIMD, also of text that arrives in pieces.
#pragma once

#include <plait/bytes.hpp>

#include <array>
#include <cstddef>
#include <cstdint>

namespace plait::codec {

/// True if `text` is whole, valid UTF-8.
[[nodiscard]] bool is_utf8(ByteView text);

/// The front of `text`, at most `size_max` bytes, that ends with a whole character if `text` is valid UTF-8.
[[nodiscard]] ByteView utf8_prefix(ByteView text, std::size_t size_max);

/// Validates a text piece by piece; a character may be split anywhere.
class Utf8Validator {
 public:
  /// False as soon as the text up to here cannot be the beginning of valid UTF-8.
  [[nodiscard]] bool add(ByteView piece);
  /// True if the text may end here; resets for the next text.
  [[nodiscard]] bool finish();

 private:
  std::array<std::uint8_t, 4> pending_{};  // the bytes of a character whose rest is still to come
  std::uint8_t pending_size_ = 0;
};

}  // namespace plait::codec
