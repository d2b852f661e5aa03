// Variable-length integers (RFC 9000 §16): the two top bits of the first byte give the size, 1, 2, 4 or 8 bytes.
#pragma once

#include <plait/bytes.hpp>

#include <cstddef>
#include <cstdint>

namespace plait::core {

inline constexpr std::uint64_t kVarintMax = (std::uint64_t{1} << 62) - 1;
inline constexpr std::size_t kVarintBytesMax = 8;

/// Bytes that the shortest encoding of `value` takes; `value` is at most kVarintMax.
constexpr std::size_t varint_size(std::uint64_t value) {
  if (value < 0x40) return 1;
  if (value < 0x4000) return 2;
  return value < 0x4000'0000 ? 4 : 8;
}

/// Writes the shortest encoding to the front of `out` (at least varint_size(value) bytes) and returns its size.
constexpr std::size_t encode_varint(std::uint64_t value, std::uint8_t* out) {
  const std::size_t size = varint_size(value);
  for (std::size_t i = size; i-- > 0; value >>= 8) out[i] = static_cast<std::uint8_t>(value);
  const std::uint8_t size_bits[9] = {0, 0x00, 0x40, 0, 0x80, 0, 0, 0, 0xC0};
  out[0] |= size_bits[size];
  return size;
}

/// A decoded integer; size 0 means that `input` does not hold all of it yet.
struct Varint {
  std::uint64_t value = 0;
  std::size_t size = 0;
  /// False if a shorter encoding exists. RFC 9000 allows that; whoever does not, asks.
  [[nodiscard]] constexpr bool minimal() const { return size == varint_size(value); }
};

constexpr Varint decode_varint(ByteView input) {
  if (input.empty()) return {};
  const std::size_t size = std::size_t{1} << (input[0] >> 6);
  if (input.size() < size) return {};
  std::uint64_t value = input[0] & 0x3F;
  for (std::size_t i = 1; i < size; ++i) value = value << 8 | input[i];
  return {value, size};
}

}  // namespace plait::core
