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

/// The eight bytes in network byte order; compilers make one load of it.
constexpr std::uint64_t load_big_endian(const std::uint8_t* bytes) {
  const auto byte = [bytes](std::size_t i) { return std::uint64_t{bytes[i]}; };
  return byte(0) << 56 | byte(1) << 48 | byte(2) << 40 | byte(3) << 32 | byte(4) << 24 | byte(5) << 16 | byte(6) << 8 |
         byte(7);
}

/// decode_varint() of less than kVarintBytesMax bytes.
constexpr Varint decode_varint_at_end(ByteView input) {
  if (input.empty()) return {};
  const std::size_t size = std::size_t{1} << (input[0] >> 6);
  if (input.size() < size) return {};
  std::uint64_t value = input[0] & 0x3F;
  for (std::size_t i = 1; i < size; ++i) value = value << 8 | input[i];
  return {value, size};
}

// Each QUIC packet has several, and most often more behind them: there it takes no jump that depends on the size, and
// a dozen instructions, of which a call would be half as many again.
[[gnu::always_inline]] constexpr Varint decode_varint(ByteView input) {
  if (input.size() < kVarintBytesMax) return decode_varint_at_end(input);
  const std::uint64_t all = load_big_endian(input.data());
  const std::size_t size = std::size_t{1} << (all >> 62);
  return {(all & kVarintMax) >> (64 - 8 * size), size};
}

}  // namespace plait::core
