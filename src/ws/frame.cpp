#include "ws/frame.hpp"

#include <plait/session.hpp>

#include <algorithm>
#include <cstring>

#include "codec/utf8.hpp"

namespace plait::ws {
namespace {

std::uint64_t load_big_endian(const std::uint8_t* data, std::size_t size) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < size; ++i) value = value << 8 | data[i];
  return value;
}

void store_big_endian(std::uint8_t* out, std::uint64_t value, std::size_t size) {
  for (std::size_t i = size; i-- > 0; value >>= 8) out[i] = static_cast<std::uint8_t>(value);
}

// Writes the 7-bit length and what follows it; returns how many bytes came after the first two of the header.
std::size_t encode_length(std::uint8_t* out, std::uint64_t length) {
  if (length < kLength16) {
    out[1] = static_cast<std::uint8_t>(length);
    return 0;
  }
  const bool short_enough = length <= 0xFFFF;
  const std::size_t size = short_enough ? 2 : 8;
  out[1] = short_enough ? kLength16 : kLength64;
  store_big_endian(out + 2, length, size);
  return size;
}

}  // namespace

FrameHeader decode_frame_header(const std::uint8_t* data) {
  FrameHeader header;
  header.opcode = static_cast<Opcode>(data[0] & kOpcodeBits);
  header.fin = (data[0] & kFinBit) != 0;
  header.rsv1 = (data[0] & kRsv1Bit) != 0;
  header.masked = (data[1] & kMaskBit) != 0;
  header.header_bytes = static_cast<std::uint8_t>(frame_header_bytes(data[1]));
  header.payload_length = data[1] & kLengthBits;
  if (header.payload_length == kLength16) {
    header.payload_length = load_big_endian(data + 2, 2);
  } else if (header.payload_length == kLength64) {
    header.payload_length = load_big_endian(data + 2, 8);
  }
  if (header.masked) std::memcpy(&header.masking_key, data + header.header_bytes - 4, 4);
  return header;
}

std::size_t encode_frame_header(std::uint8_t* out, Opcode opcode, bool fin, bool rsv1, std::uint64_t payload_length,
                                const std::uint32_t* masking_key) {
  out[0] = static_cast<std::uint8_t>(static_cast<unsigned>(opcode) | (fin ? kFinBit : 0U) | (rsv1 ? kRsv1Bit : 0U));
  const std::size_t size = 2 + encode_length(out, payload_length);
  if (masking_key == nullptr) return size;
  out[1] |= kMaskBit;
  std::memcpy(out + size, masking_key, 4);
  return size + 4;
}

std::size_t encode_close_payload(std::uint16_t code, std::string_view reason, std::uint8_t* out) {
  if (code == close_code::kNoStatus) return 0;
  store_big_endian(out, code, 2);
  const ByteView cut = codec::utf8_prefix(as_bytes(reason), kCloseReasonBytesMax);
  if (!codec::is_utf8(cut)) return 2;
  std::copy(cut.begin(), cut.end(), out + 2);
  return 2 + cut.size();
}

bool is_valid_close_code(std::uint16_t code) {
  if (code >= 3000) return code <= 4999;
  return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014);
}

}  // namespace plait::ws
