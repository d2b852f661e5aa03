// Frame headers and close payloads (RFC 6455 §5.2, §5.5.1): encoding, and decoding without judgement.
#pragma once

#include <plait/bytes.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace plait::ws {

enum class Role : std::uint8_t { client, server };

enum class Opcode : std::uint8_t { continuation = 0, text = 1, binary = 2, close = 8, ping = 9, pong = 10 };

/// Close, ping and pong; also the reserved opcodes 11–15.
[[nodiscard]] constexpr bool is_control(Opcode opcode) { return (static_cast<std::uint8_t>(opcode) & 0x8) != 0; }

/// Two bytes, a 64-bit length, a masking key.
inline constexpr std::size_t kFrameHeaderBytesMax = 14;
inline constexpr std::size_t kControlPayloadBytesMax = 125;
inline constexpr std::size_t kCloseReasonBytesMax = 123;

/// Bits of the first two bytes.
inline constexpr std::uint8_t kFinBit = 0x80;
inline constexpr std::uint8_t kRsv1Bit = 0x40;
inline constexpr std::uint8_t kRsv2Bit = 0x20;
inline constexpr std::uint8_t kRsv3Bit = 0x10;
inline constexpr std::uint8_t kOpcodeBits = 0x0F;
inline constexpr std::uint8_t kMaskBit = 0x80;
inline constexpr std::uint8_t kLengthBits = 0x7F;
/// Values of the 7-bit length that announce a 16-bit and a 64-bit length.
inline constexpr std::uint8_t kLength16 = 126;
inline constexpr std::uint8_t kLength64 = 127;

struct FrameHeader {
  Opcode opcode = Opcode::continuation;
  bool fin = true;
  bool rsv1 = false;
  bool masked = false;
  std::uint8_t header_bytes = 0;  ///< of this header, 2 to 14
  std::uint32_t masking_key = 0;  ///< octets in memory order; 0 if not masked
  std::uint64_t payload_length = 0;
};

/// Removes the first `size` bytes from `input` and returns them.
inline MutableByteView take_front(MutableByteView& input, std::size_t size) {
  const MutableByteView front = input.first(size);
  input = input.subspan(size);
  return front;
}

/// Size of the header whose second byte is `second`.
[[nodiscard]] constexpr std::size_t frame_header_bytes(std::uint8_t second) {
  const std::uint8_t length = second & kLengthBits;
  const std::size_t length_bytes = length < kLength16 ? 0 : length == kLength16 ? 2 : 8;
  return 2 + length_bytes + ((second & kMaskBit) != 0 ? 4 : 0);
}

/// Reads the header at `data`, where frame_header_bytes(data[1]) bytes must be. Inline for the decoder's hot path.
[[nodiscard]] inline FrameHeader decode_frame_header(const std::uint8_t* data) {
  const auto big_endian = [data](std::size_t size) {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < size; ++i) value = value << 8 | data[2 + i];
    return value;
  };
  FrameHeader header;
  header.opcode = static_cast<Opcode>(data[0] & kOpcodeBits);
  header.fin = (data[0] & kFinBit) != 0;
  header.rsv1 = (data[0] & kRsv1Bit) != 0;
  header.masked = (data[1] & kMaskBit) != 0;
  header.header_bytes = static_cast<std::uint8_t>(frame_header_bytes(data[1]));
  header.payload_length = data[1] & kLengthBits;
  if (header.payload_length == kLength16) {
    header.payload_length = big_endian(2);
  } else if (header.payload_length == kLength64) {
    header.payload_length = big_endian(8);
  }
  if (header.masked) std::memcpy(&header.masking_key, data + header.header_bytes - 4, 4);
  return header;
}

inline void store_big_endian(std::uint8_t* out, std::uint64_t value, std::size_t size) {
  for (std::size_t i = size; i-- > 0; value >>= 8) out[i] = static_cast<std::uint8_t>(value);
}

/// Writes the 7-bit length and what follows it; returns how many bytes came after the first two of the header.
[[gnu::always_inline]] inline std::size_t encode_length(std::uint8_t* out, std::uint64_t length) {
  if (length < kLength16) {
    out[1] = static_cast<std::uint8_t>(length);
    return 0;
  }
  if (length <= 0xFFFF) {
    out[1] = kLength16;
    store_big_endian(out + 2, length, 2);
    return 2;
  }
  out[1] = kLength64;
  store_big_endian(out + 2, length, 8);
  return 8;
}

/// Writes a header with the shortest length encoding; `masking_key` is null for an unmasked frame. Returns its size,
/// at most kFrameHeaderBytesMax, for which `out` has room.
[[gnu::always_inline]] inline std::size_t encode_frame_header(std::uint8_t* out, Opcode opcode, bool fin, bool rsv1,
                                                              std::uint64_t payload_length,
                                                              const std::uint32_t* masking_key) {
  out[0] = static_cast<std::uint8_t>(static_cast<unsigned>(opcode) | (fin ? kFinBit : 0U) | (rsv1 ? kRsv1Bit : 0U));
  const std::size_t size = 2 + encode_length(out, payload_length);
  if (masking_key == nullptr) return size;
  out[1] |= kMaskBit;
  std::memcpy(out + size, masking_key, 4);
  return size + 4;
}

/// Writes a close frame's payload, at most kControlPayloadBytesMax bytes, and returns its size: the code, then the
/// reason cut to kCloseReasonBytesMax at a character's end. Empty for code 1005; a reason that is not UTF-8 is left
/// out.
std::size_t encode_close_payload(std::uint16_t code, std::string_view reason, std::uint8_t* out);

}  // namespace plait::ws
