// Counting answers as they arrive. Three counters, from the cheapest to the strictest; each takes a connection's bytes
// in order, cut anywhere, and says how many messages they completed.
#pragma once

#include "bench/components/generator/frames.hpp"

#include <plait/bytes.hpp>

#include <array>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

namespace plait::bench {

/// For answers whose bytes are known: counts bytes, and looks at each frame header where it must be (opcode, FIN and
/// payload length; one wrong length shifts every later header). With `verify` it compares all payload bytes as well.
class KnownReplies {
 public:
  /// `aside`: what the server may say between two answers (a broker's PING); no answer begins with its first byte. It
  /// must outlive this.
  KnownReplies(const FrameCycle& cycle, bool verify, std::string_view aside = {})
      : cycle_(&cycle),
        aside_(as_bytes(aside)),
        frame_bytes_(cycle.reply_header().size() + cycle.payload(0).size() + cycle.reply_trailer().size()),
        verify_(verify) {}
  /// Messages completed by `bytes`. After a mismatch is_broken() holds and the count means nothing.
  std::size_t count(ByteView bytes);
  [[nodiscard]] bool is_broken() const { return broken_; }
  /// Whole asides since the last call.
  std::size_t take_asides() { return std::exchange(asides_, 0); }

 private:
  [[nodiscard]] bool is_in_aside(std::uint8_t next) const;
  std::size_t skip_aside(ByteView bytes);
  [[nodiscard]] std::size_t matching_headers(ByteView frames) const;
  void check(ByteView piece);
  void check_part(ByteView piece, std::size_t at, ByteView expected);

  const FrameCycle* cycle_;
  ByteView aside_;
  std::size_t within_aside_ = 0;  // bytes of an aside that have arrived
  std::size_t asides_ = 0;
  std::size_t frame_bytes_;       // of one answer
  std::size_t within_frame_ = 0;  // bytes of the current answer that have arrived
  std::size_t index_ = 0;         // of the current answer in the cycle
  bool verify_;
  bool broken_ = false;
};

/// For answers of unknown length (compressed, or a stream in whatever frames the server likes): reads frame headers,
/// skips payloads, counts FIN data frames and payload bytes.
class FrameScanner {
 public:
  /// `keep_payloads`: collect each message's payload for take_messages() (verification).
  explicit FrameScanner(bool keep_payloads = false) : keep_(keep_payloads) {}
  std::size_t count(ByteView bytes);
  [[nodiscard]] std::uint64_t payload_bytes() const { return payload_bytes_; }  ///< of data frames, so far
  /// From now on has_pong() waits for a Pong with this payload (RFC 6455 §5.5.3), which is not empty.
  void await_pong(ByteView payload) { awaited_pong_.assign(payload.begin(), payload.end()); }
  [[nodiscard]] bool has_pong() const { return has_pong_; }
  [[nodiscard]] bool is_closed() const { return closed_; }  ///< a Close frame has arrived
  [[nodiscard]] bool is_broken() const { return broken_; }  ///< a masked or too long frame, or a reserved opcode
  /// Payloads of the messages completed since the last call, each with its RSV1 bit.
  struct Message {
    std::vector<std::uint8_t> payload;
    bool compressed = false;
  };
  std::vector<Message> take_messages();

 private:
  [[nodiscard]] std::size_t header_bytes_needed() const;
  void begin_frame();
  void take_payload(ByteView part);
  bool end_frame();

  std::array<std::uint8_t, 10> header_{};
  std::size_t header_have_ = 0;
  std::uint64_t payload_left_ = 0;
  std::uint64_t payload_bytes_ = 0;
  std::vector<std::uint8_t> awaited_pong_;
  std::vector<std::uint8_t> control_;  // payload of the control frame that comes
  bool has_pong_ = false;
  bool in_payload_ = false;
  bool keep_;
  bool closed_ = false;
  bool broken_ = false;
  Message current_;
  std::vector<Message> messages_;
};

}  // namespace plait::bench
