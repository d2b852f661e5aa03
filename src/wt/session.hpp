// Session: one WebTransport session (draft-ietf-webtrans-http3) on the CONNECT stream whose ID is its own. Either role.
// wt::Sessions makes it and forwards what arrives; nothing of it is called by anybody else but the operations.
//
// Flow control of the session stands above that of QUIC, and is on if both sides sent any initial limit. It counts the
// bytes of streams without their headers, and streams that were ever opened.
//
// Outgoing capsules need no queue of their own: a new WT_MAX_DATA or WT_MAX_STREAMS is only sent after half of the last
// one was used, which proves that it arrived, so at most two of each are under way; of those that say "blocked" there
// are at most kBlockedCapsulesMax in the life of a session.
#pragma once

#include <plait/bytes.hpp>
#include <plait/result.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "h3/connection.hpp"
#include "http/capsule.hpp"
#include "wt/stream_table.hpp"
#include "wt/visitor.hpp"

namespace plait::wt {

inline constexpr std::size_t kCloseReasonBytesMax = 1024;
/// Largest capsule of a known type.
inline constexpr std::size_t kCapsuleBytesMax = 4096;
inline constexpr unsigned kBlockedCapsulesMax = 1024;

/// Why no stream was opened.
enum class OpenError : std::uint8_t {
  closed,            ///< the session or the connection is over
  session_limit,     ///< the peer's WT_MAX_STREAMS; on_streams_available follows
  connection_limit,  ///< the peer's MAX_STREAMS of QUIC; on_streams_available follows
};

/// What all sessions of a connection have in common.
struct SessionContext {
  h3::Connection& connection;
  StreamTable streams{};
  const h3::WebTransportSettings& local;
  bool flow_control = false;     ///< both sides sent an initial limit
  bool connection_lost = false;  ///< nothing is sent any more
  bool strict_limits = false;    ///< both speak draft 15 or later: a limit that is sent again must be higher

  /// Once the connection has heard the peer's SETTINGS.
  [[nodiscard]] const h3::WebTransportSettings& peer() const { return connection.peer_settings()->webtransport; }
  /// Client: a STOP_SENDING of a CONNECT stream with this code comes of a server that has its whole answer, a refusal
  /// or the end of the session, under way. That answer may come after it and must not be discarded (RFC 9114 §4.1).
  [[nodiscard]] bool wants_no_more_of_request(std::uint64_t error_code) const {
    return connection.role() == h3::Role::client && error_code == h3::code::kNoError;
  }
};

[[nodiscard]] constexpr std::uint64_t initial_streams(const h3::WebTransportSettings& settings, Direction direction) {
  return direction == Direction::bidirectional ? settings.initial_streams_bidi : settings.initial_streams_uni;
}

class Session {
 public:
  /// Both references outlive the session; the visitor is not called after on_closed.
  Session(StreamId id, SessionContext& context, SessionVisitor& visitor);
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  // --- Operations. On a session that is over, and on streams that are, they do nothing ------------------------------
  [[nodiscard]] StreamId id() const { return id_; }
  /// False from close() on, or from the peer's end of the session on.
  [[nodiscard]] bool is_open() const { return phase_ == Phase::open; }

  /// Opens a stream; its header is written already.
  Result<StreamId, OpenError> open_stream(Direction direction);
  /// Sends bytes, and the end with `fin`. What exceeds the peer's credit for the session waits here: whoever writes
  /// looks at buffered_bytes() and waits for on_stream_writable. False, and nothing sent: our side of the stream is
  /// over.
  bool write(StreamId id, Bytes data, bool fin);
  /// Bytes that wait for the peer's WT_MAX_DATA, of one stream or of all. What waits below is not counted.
  [[nodiscard]] std::size_t buffered_bytes(StreamId id) const;
  [[nodiscard]] std::size_t buffered_bytes() const { return buffered_bytes_; }
  /// RESET_STREAM; what waits is dropped. To a peer that knows draft 2 only, codes above 255 mean nothing.
  void reset(StreamId id, std::uint32_t application_code);
  /// STOP_SENDING. Nothing more is reported of this direction, and all that was counts as consumed.
  void stop_sending(StreamId id, std::uint32_t application_code);
  /// `bytes` of what on_stream_data reported are used up: gives credit back, of QUIC and of the session. Also after
  /// on_stream_closed. More than was reported is ignored.
  void consume(StreamId id, std::size_t bytes);

  /// False: the peer takes none, or not now, or it is too large.
  bool send_datagram(ByteView payload);
  /// The largest payload for send_datagram(); 0 if the peer takes none.
  [[nodiscard]] std::size_t datagram_bytes_max() const;

  /// WT_DRAIN_SESSION: asks the peer to finish soon.
  void drain();
  /// WT_CLOSE_SESSION and FIN; nothing more is reported of streams. As soon as the peer has ended its side they are
  /// reset and stopped, and on_closed follows; wait a bounded time for it, then abort(). `reason` is cut to
  /// kCloseReasonBytesMax at a whole character, and left out if it is not UTF-8.
  void close(std::uint32_t code, std::string_view reason);
  /// Resets and stops the CONNECT stream (H3_REQUEST_CANCELLED) and all others; calls on_closed before it returns.
  void abort();

  // --- From below: wt::Sessions calls these -------------------------------------------------------------------------
  void handle_connect_data(ByteView data);
  void handle_connect_fin();
  /// RESET_STREAM of the CONNECT stream, or both of its sides are over.
  void handle_connect_reset();
  void handle_connect_stop_sending(std::uint64_t error_code);
  /// An error of HTTP/3 on the CONNECT stream, or the end of the connection.
  void handle_lost();
  void handle_goaway() { handle_draining(); }
  /// `stopped`: a STOP_SENDING came before, with this code.
  void handle_stream(StreamId id, Direction direction, std::optional<std::uint64_t> stopped = {});
  /// One that was refused before the session was there, with what has come of it: the peer has used credit for it,
  /// which is given back. Nothing of it is reported.
  void handle_refused_stream(StreamId id, std::uint64_t received_bytes);
  /// So many of those that are over already, with what came of them.
  void handle_refused_ends(Direction direction, std::uint64_t streams, std::uint64_t received_bytes);
  /// `stream` is this session's, and `id` its own.
  void handle_stream_data(StreamId id, Stream& stream, ByteView data, bool fin);
  /// `payload_bytes`: the final size without the stream's header; what did not arrive counts against the credit, too.
  void handle_stream_reset(StreamId id, std::uint64_t error_code, std::optional<std::uint64_t> payload_bytes);
  void handle_stop_sending(StreamId id, std::uint64_t error_code);
  void handle_stream_closed(StreamId id);
  /// Of the bytes of a stream, so many were dropped below before they were sent.
  void handle_unsent(StreamId id, std::uint64_t bytes);
  void handle_datagram(ByteView payload);
  void handle_streams_available(Direction direction);

 private:
  enum class Phase : std::uint8_t {
    open,
    closing,  // we sent WT_CLOSE_SESSION
    closed,   // on_closed was called
  };
  // Of one direction; cumulative.
  struct StreamCounts {
    std::uint64_t opened = 0;                      // by us
    std::uint64_t peer_limit = 0;                  // for us
    std::uint64_t blocked_at = ~std::uint64_t{0};  // the limit that the peer was told of
    std::uint64_t peer_opened = 0;
    std::uint64_t peer_closed = 0;
    std::uint64_t local_limit = 0;  // for the peer
  };

  // Of a stream that is over for the user: the directions that the peer has to be told of.
  struct EndedStream {
    StreamId id;
    bool sends;
    bool receives;
  };
  struct OwnClose {
    CloseInfo info;
    std::vector<EndedStream> streams{};
  };

  // session.cpp
  [[nodiscard]] Stream* find(StreamId id) const;
  [[nodiscard]] StreamCounts& counts_of(Direction direction) { return counts_[static_cast<std::size_t>(direction)]; }
  void fail(Error error);
  void end_streams();
  void tell_end(const EndedStream& stream);
  void finish_close(bool clean);
  void finish(const CloseInfo& info);

  // session_capsules.cpp
  void handle_capsule(const http::Capsule& capsule);
  void handle_close_capsule(ByteView value);
  void handle_max_data(ByteView value);
  void handle_max_streams(Direction direction, ByteView value);
  void handle_streams_blocked(ByteView value);
  void handle_draining();
  std::optional<std::uint64_t> read_limit(ByteView value);
  bool raise(std::uint64_t& limit, std::uint64_t value);
  void send_capsule(std::uint64_t type, ByteView value, bool fin = false);
  void send_limit(std::uint64_t type, std::uint64_t limit);
  void send_blocked(std::uint64_t type, std::uint64_t limit, std::uint64_t& blocked_at);
  void send_connect(Bytes data, bool fin);

  // session_streams.cpp: sending
  void send(StreamId id, Stream& stream, Bytes data, bool fin);
  void enqueue(StreamId id, Stream& stream, Bytes data, bool fin);
  bool flush_turn(StreamId id, Stream& stream);
  void flush();
  void end_sending(StreamId id, Stream& stream);
  // session_streams.cpp: receiving
  [[nodiscard]] bool count_received(std::uint64_t bytes);
  [[nodiscard]] bool count_refused(Direction direction, std::uint64_t streams, std::uint64_t bytes);
  void give_credit(std::uint64_t bytes);
  void give_streams(Direction direction, std::uint64_t closed);
  void use_up(StreamId id, Stream& stream);
  void erase_if_over(StreamId id);

  StreamId id_;
  SessionContext& context_;
  SessionVisitor& visitor_;
  http::CapsuleDecoder capsules_;
  Phase phase_ = Phase::open;
  bool draining_reported_ = false;
  bool close_received_ = false;
  bool draining_sent_ = false;
  unsigned blocked_capsules_ = 0;
  std::size_t stream_count_ = 0;
  std::array<StreamCounts, 2> counts_{};
  std::uint64_t sent_bytes_ = 0;
  std::uint64_t peer_data_limit_ = 0;
  std::uint64_t blocked_at_ = ~std::uint64_t{0};
  std::uint64_t received_bytes_ = 0;
  std::uint64_t consumed_bytes_ = 0;
  std::uint64_t local_data_limit_ = 0;
  std::vector<StreamId> blocked_;  // those with a queue, in the order of their turns
  std::size_t buffered_bytes_ = 0;
  std::unique_ptr<OwnClose> close_;  // while the peer's end is awaited
};

}  // namespace plait::wt
