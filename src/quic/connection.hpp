// Connection: one QUIC connection (RFC 9000) of an Endpoint, which owns it. Its visitor hears what the peer does.
//
// Streams: write() keeps its Bytes until the peer has acknowledged them, without copying, or copies small ones behind
// each other; the caller bounds what was never sent by unsent_bytes(), and Settings::unacknowledged_bytes_max what was.
// What on_stream_data delivers was already paid with flow-control credit, and only consume() gives credit back, for the
// stream and for the connection; a stream of the peer counts against its limit until it is closed and all of it
// consumed. All calls on the endpoint's thread; all may be made from inside the visitor's functions.
#pragma once

#include <plait/bytes.hpp>
#include <plait/limits.hpp>
#include <plait/result.hpp>
#include <plait/session.hpp>

#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "quic/path.hpp"
#include "quic/types.hpp"

namespace plait::quic {

/// What happens on a connection. Views are valid until the function returns. After on_closed nothing is called, and the
/// Connection is gone as soon as on_closed returns; the visitor must live until then (or until the Endpoint is gone,
/// whose destructor calls nothing).
class ConnectionVisitor {
 public:
  /// 1-RTT packets can be sent: streams may be opened and written. On a server this is before the client has proven to
  /// be there (0.5-RTT, RFC 9001 §5.7).
  virtual void on_ready() {}
  /// Both have the keys and the peer is who it should be.
  virtual void on_handshake_completed() {}
  /// The peer opened a stream. Its data follow; of a unidirectional one, or its reset, within the same call.
  virtual void on_stream_open(StreamId /*id*/) {}
  /// In order, without gaps. `data` is empty only with `fin`.
  virtual void on_stream_data(StreamId /*id*/, ByteView /*data*/, bool /*fin*/) {}
  /// RESET_STREAM: nothing more comes. What was delivered counts as consumed from here on. Also after stop_sending():
  /// whoever counts a credit of its own learns by the final size how much of it was used up.
  virtual void on_stream_reset(StreamId /*id*/, std::uint64_t /*code*/, std::uint64_t /*final_size_bytes*/) {}
  /// A stream that we have stopped ended with FIN instead of RESET_STREAM: nothing more comes, and nothing of it was
  /// delivered since. For the same counting.
  virtual void on_stopped_stream_end(StreamId /*id*/, std::uint64_t /*final_size_bytes*/) {}
  /// STOP_SENDING: the stream has been reset in answer with the same code; what was written is dropped, and counted by
  /// unsent_bytes() until this returns.
  virtual void on_stream_stopped(StreamId /*id*/, std::uint64_t /*code*/) {}
  /// All bytes below `offset` have arrived; buffered_bytes() fell. Once for all UDP datagrams of one call.
  virtual void on_stream_acked(StreamId /*id*/, std::uint64_t /*offset*/) {}
  /// After tell_when_sent(): nothing of the stream waits any more. Told by poll_transmit(); what is written here leaves
  /// with that call.
  virtual void on_stream_sent(StreamId /*id*/) {}
  /// Both directions are over and all that we sent is acknowledged, but perhaps for the end itself, or was reset.
  /// `code`: of what ended it abruptly, if ngtcp2 has heard of that before the end. Only consume() may still be called
  /// for it. Not called for streams that live when the connection ends.
  virtual void on_stream_closed(StreamId /*id*/, std::optional<std::uint64_t> /*code*/) {}
  /// open() may be tried again.
  virtual void on_more_streams(Direction /*direction*/) {}
  virtual void on_datagram(ByteView /*data*/) {}
  /// Of a datagram that was sent with this ID; told by poll_transmit(), or before on_closed.
  virtual void on_datagram_fate(DatagramId /*id*/, DatagramFate /*fate*/) {}
  virtual void on_closed(const CloseReason& /*reason*/) {}

 protected:
  ~ConnectionVisitor() = default;
};

struct ConnectionStats {
  Duration rtt{};  ///< smoothed
  std::uint64_t congestion_window_bytes = 0;
  std::uint64_t in_flight_bytes = 0;
  std::uint64_t sent_bytes = 0;  ///< UDP payload
  std::uint64_t received_bytes = 0;
  std::uint64_t sent_packet_count = 0;  ///< UDP datagrams
  std::uint64_t received_packet_count = 0;
  /// Packets declared lost that had stream data in them (ngtcp2 1.11 counts no others), or a QUIC DATAGRAM frame.
  std::uint64_t lost_packet_count = 0;
  std::size_t path_udp_payload_bytes_max = 0;  ///< what path MTU discovery has found so far
};

class Connection {
 public:
  struct State;
  explicit Connection(std::unique_ptr<State> state);
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection();

  [[nodiscard]] bool is_server() const;
  [[nodiscard]] bool is_ready() const;
  [[nodiscard]] bool is_handshake_completed() const;
  /// close() was called, or the connection ended.
  [[nodiscard]] bool is_closed() const;
  /// The protocol that ALPN chose; empty before on_ready.
  [[nodiscard]] std::string_view alpn() const;
  /// Server: the certificate that the client has shown, which was verified.
  [[nodiscard]] std::optional<ClientCertificate> client_certificate() const;
  /// Where packets are sent now. Anybody who repeats a packet of the peer's from another address can change it, until
  /// that path turns out not to lead to the peer (RFC 9000 §9.3).
  [[nodiscard]] const Path& path() const;
  /// The peer's address: that of the handshake, and a later one as soon as the peer has shown that it receives there.
  [[nodiscard]] const Address& peer() const;

  /// A new stream; none when the peer allows no more just now (on_more_streams follows), or before on_ready.
  [[nodiscard]] std::optional<StreamId> open(Direction direction);
  /// A limit above QUIC's keeps the owner from opening such streams. The peer raises it when it knows that our streams
  /// are over, as it raises QUIC's, so what it waits for is acknowledged without delay, until on_more_streams.
  void await_streams(Direction direction);

  /// Queues `data`, then the stream's end if `fin`. False, and nothing queued, if the stream cannot be written:
  /// unknown, ended, reset, stopped by the peer, or not ours to write.
  bool write(StreamId id, Bytes data, bool fin = false);
  /// Bytes written and not acknowledged; 0 for an unknown stream.
  [[nodiscard]] std::uint64_t buffered_bytes(StreamId id) const;
  /// Those of them that have never been sent.
  [[nodiscard]] std::uint64_t unsent_bytes(StreamId id) const;
  /// Calls on_stream_sent, once, when what waits in this stream has been sent. Nothing if nothing waits.
  void tell_when_sent(StreamId id);
  /// Sends what waits in this stream before what waits in streams of the same group with a lower order. Groups share
  /// the connection in turns, as do streams of equal order; one that was given none is in group 0 with order 0. Any
  /// time; nothing for an unknown stream.
  void set_priority(StreamId id, std::uint64_t group, std::int64_t order);
  /// RESET_STREAM: ends our direction at once and drops what was queued. Nothing for an unknown stream.
  void reset(StreamId id, std::uint64_t code);
  /// STOP_SENDING: asks the peer to reset its direction. Nothing is delivered any more; what was counts as consumed.
  void stop_sending(StreamId id, std::uint64_t code);
  /// Gives the credit for `size` delivered bytes back, and no more than was delivered. Also for closed streams.
  void consume(StreamId id, std::size_t size);

  /// Queues a QUIC DATAGRAM frame (RFC 9221). It is sent when the congestion window allows, or dropped
  /// (Settings::datagram_age_max); on_datagram_fate tells which, by `id`, which is the caller's to choose.
  [[nodiscard]] Result<void, DatagramError> send_datagram(Bytes data, DatagramId id = kUnnamed);
  [[nodiscard]] Result<void, DatagramError> send_datagram(ByteView data, DatagramId id = kUnnamed);
  /// Largest payload that send_datagram takes now; grows with path MTU discovery, which a call of send_datagram
  /// begins, also one that is refused for its size. 0: none.
  [[nodiscard]] std::size_t datagram_bytes_max() const;

  /// CONNECTION_CLOSE with the application's code (below 2^62) and a reason of at most 1024 bytes. Nothing but
  /// on_closed is called after this, by the call of poll_transmit() that gives the packet out. Queued data are not
  /// waited for.
  void close(std::uint64_t code, std::string_view reason);

  /// Client, after the handshake is confirmed: probes `path` and moves there (RFC 9000 §9). False if that is not
  /// possible now.
  bool migrate(const Path& path);
  /// Begins to use new keys (RFC 9001 §6), which otherwise happens by itself. False if the last update is too fresh.
  bool update_keys();

  [[nodiscard]] ConnectionStats stats() const;

  /// For the files of this layer.
  [[nodiscard]] State& state() { return *state_; }
  [[nodiscard]] const State& state() const { return *state_; }

 private:
  Result<void, DatagramError> admit_datagram(std::size_t size);
  void queue_datagram(Bytes data, DatagramId id);

  std::unique_ptr<State> state_;
};

}  // namespace plait::quic
