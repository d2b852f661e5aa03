// Frame and stream types of HTTP/3 (RFC 9114 §6.2, §7.2), and the two integers that every frame begins with.
#pragma once

#include <plait/bytes.hpp>

#include <array>
#include <cstddef>
#include <cstdint>

#include "core/varint.hpp"
#include "h3/capsule_type.hpp"

namespace plait::h3 {

namespace frame_type {
inline constexpr std::uint64_t kData = 0x00;
inline constexpr std::uint64_t kHeaders = 0x01;
inline constexpr std::uint64_t kCancelPush = 0x03;
inline constexpr std::uint64_t kSettings = 0x04;
inline constexpr std::uint64_t kPushPromise = 0x05;
inline constexpr std::uint64_t kGoaway = 0x07;
inline constexpr std::uint64_t kMaxPushId = 0x0D;
/// First on a bidirectional stream, in the place of a frame: the session ID follows, then the stream's own bytes.
inline constexpr std::uint64_t kWebTransportStream = 0x41;
}  // namespace frame_type

namespace stream_type {
inline constexpr std::uint64_t kControl = 0x00;
inline constexpr std::uint64_t kPush = 0x01;
inline constexpr std::uint64_t kQpackEncoder = 0x02;
inline constexpr std::uint64_t kQpackDecoder = 0x03;
inline constexpr std::uint64_t kWebTransport = 0x54;
}  // namespace stream_type

/// Types that HTTP/2 used and that must not be sent (RFC 9114 §7.2.8).
[[nodiscard]] constexpr bool is_frame_of_http2(std::uint64_t type) {
  return type == 0x02 || type == 0x06 || type == 0x08 || type == 0x09;
}

/// Types of WebTransport's capsules. PyWebTransport up to 0.10 sends them as frames, not inside DATA.
[[nodiscard]] constexpr bool is_webtransport_capsule(std::uint64_t type) {
  return type == capsule_type::kCloseSession || type == capsule_type::kDrainSession ||
         (type >= capsule_type::kMaxData && type <= capsule_type::kStreamsBlockedUni);
}

inline constexpr std::size_t kFrameHeaderBytesMax = 2 * core::kVarintBytesMax;

/// Type and length, or stream type and session ID: two integers as they go out.
class FrameHeader {
 public:
  FrameHeader(std::uint64_t type, std::uint64_t length) {
    size_ = static_cast<std::uint8_t>(core::encode_varint(type, bytes_.data()));
    size_ = static_cast<std::uint8_t>(size_ + core::encode_varint(length, &bytes_[size_]));
  }
  [[nodiscard]] ByteView view() const { return {bytes_.data(), size_}; }

 private:
  std::array<std::uint8_t, kFrameHeaderBytesMax> bytes_{};
  std::uint8_t size_;
};

/// Collects one integer or two from input that may be cut anywhere; 17 bytes of state.
class HeaderReader {
 public:
  /// Take what is missing from the front of `input`; true once the first integer, or both, are whole.
  bool read_type(ByteView& input) { return fill(input, &HeaderReader::type_bytes); }
  bool read(ByteView& input) { return fill(input, &HeaderReader::header_bytes); }

  /// The first integer, once read_type() or read() said true; the second once read() did.
  [[nodiscard]] std::uint64_t type() const { return core::decode_varint(bytes()).value; }
  [[nodiscard]] std::uint64_t length() const { return core::decode_varint(bytes().subspan(type_bytes())).value; }
  /// As received.
  [[nodiscard]] ByteView bytes() const { return {bytes_.data(), size_}; }
  void reset() { size_ = 0; }

 private:
  [[nodiscard]] std::size_t type_bytes() const { return size_ == 0 ? 1 : std::size_t{1} << (bytes_[0] >> 6); }
  [[nodiscard]] std::size_t header_bytes() const {
    const std::size_t first = type_bytes();
    return first + (size_ <= first ? 1 : std::size_t{1} << (bytes_[first] >> 6));
  }
  bool fill(ByteView& input, std::size_t (HeaderReader::*bytes_needed)() const) {
    while (size_ < (this->*bytes_needed)()) {
      if (input.empty()) return false;
      bytes_[size_++] = input.front();
      input = input.subspan(1);
    }
    return true;
  }

  std::array<std::uint8_t, kFrameHeaderBytesMax> bytes_{};
  std::uint8_t size_ = 0;
};

}  // namespace plait::h3
