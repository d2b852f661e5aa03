// Connection: HTTP/3 (RFC 9114) over ordered streams, for either side, with extended CONNECT (RFC 9220), HTTP Datagrams
// (RFC 9297) and the streams of WebTransport. No socket, clock or random source.
//
// From below come the handle_x functions, from above the functions for sending; what arrived goes to the Visitor, what
// leaves to Streams. Framing is consumed here, so its credit returns at once; credit for content and for the bytes of
// WebTransport streams returns when the visitor calls consume().
//
// What the connection keeps is an entry for each open stream of requests and of WebTransport, less than 100 bytes, and
// the field sections that have not arrived whole. QPACK has no dynamic table, so there is no state between messages.
#pragma once

#include <plait/bytes.hpp>
#include <plait/result.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "core/id_map.hpp"
#include "h3/error.hpp"
#include "h3/frame.hpp"
#include "h3/message.hpp"
#include "h3/qpack.hpp"
#include "h3/settings.hpp"
#include "h3/streams.hpp"
#include "h3/visitor.hpp"

namespace plait::h3 {

enum class Role : std::uint8_t { client, server };

struct Options {
  Role role = Role::server;
  Settings settings = webtransport_settings();  ///< ours
  /// Open streams beyond the critical ones. QUIC's own limits on streams should be met long before.
  std::size_t streams_max = 16384;
  /// Fields of a message, without pseudo-headers.
  std::size_t field_count_max = 100;
};

/// Frames on the control stream that have a meaning are at most this long.
inline constexpr std::size_t kControlFrameBytesMax = 1024;
/// Field sections that have not arrived whole, of all streams of a connection together.
inline constexpr std::size_t kBufferedSectionsBytesMax = 4 * kFieldSectionBytesMax;

/// Why nothing was sent.
enum class SendError : std::uint8_t {
  closed,                        ///< the connection or the stream is over
  already_responded,             ///< the final response to this request is out
  stream_limit,                  ///< the peer's; Visitor::on_streams_available follows
  going_away,                    ///< the peer sent GOAWAY: use another connection
  extended_connect_not_enabled,  ///< :protocol before or without the peer's SETTINGS_ENABLE_CONNECT_PROTOCOL
  field_invalid,                 ///< a field that RFC 9114 §4.2 forbids, or a pseudo-header that is malformed
  field_section_too_large,       ///< the peer's SETTINGS_MAX_FIELD_SECTION_SIZE
};

class Connection {
 public:
  /// All four outlive the connection. `options` may serve many connections, `qpack` all those of a thread.
  Connection(const Options& options, Streams& streams, Visitor& visitor, Qpack& qpack);
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  [[nodiscard]] Role role() const { return options_.role; }

  // --- From below -------------------------------------------------------------------------------------------------
  /// 1-RTT keys for sending are there (on a server before the handshake has completed): opens the control stream with
  /// our SETTINGS.
  void handle_ready();
  /// The peer's limit on streams of ours was raised.
  void handle_streams_available(Direction direction);
  /// The next bytes of a stream; `fin` when they are the last. `data` may be empty then.
  void handle_stream_data(StreamId id, ByteView data, bool fin);
  /// RESET_STREAM of the peer's sending side.
  void handle_stream_reset(StreamId id, std::uint64_t error_code);
  /// STOP_SENDING of ours. Whoever is below has answered with RESET_STREAM (RFC 9000 §3.5). False: the stream is not
  /// announced yet, and the visitor was not told.
  bool handle_stop_sending(StreamId id, std::uint64_t error_code);
  /// Both sides are over; no more is reported of this stream.
  void handle_stream_closed(StreamId id);
  /// The payload of a QUIC DATAGRAM frame.
  void handle_datagram(ByteView data);

  // --- Requests and responses -------------------------------------------------------------------------------------
  /// Client: sends the head of a request; `fin` if it has no content. Of `head`, fields of the message alone; Host is
  /// not needed. With `protocol` it is an extended CONNECT, and its stream ID a session ID.
  Result<StreamId, SendError> request(const RequestHead& head, bool fin);
  /// Server: sends the head of a response, after as many interim ones (100, 102–199) as wanted.
  /// Errors: closed, already_responded, field_invalid, field_section_too_large.
  Result<void, SendError> respond(StreamId id, int status, std::span<const http::Field> fields, bool fin);
  /// Content of a message in one DATA frame; none if `data` is empty. Ignored on a stream that is over. A server has
  /// sent the final response before.
  void send_data(StreamId id, Bytes data, bool fin);

  // --- WebTransport -----------------------------------------------------------------------------------------------
  /// Opens a stream of session `session`; its header is written already. Errors: closed, stream_limit.
  Result<StreamId, SendError> open_webtransport_stream(Direction direction, StreamId session);
  /// A session's own limit keeps such streams from being opened (Streams::await_streams).
  void await_webtransport_streams(Direction direction) { streams_.await_streams(direction); }
  /// Bytes of a WebTransport stream; on a CONNECT stream, bytes outside of DATA frames, for a peer whose capsules are
  /// not in such frames either.
  void send_unframed(StreamId id, Bytes data, bool fin);
  /// Whether a capsule came outside of DATA on this CONNECT stream.
  [[nodiscard]] bool uses_unframed_capsules(StreamId id) const;

  // --- Streams of either kind -------------------------------------------------------------------------------------
  /// Resets our sending side, or asks the peer to stop its own. What arrives until then is still reported.
  void reset(StreamId id, std::uint64_t error_code) { streams_.reset(id, error_code); }
  void stop_sending(StreamId id, std::uint64_t error_code) { streams_.stop_sending(id, error_code); }
  /// `bytes` of what on_data reported are used up.
  void consume(StreamId id, std::size_t bytes) { streams_.consume(id, bytes); }

  // --- HTTP Datagrams ---------------------------------------------------------------------------------------------
  /// False: the peer takes none, or not now, or `payload` is larger than datagram_bytes_max().
  bool send_datagram(StreamId id, ByteView payload);
  /// The largest payload for that stream; 0 before the peer's SETTINGS, or if it takes none.
  [[nodiscard]] std::size_t datagram_bytes_max(StreamId id) const;

  // --- The connection ---------------------------------------------------------------------------------------------
  /// GOAWAY. Server: requests that have not come yet are refused from now on.
  void goaway();
  /// Closes the connection, H3_NO_ERROR unless told otherwise.
  void close(std::uint64_t error_code = code::kNoError, std::string_view reason = {});

  [[nodiscard]] bool is_closed() const { return closed_; }
  /// The peer sent GOAWAY: it takes no more requests.
  [[nodiscard]] bool is_peer_going_away() const { return peer_goaway_.has_value(); }
  /// None before the peer's SETTINGS frame.
  [[nodiscard]] const std::optional<Settings>& peer_settings() const { return peer_settings_; }
  /// Announced streams and those whose beginning has not arrived whole.
  [[nodiscard]] std::size_t stream_count() const { return table_.size(); }

 private:
  enum class FrameKind : std::uint8_t { none, skipped, data, capsule, gathered };

  // The frame under way.
  struct Frame {
    HeaderReader header;
    FrameKind kind = FrameKind::none;
    std::uint64_t bytes_left = 0;
    std::vector<std::uint8_t> gathered;

    [[nodiscard]] bool between_frames() const { return kind == FrameKind::none && header.bytes().empty(); }
  };
  enum class Kind : std::uint8_t { opening, request, webtransport, discarded };
  enum class Phase : std::uint8_t { head, content, tunnel, trailers };
  struct Stream {
    Frame frame;
    std::uint64_t content_bytes_left = 0;
    Kind kind = Kind::opening;
    Phase phase = Phase::head;
    bool announced = false;
    bool content_length_given = false;
    bool is_connect = false;       // client: of the request
    bool is_head_request = false;  // client
    bool unframed_capsules = false;
    bool head_sent = false;  // of the request, or of the final response
  };
  // Bytes from below that have not been looked at, and how many were framing.
  struct Input {
    ByteView rest;
    bool fin = false;
    std::size_t framing_bytes = 0;

    ByteView take(std::uint64_t bytes_max);
  };
  static constexpr StreamId kNone = -1;

  // connection.cpp: streams
  [[nodiscard]] bool is_local(StreamId id) const { return (id & 1) == (options_.role == Role::server ? 1 : 0); }
  [[nodiscard]] bool is_webtransport_enabled() const { return options_.settings.webtransport.enabled(); }
  [[nodiscard]] bool is_critical(StreamId id) const;
  Stream* find(StreamId id);
  Stream* make_stream(StreamId id);
  void open_control_stream();
  /// None of a WebTransport stream. `stream` is its entry, if there is one.
  void handle_input(StreamId id, Stream* stream, Input& input);
  void open_bidirectional(StreamId id, Stream& stream, Input& input);
  void open_unidirectional(StreamId id, Stream& stream, Input& input);
  void handle_stream_type(std::uint64_t type, StreamId id, Stream& stream, Input& input);
  void begin_webtransport(StreamId id, Stream& stream, Input& input);
  void begin_critical(StreamId& slot, StreamId id, Error repeated, Input& input);
  void handle_webtransport_data(StreamId id, ByteView data, bool fin);
  void discard(Stream& stream, Input& input);
  void release(Frame& frame);
  void fail(Error error);
  void fail_stream(StreamId id, Stream& stream, Error error);

  // connection_control.cpp: critical streams
  void handle_critical(StreamId id, Input& input);
  void handle_control(Input& input);
  void begin_control_frame();
  void handle_control_frame(std::uint64_t type, ByteView payload);
  void handle_settings(ByteView payload);
  void handle_goaway(std::uint64_t id);
  void handle_max_push_id(std::uint64_t id);
  void handle_qpack(StreamId id, ByteView data);
  bool gather(Frame& frame, Input& input, ByteView& whole);

  // connection_request.cpp: request streams
  void handle_request_input(StreamId id, Stream& stream, Input& input);
  void handle_frame_header(StreamId id, Stream& stream, Input& input);
  void begin_frame(StreamId id, Stream& stream);
  void begin_data(StreamId id, Stream& stream);
  void begin_section(StreamId id, Stream& stream);
  void begin_extension(StreamId id, Stream& stream);
  void handle_payload(StreamId id, Stream& stream, Input& input);
  void handle_section(StreamId id, Stream& stream, ByteView section);
  void announce_request(StreamId id, Stream& stream);
  void refuse_section(StreamId id, Stream& stream, Error error);
  void handle_request_head(StreamId id, Stream& stream, const FieldSection& section);
  void handle_response_head(StreamId id, Stream& stream, const FieldSection& section);
  static Result<void, Error> expect_content(Stream& stream, const http::Fields& fields);
  void handle_message_end(StreamId id, Stream& stream);

  // connection_send.cpp
  Result<Bytes, SendError> encode_head(const Lines& lines);
  Stream* find_sendable(StreamId id, Kind kind);
  void send_goaway(std::uint64_t id);

  const Options& options_;
  Streams& streams_;
  Visitor& visitor_;
  Qpack& qpack_;

  core::IdMap<StreamId, Stream> table_;
  std::size_t gathered_bytes_ = 0;  // of all frames together
  std::optional<Settings> peer_settings_;
  Frame control_frame_;
  DecoderStreamReader decoder_stream_;

  StreamId local_control_ = kNone;
  StreamId peer_control_ = kNone;
  StreamId peer_encoder_ = kNone;
  StreamId peer_decoder_ = kNone;

  StreamId next_request_ = 0;                   // server: above all that were announced
  StreamId goaway_limit_ = kStreamIdMax;        // server: requests from here on are refused
  std::optional<std::uint64_t> sent_goaway_;    // the ID in our last one
  std::optional<std::uint64_t> peer_goaway_;    // and in the peer's
  std::optional<std::uint64_t> peer_push_max_;  // server: MAX_PUSH_ID
  bool ready_ = false;
  bool closed_ = false;
};

}  // namespace plait::h3
