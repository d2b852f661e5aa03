#include "frames/frame.hpp"

#include "codec/utf8.hpp"
#include "core/assert.hpp"
#include "core/close_code.hpp"

namespace plait::frames {
namespace {

void encode_control(FrameType type, ByteView data, core::ByteSink& out) {
  PLAIT_ASSERT(data.size() <= kControlBytesMax, "control frames are small");
  out.append(FrameHeader{type, data.size()}.view());
  out.append(data);
}

}  // namespace

FrameHeader::FrameHeader(FrameType type, std::size_t payload_bytes) {
  bytes_[0] = static_cast<std::uint8_t>(type);
  size_ = static_cast<std::uint8_t>(1 + core::encode_varint(payload_bytes, &bytes_[1]));
}

FrameHeader FrameHeader::part(MessageKind kind, bool last, std::size_t data_bytes) {
  FrameHeader header{FrameType::part, data_bytes + 1};
  header.bytes_[header.size_++] =
      static_cast<std::uint8_t>((last ? part_flag::kLast : 0) | (kind == MessageKind::binary ? part_flag::kBinary : 0));
  return header;
}

Result<std::optional<FrameHead>, Error> decode_head(ByteView input) {
  if (input.empty()) return std::optional<FrameHead>{};
  const std::uint8_t type = input[0];
  if (type < static_cast<std::uint8_t>(FrameType::open) || type > static_cast<std::uint8_t>(FrameType::close)) {
    return err(Error::unknown_type);
  }
  const core::Varint length = core::decode_varint(input.subspan(1));
  if (length.size == 0) return std::optional<FrameHead>{};
  if (!length.minimal()) return err(Error::length_not_minimal);
  return std::optional{FrameHead{static_cast<FrameType>(type), length.value, 1 + length.size}};
}

void encode_ping(ByteView data, core::ByteSink& out) { encode_control(FrameType::ping, data, out); }
void encode_pong(ByteView data, core::ByteSink& out) { encode_control(FrameType::pong, data, out); }

void encode_close(std::uint16_t code, std::string_view reason, core::ByteSink& out) {
  if (code == close_code::kNoStatus) return encode_control(FrameType::close, {}, out);
  // The peer would fail a close whose reason it cannot read: the code matters more.
  const ByteView bytes = as_bytes(reason);
  reason = codec::is_utf8(bytes) ? as_text(codec::utf8_prefix(bytes, kControlBytesMax - 2)) : std::string_view{};
  const std::uint8_t code_bytes[2] = {static_cast<std::uint8_t>(code >> 8), static_cast<std::uint8_t>(code)};
  out.append(FrameHeader{FrameType::close, 2 + reason.size()}.view());
  out.append(code_bytes);
  out.append(as_bytes(reason));
}

Result<ClosePayload, Error> decode_close(ByteView payload) {
  if (payload.empty()) return ClosePayload{};
  if (payload.size() == 1) return err(Error::close_truncated);
  const auto code = static_cast<std::uint16_t>(payload[0] << 8 | payload[1]);
  if (!core::is_valid_close_code(code)) return err(Error::close_code_invalid);
  const ByteView reason = payload.subspan(2);
  if (!codec::is_utf8(reason)) return err(Error::close_reason_not_utf8);
  return ClosePayload{code, as_text(reason)};
}

}  // namespace plait::frames
