// Every length, count and time that a peer controls, with its default and when to change it.
#pragma once

#include <chrono>
#include <cstddef>

namespace plait {

using Duration = std::chrono::nanoseconds;

/// One value per limit; checked before anything is allocated. A session that breaks one is closed with the code named.
struct Limits {
  // --- Messages -----------------------------------------------------------------------------------------------
  /// Largest message, after decompression and assembly. WebSocket closes with 1009. Raise it for bulk transfer, or
  /// receive in parts (SessionHandler::wants_parts), which has no limit.
  std::size_t message_bytes_max = std::size_t{16} << 20;
  /// Frames that one WebSocket message may be split into (RFC 6455 §10.4); 1008 beyond.
  std::size_t message_fragments_max = 16384;
  /// Subprotocols offered in one opening handshake.
  std::size_t subprotocols_max = 16;

  // --- Backpressure (bytes that were never sent) ----------------------------------------------------------------
  // What was sent and is not acknowledged is kept beside it: by the kernel on TCP, at most 16 MiB of a QUIC connection.
  /// Above this, send() answers `queued`, and a server's session stops reading from its peer until the backlog has
  /// drained (a client's goes on, lest both wait for each other).
  std::size_t send_high_water_bytes = std::size_t{1} << 20;
  /// At or below this after having been above the high-water mark, on_writable is called.
  std::size_t send_low_water_bytes = std::size_t{256} << 10;
  /// A message that would take the backlog above this is not queued: send() answers `dropped`. Unless nothing waits:
  /// then one may be larger, which could never be sent otherwise.
  std::size_t send_queue_bytes_max = std::size_t{64} << 20;

  // --- HTTP/1.1 and, but for the request line, HTTP/3 -------------------------------------------------------------
  /// Request line, bytes (414 beyond). At most 64 KiB; more counts as that.
  std::size_t request_line_bytes_max = 8 << 10;
  /// All header fields of one request, bytes (431 beyond; HTTP/3: reset with H3_EXCESSIVE_LOAD). Never above 128 KiB.
  std::size_t header_bytes_max = 32 << 10;
  /// Header fields in one request (431 beyond).
  std::size_t header_count_max = 100;
  /// Request body that a server endpoint accepts (413 beyond).
  std::size_t body_bytes_max = 1 << 20;

  // --- Times; above a year they count as a year, so that Duration::max() is never -------------------------------
  /// From accept to the end of the opening handshake or request head (408 or close). Bounds slow-header attacks.
  Duration handshake_timeout = std::chrono::seconds{10};
  /// A server's HTTP connection with no request and no session under way is closed after this; if an HTTP/1.1 client
  /// has taken 64 KiB of its responses by then and others are left, the time begins anew.
  Duration keep_alive_timeout = std::chrono::seconds{60};
  /// A ping goes out this often (it measures the round trip, too), but never before the last is answered or its
  /// pong_timeout is over; zero turns pings off. Not for `https:` and `quic:`: QUIC keeps its connections alive by
  /// itself (a client every 15 s, a server every 10 s) and gives one up after 30 s of silence.
  Duration ping_interval = std::chrono::seconds{25};
  /// A peer that has sent nothing for this long after a ping is dead (close code 1006 seen by the handler), unless it
  /// took some of a backlog that the ping waits behind.
  Duration pong_timeout = std::chrono::seconds{20};
  /// How long a closing handshake may take before the connection is cut; at the end of an HTTP/1.1 connection, how
  /// long the client may need for the rest of the responses, or for each 64 KiB of it.
  Duration close_timeout = std::chrono::seconds{5};

  // --- Connections ----------------------------------------------------------------------------------------------
  /// Connections per server, over all its loops and listeners; further ones are refused, unless an idle or slow one
  /// makes room (docs/manual/deploying.md).
  std::size_t connections_max = 1'000'000;
  /// Connections whose opening handshake is not finished, per loop; beyond, the oldest is closed. Of quic: and https:
  /// only QUIC's own handshake counts.
  std::size_t handshakes_max = 4096;

  // --- QUIC -----------------------------------------------------------------------------------------------------
  /// Largest UDP payload that is sent, found by path MTU discovery (RFC 8899) and never below 1200. Lower it where a
  /// path loses large packets without a word, or to measure with the packets of another network.
  std::size_t udp_payload_bytes_max = 65'507;
  /// A datagram that has waited longer than this for the congestion window is dropped rather than sent late. Lower it
  /// for what is worth nothing soon, such as positions and voice.
  Duration datagram_age_max = std::chrono::seconds{1};
  /// Streams that a peer may cancel each second (RESET_STREAM, STOP_SENDING; of unidirectional ones twice as many), and
  /// never fewer than 500 at once; beyond, the connection is closed with PROTOCOL_VIOLATION. What was begun for such a
  /// stream is work for nothing (CVE-2023-44487, HTTP/2's rapid reset). Raise it for honest peers that give up more.
  /// A peer's unidirectional streams of which nothing came before their reset (Plait sends an empty frame first) cost
  /// memory as long as their connection: it is closed after 65,536 of them.
  std::size_t stream_cancels_per_second_max = 1000;

  // --- permessage-deflate (RFC 7692) ----------------------------------------------------------------------------
  /// Messages smaller than this are sent uncompressed.
  std::size_t deflate_threshold_bytes = 512;
  /// A message may inflate to at most this many times its compressed size, once past 1 MiB (1009 beyond). DEFLATE
  /// reaches 1032 with one repeated character; raise it where larger messages may be like that.
  std::size_t inflate_ratio_max = 200;
};

}  // namespace plait
