// FrameDecoder: frames that end their header with a payload length of 4 bytes, big-endian, out of a stream's bytes as
// they come (spec/messaging.md §2, §3).
#pragma once

#include <plait/bytes.hpp>

#include <cstdint>
#include <string>

namespace plait::messaging {

/// What a decoder keeps of its buffer once a frame is done; a larger one is freed.
inline constexpr std::size_t kKeptBytesMax = 4096;

class FrameDecoder {
 public:
  enum class Status : std::uint8_t {
    need_more,  ///< all input is taken
    frame,
    too_large,  ///< a payload above the limit; nothing may be read any more
  };
  /// Valid until the next next().
  struct Frame {
    ByteView header;
    ByteView payload;
  };

  /// `header_bytes`: 4 (nothing but the length) or more.
  FrameDecoder(std::size_t header_bytes, std::size_t payload_bytes_max)
      : header_bytes_(header_bytes), payload_bytes_max_(payload_bytes_max) {}

  /// Takes the next frame off the front of `input`, in place if it is whole there.
  Status next(ByteView& input, Frame& frame);
  /// A frame has begun and not ended.
  [[nodiscard]] bool inside() const { return !whole_ && !kept_.empty(); }

 private:
  [[nodiscard]] std::size_t payload_bytes(ByteView header) const;
  /// Moves input to the kept bytes until there are `size` of them; false: it does not suffice.
  bool keep(ByteView& input, std::size_t size);

  const std::size_t header_bytes_;
  const std::size_t payload_bytes_max_;
  std::string kept_;
  bool whole_ = false;  // what is kept was handed out
};

/// Big-endian numbers of the formats above sessions.
void append_u16(std::string& out, std::uint16_t number);
void append_u32(std::string& out, std::uint32_t number);
[[nodiscard]] std::uint16_t read_u16(ByteView bytes);
[[nodiscard]] std::uint32_t read_u32(ByteView bytes);

}  // namespace plait::messaging
