#include "ws/frame.hpp"

#include <plait/session.hpp>

#include <algorithm>
#include <cstring>

#include "codec/utf8.hpp"

namespace plait::ws {
namespace {

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
