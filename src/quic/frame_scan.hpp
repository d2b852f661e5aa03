// FrameScan: reads the payload of each received packet beside ngtcp2, for what ngtcp2 1.11 keeps to itself: that
// there was one, since what comes in a UDP datagram may be anybody's; that a STOP_SENDING frame came (it answers with
// RESET_STREAM and calls nobody); the final size of a stream that we have stopped and that ends with FIN all the same
// (it calls nobody for such a stream); how many frames come that cost work and carry nothing, with which a peer could
// keep us busy for ever; and STREAM and CRYPTO frames that may leave a gap and bring next to nothing (it keeps a node
// for each gap). Of Initial and Handshake packets it takes the CRYPTO frames alone, since anybody can make the former.
#pragma once

#include <plait/bytes.hpp>

#include <cstdint>
#include <utility>
#include <vector>

#include "core/token_bucket.hpp"
#include "quic/packet_numbers.hpp"
#include "quic/protection.hpp"
#include "quic/types.hpp"

namespace plait::quic {

class FrameScan final : public PayloadObserver {
 public:
  struct StopSending {
    StreamId id;
    std::uint64_t code;
  };
  struct StreamEnd {
    StreamId id;
    std::uint64_t final_size_bytes;
  };
  struct ShortFrame {
    StreamId id;
    std::uint64_t offset;
    std::uint64_t end;
  };
  /// A STREAM or CRYPTO frame with less than this is short. A gap before a longer one costs hardly more than the credit
  /// it takes.
  static constexpr std::uint64_t kShortFrameBytes = 64;
  /// Of two that are smaller a sender that has more makes one.
  static constexpr std::size_t kLargePacketBytes = 600;
  /// More STOP_SENDING frames of one packet than this are not reported; the flood counter sees them.
  static constexpr std::size_t kStopSendingMax = 512;

  /// Frames of one kind: at most `burst` at once and `per_second` later.
  struct Rate {
    std::uint32_t burst;
    std::uint32_t per_second;
  };

  /// `cancels` are RESET_STREAM and STOP_SENDING, `odd` all others that carry nothing.
  FrameScan(const Rate& odd, const Rate& cancels, TimePoint now)
      : odd_(odd.burst, odd.per_second, now), cancels_(cancels.burst, cancels.per_second, now) {}

  void on_packet(std::uint64_t number, ByteView payload) override;
  void on_initial_packet(ByteView payload) override;
  void on_handshake_packet(ByteView payload) override;
  /// Of a genuine packet. A malformed payload is read up to the mistake; ngtcp2 then closes the connection.
  void on_payload(ByteView payload);

  /// Whether a Handshake packet has come: its sender has received one of ours (RFC 9000 §8.1).
  [[nodiscard]] bool heard_handshake() const { return heard_handshake_; }
  /// Whether a genuine packet has come since the last call.
  bool take_heard() { return std::exchange(heard_, false); }
  /// Whether one of them had more than acknowledgements.
  bool take_heard_eliciting() { return std::exchange(heard_eliciting_, false); }
  /// Whether one of them had kLargePacketBytes or more of frames; PADDING, of which probes of the path's MTU consist,
  /// is none.
  bool take_heard_large() { return std::exchange(heard_large_, false); }
  /// STOP_SENDING frames since the last call; maybe repeated ones, maybe of unknown streams.
  std::vector<StopSending>& stop_sending() { return stop_sending_; }
  /// STREAM frames with FIN since the last call; maybe repeated ones, maybe of unknown streams.
  std::vector<StreamEnd>& ends() { return ends_; }
  /// Since the last call: short STREAM frames without FIN that stand neither at offset 0 nor right behind the STREAM
  /// frame before them, as those of a peer do that sends small messages on one stream.
  std::vector<ShortFrame>& short_frames() { return short_frames_; }
  /// Short CRYPTO frames that stand neither at offset 0 nor right behind the CRYPTO frame before them, since the
  /// beginning. Browsers cut their ClientHello into a few dozen pieces on purpose.
  [[nodiscard]] std::uint64_t crypto_gap_count() const { return crypto_gap_count_; }
  /// Counts the odd frames and the cancels since the last call. False if either are too many.
  bool within_rate(TimePoint now);

 private:
  /// Size of the frame at the front of `payload`, 0 if malformed.
  std::size_t scan_frame(ByteView payload);
  std::size_t scan_stream_frame(ByteView payload);
  /// The same of what Initial and Handshake packets may have.
  std::size_t scan_handshake_frame(ByteView payload);
  /// Bytes of frames, PADDING aside.
  template <auto scan>
  std::size_t scan_frames(ByteView payload);
  void note_stop_sending(ByteView fields);
  void note_stream(const ShortFrame& frame, bool fin);
  void note_crypto(ByteView fields);

  PacketNumbers numbers_;
  bool heard_handshake_ = false;
  bool heard_ = false;
  bool heard_eliciting_ = false;
  bool heard_large_ = false;
  std::vector<StopSending> stop_sending_;
  std::vector<StreamEnd> ends_;
  std::vector<ShortFrame> short_frames_;
  StreamId last_id_ = 0;  // of the STREAM frame before
  std::uint64_t last_end_ = 0;
  std::uint64_t crypto_end_ = 0;  // of the CRYPTO frame before
  std::uint64_t crypto_gap_count_ = 0;
  core::TokenBucket odd_;  // a token is one frame
  core::TokenBucket cancels_;
  std::uint64_t odd_count_ = 0;  // not taken from its bucket yet
  std::uint64_t cancel_count_ = 0;
};

}  // namespace plait::quic
