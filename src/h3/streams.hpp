// Streams: what HTTP/3 needs of the ordered streams below it. transport implements it over QUIC, tests in memory.
#pragma once

#include <plait/bytes.hpp>
#include <plait/stream.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace plait::h3 {

/// RFC 9000 §2.1: the low two bits are the initiator (0 client, 1 server) and the direction (0 bidirectional).
using StreamId = std::int64_t;
inline constexpr StreamId kStreamIdMax = (StreamId{1} << 62) - 1;

using Direction = StreamDirection;

[[nodiscard]] constexpr Direction direction_of(StreamId id) {
  return (id & 2) == 0 ? Direction::bidirectional : Direction::unidirectional;
}
/// A stream of requests, and the CONNECT stream whose ID names a WebTransport session.
[[nodiscard]] constexpr bool is_client_bidirectional(StreamId id) { return (id & 3) == 0; }

/// None of these functions calls back into the layers above before it returns; what happens later arrives through
/// their handle_x functions. A stream may be reset and stopped more than once; only the first counts.
class Streams {
 public:
  /// Opens a stream of ours. None: the peer's stream limit is reached; handle_streams_available follows.
  virtual std::optional<StreamId> open(Direction direction) = 0;
  /// A limit of a WebTransport session keeps streams from being opened: what the peer waits for until it raises that is
  /// to be acknowledged without delay. handle_streams_available ends it.
  virtual void await_streams(Direction direction) = 0;
  /// Queues `data` behind what was written before; `fin` ends our sending side. Ignored after a reset or the close.
  virtual void write(StreamId id, Bytes data, bool fin) = 0;
  /// RESET_STREAM of our sending side.
  virtual void reset(StreamId id, std::uint64_t error_code) = 0;
  /// STOP_SENDING of the receiving side.
  virtual void stop_sending(StreamId id, std::uint64_t error_code) = 0;
  /// `bytes` of what arrived are used up: flow-control credit for as many goes to the peer, for stream and connection.
  virtual void consume(StreamId id, std::size_t bytes) = 0;
  /// CONNECTION_CLOSE with an application's error code. `reason` is copied.
  virtual void close(std::uint64_t error_code, std::string_view reason) = 0;
  /// The largest datagram that send_datagram() takes now; 0 if the peer takes none (no max_datagram_frame_size).
  [[nodiscard]] virtual std::size_t datagram_bytes_max() const = 0;
  /// One QUIC DATAGRAM frame, the Quarter Stream ID already in front. False: too large, or the queue is full.
  virtual bool send_datagram(ByteView data) = 0;

 protected:
  ~Streams() = default;
};

}  // namespace plait::h3
