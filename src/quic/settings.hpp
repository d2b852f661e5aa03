// Settings of a QUIC connection: transport parameters (RFC 9000 §18.2), timers, bounds. Units are in the names.
#pragma once

#include <plait/limits.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace plait::quic {

enum class CongestionControl : std::uint8_t { cubic, bbr };

/// The values hold for all connections of an Endpoint; Endpoint brings each into the range that is valid.
struct Settings {
  // --- Times ----------------------------------------------------------------------------------------------------
  /// Silence after which a connection is given up (RFC 9000 §10.1), whether the peer is asked meanwhile or not; the
  /// smaller of both ends' counts.
  Duration idle_timeout = std::chrono::seconds{30};
  /// A PING goes out after this much silence; zero turns it off. Browsers send none for WebTransport, so a server must.
  Duration keep_alive_server = std::chrono::seconds{10};
  /// The same of a client: longer, so that it is the server that sends, unless it is gone. If it has come again
  /// meanwhile, the PING is answered by a stateless reset.
  Duration keep_alive_client = std::chrono::seconds{15};
  /// From the first packet to the end of the handshake.
  Duration handshake_timeout = std::chrono::seconds{10};
  /// What the round trip is taken for before it is measured. RFC 9002 §6.2.2 advises 333 ms, which costs a second where
  /// the first packet is lost.
  Duration initial_rtt = std::chrono::milliseconds{100};

  // --- Flow-control credit that we give (RFC 9000 §4) -----------------------------------------------------------
  std::uint64_t stream_credit_bytes = std::uint64_t{1} << 20;
  /// A stream's credit grows up to this when the round trip demands it.
  std::uint64_t stream_credit_bytes_max = std::uint64_t{6} << 20;
  std::uint64_t connection_credit_bytes = std::uint64_t{3} << 19;
  std::uint64_t connection_credit_bytes_max = std::uint64_t{9} << 20;
  /// Streams that the peer may have open at a time.
  std::uint64_t streams_bidi_max = 100;
  std::uint64_t streams_uni_max = 103;

  // --- QUIC DATAGRAM frames (RFC 9221) ----------------------------------------------------------------------------
  /// Largest frame that we take; 0 means no support.
  std::uint64_t datagram_frame_bytes_max = 65535;
  /// What waits for the congestion window; the oldest is dropped when more comes.
  std::size_t datagram_queue_bytes_max = std::size_t{1} << 20;
  std::size_t datagram_queue_count_max = 4096;
  /// A datagram that waited longer than this is dropped.
  Duration datagram_age_max = std::chrono::seconds{1};

  // --- Packets ----------------------------------------------------------------------------------------------------
  CongestionControl congestion_control = CongestionControl::cubic;
  /// Packets are spaced as RFC 9002 §7.7 asks, on paths with a round trip of at least this: on a shorter one the
  /// receiver's socket buffer holds the whole window.
  static constexpr Duration kPacedRttMin = std::chrono::milliseconds{1};
  /// On a shorter round trip than kPacedRttMin, and where nobody waits for more of the other side, timers wait for the
  /// next multiple of this (RFC 9002 §6.1.2), so that acknowledgements go with what is sent meanwhile: ngtcp2 has them
  /// wait for an eighth of the round trip only.
  static constexpr Duration kTimerGranularity = std::chrono::milliseconds{1};
  /// An acknowledgement is sent at once after this many packets that elicit one; RFC 9000 §13.2.2 says 2.
  std::size_t acknowledge_packets = 8;
  /// UDP payload sizes that are probed one after the other (RFC 8899); each above 1200. What does not arrive is not
  /// used, but a probe delays what is sent after it, and ngtcp2 counts it even if the interface is too small for it.
  std::vector<std::uint16_t> mtu_probes{1452};
  /// The same where the peer's address is one of loopback.
  std::vector<std::uint16_t> loopback_mtu_probes{1452, 32000, 16000, 8000};
  /// A connection probes when it has sent a full packet or a QUIC DATAGRAM frame, since most are short-lived or idle.
  /// Larger sizes than that of Ethernet are probed only by one that has sent so many of them, that has as much to send
  /// at a time, or a frame that takes half a packet: ngtcp2 keeps a buffer as large as the largest packet that it has
  /// ever read, even a probe, and what follows a probe is kept back by it.
  static constexpr std::uint64_t kLargeProbesAfterUses = 16;
  static constexpr std::size_t kOrdinaryPayloadBytesMax = 1472;

  // --- What is kept for the peer ----------------------------------------------------------------------------------
  /// Bytes of all streams of a connection that were sent and are not acknowledged; what is beyond waits unsent. The
  /// congestion window grows with what a peer acknowledges, so that one which then stops would make us keep hundreds of
  /// megabytes. With a round trip of 100 ms a connection sends at most 160 MB/s.
  std::uint64_t unacknowledged_bytes_max = std::uint64_t{16} << 20;

  // --- Bounds on what a peer may do -------------------------------------------------------------------------------
  /// Frames that cost work and carry nothing (PATH_CHALLENGE, RETIRE_CONNECTION_ID and the like): this many at once,
  /// and so many a second; beyond, the connection is closed.
  std::uint32_t odd_frames_burst = 1000;
  std::uint32_t odd_frames_per_second = 333;
  /// The same of RESET_STREAM and STOP_SENDING, of which whoever cancels a bidirectional stream sends one each. They
  /// have a rate of their own, since it is honest to give streams up: players do, with what comes too late.
  std::uint32_t cancel_frames_burst = 1000;
  std::uint32_t cancel_frames_per_second = 2000;
  /// Streams that have ended and that ngtcp2 1.11 keeps, with some 230 bytes for each: those that began with their
  /// reset until the connection ends, and so perhaps those that were stopped while packets of them overtook each other.
  /// Beyond, the connection is closed.
  std::uint64_t unfreed_streams_max = 65'536;
  /// Gaps that short STREAM frames have left in what came of all streams: beyond, the connection is closed. ngtcp2 1.11
  /// keeps some 80 bytes for each, up to 5,000 of a stream.
  std::uint64_t stream_gaps_max = 4096;
  /// The same of CRYPTO frames, which need no connection to be there yet; filled or not, since a handshake is short.
  std::uint64_t crypto_gaps_max = 256;
};

}  // namespace plait::quic
