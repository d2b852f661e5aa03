// The bytes that the generator sends and expects, made once before the clock starts.
#pragma once

#include <plait/bytes.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace plait::bench {

/// The bytes before and after each payload where there are no WebSocket frames.
struct Envelope {
  std::string before;
  std::string after;
};

/// How messages look on the wire: what the client sends and what the server must answer.
struct WireFormat {
  bool websocket = true;  ///< else the payload in these envelopes; without them it is alone (raw TCP)
  Envelope sent{};
  Envelope answered{};
  bool socket_io = false;  ///< each payload inside a Socket.IO event, in a text frame
  bool deflate = false;    ///< client frames compressed (RSV1); answers are not predictable byte by byte
  bool distinct = false;   ///< every message of a long cycle differs, so that loss and reordering show
  std::size_t payload_bytes = 0;
};

/// A cycle of `period` messages, written out so that `depth` of them can be sent from any byte of the first cycle in
/// one call. Without `distinct` the period is one message: sending is a pointer and a length.
class FrameCycle {
 public:
  FrameCycle(const WireFormat& format, std::size_t depth);

  /// Up to `byte_count` bytes from `offset`, which is below cycle_bytes().
  [[nodiscard]] ByteView slice(std::size_t offset, std::size_t byte_count) const;
  /// The cycle's length; a sender's offset wraps here.
  [[nodiscard]] std::size_t cycle_bytes() const { return period_ * frame_bytes_; }
  /// Bytes of one client frame (all are equally long).
  [[nodiscard]] std::size_t frame_bytes() const { return frame_bytes_; }
  /// What stands before an answer's payload (the header of an uncompressed server frame, or the envelope) and behind
  /// it, and one cycle of payloads.
  [[nodiscard]] ByteView reply_header() const { return reply_header_; }
  [[nodiscard]] ByteView reply_trailer() const { return reply_trailer_; }
  [[nodiscard]] ByteView payload(std::size_t index) const;  ///< as it is in the frame: with its Socket.IO envelope
  [[nodiscard]] std::size_t period() const { return period_; }

 private:
  std::size_t period_;
  std::size_t payload_bytes_ = 0;
  std::size_t frame_bytes_ = 0;
  std::vector<std::uint8_t> payloads_;
  std::vector<std::uint8_t> reply_header_;
  std::vector<std::uint8_t> reply_trailer_;
  std::vector<std::uint8_t> bytes_;
};

inline constexpr std::uint8_t kFinText = 0x81;
inline constexpr std::uint8_t kFinBinary = 0x82;

/// A frame header with this payload length; masked ones end with the masking key.
[[nodiscard]] std::vector<std::uint8_t> frame_header(std::size_t payload_bytes, bool masked, std::uint8_t first_byte);

/// A whole client frame, masked.
[[nodiscard]] std::vector<std::uint8_t> make_client_frame(ByteView payload, std::uint8_t first_byte);

/// The payload that message `index` of a cycle carries: text like JSON, so that it is valid UTF-8 and compresses as
/// real messages do.
[[nodiscard]] std::vector<std::uint8_t> make_payload(std::size_t bytes, std::size_t index);

}  // namespace plait::bench
