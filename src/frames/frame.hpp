// The frame of the wires without HTTP (spec/frames.md §2): one type byte, the payload's length, the payload.
#pragma once

#include <plait/bytes.hpp>
#include <plait/result.hpp>
#include <plait/session.hpp>

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "core/byte_sink.hpp"
#include "core/varint.hpp"
#include "frames/error.hpp"

namespace plait::frames {

enum class FrameType : std::uint8_t {
  open = 0x01,
  text = 0x02,
  binary = 0x03,
  part = 0x04,
  ping = 0x05,
  pong = 0x06,
  close = 0x07,
};

/// The type of a message in one frame.
[[nodiscard]] constexpr FrameType type_of(MessageKind kind) {
  return kind == MessageKind::text ? FrameType::text : FrameType::binary;
}

inline constexpr std::size_t kControlBytesMax = 125;  ///< payload of ping, pong and close, as in RFC 6455 §5.5

/// First byte of a part's payload.
namespace part_flag {
inline constexpr std::uint8_t kLast = 0x01;    ///< ends the message
inline constexpr std::uint8_t kBinary = 0x02;  ///< a binary message; the same in all its parts
}  // namespace part_flag

/// What stands before a payload on the wire; short enough to be gathered in front of a shared payload.
class FrameHeader {
 public:
  static constexpr std::size_t kBytesMax = 2 + core::kVarintBytesMax;

  /// For every type but part.
  FrameHeader(FrameType type, std::size_t payload_bytes);
  /// For a part of a message, its flags byte included; `data_bytes` is what follows.
  static FrameHeader part(MessageKind kind, bool last, std::size_t data_bytes);

  [[nodiscard]] ByteView view() const { return {bytes_.data(), size_}; }

 private:
  std::array<std::uint8_t, kBytesMax> bytes_{};
  std::uint8_t size_;
};

/// Type and length as received.
struct FrameHead {
  FrameType type;
  std::uint64_t payload_bytes;
  std::size_t head_bytes;  ///< of type and length together
};

/// The head at the front of `input`; nullopt: not whole yet. Errors: unknown_type, length_not_minimal.
Result<std::optional<FrameHead>, Error> decode_head(ByteView input);

/// Appends a ping or pong of at most kControlBytesMax bytes.
void encode_ping(ByteView data, core::ByteSink& out);
void encode_pong(ByteView data, core::ByteSink& out);
/// Appends a close frame; code 1005 makes an empty one. `reason` is cut to 123 bytes of whole UTF-8 characters.
void encode_close(std::uint16_t code, std::string_view reason, core::ByteSink& out);

/// A close frame's content: code 1005 if it was empty.
struct ClosePayload {
  std::uint16_t code = close_code::kNoStatus;
  std::string_view reason;
};
/// Errors: close_truncated, close_code_invalid, close_reason_not_utf8.
Result<ClosePayload, Error> decode_close(ByteView payload);

}  // namespace plait::frames
