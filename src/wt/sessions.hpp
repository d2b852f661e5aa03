// Sessions: the WebTransport sessions of one HTTP/3 connection, either role. The owner implements h3::Visitor and
// passes on what is told of streams, datagrams and the connection to the handle_x functions here, which say whether it
// was a session's; handle_connection_closed() also when QUIC's connection ends or is closed. How a session opens:
//
//   server: on_request       if is_connect_protocol(head.protocol): begin(), decide (now or later), then accept(),
//                            Connection::respond() with 200, deliver_early(); or reject() and respond otherwise.
//                            Behind on_settings only: accept() reads Connection::peer_settings()
//   client: request()        begin() with the stream ID that it returned
//           on_response      2xx: accept(), deliver_early(); other final ones: reject()
//
// `now` is the time of the event; handle_timeout(now) is to be called at next_timeout().
#pragma once

#include <plait/bytes.hpp>
#include <plait/result.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "core/id_map.hpp"
#include "core/timer.hpp"
#include "h3/connection.hpp"
#include "wt/early.hpp"
#include "wt/session.hpp"

namespace plait::wt {

/// Session IDs that are remembered after the end.
inline constexpr std::size_t kGoneMax = 16;

struct SessionsOptions {
  h3::Settings settings = h3::webtransport_settings();  ///< ours, those that the connection sends
  std::size_t sessions_max = 16;                        ///< at a time, with those that are not accepted yet
};

/// Call reject() then, but for settings_missing.
enum class AcceptError : std::uint8_t {
  settings_missing,   ///< the peer's have not come: wait for on_settings
  too_many_sessions,  ///< from draft 13 on there is no second session without flow control (§5.1): H3_REQUEST_REJECTED
  gone,               ///< begin() was not called, or the CONNECT stream ended meanwhile
};

class Sessions {
 public:
  /// Both outlive the object; `options` may serve many connections.
  Sessions(const SessionsOptions& options, h3::Connection& connection);
  ~Sessions();
  Sessions(const Sessions&) = delete;
  Sessions& operator=(const Sessions&) = delete;

  // --- CONNECT ------------------------------------------------------------------------------------------------------
  /// The request for a session came, or was sent: from now on the stream is the object's. False: too many sessions, or
  /// the connection is over; the stream is not taken.
  bool begin(StreamId id);
  /// The request is accepted with a 2xx, which has come or is to be sent now. The pointer is valid until the visitor's
  /// on_closed has returned; `visitor` lives as long. Nothing but the connection's end is reported before
  /// deliver_early(). On a server the session may be used as soon as the 2xx is sent.
  Result<Session*, AcceptError> accept(StreamId id, SessionVisitor& visitor);
  /// To be called when the session from accept() is in its place and the 2xx is sent: reports what has come for it
  /// before. May end it.
  void deliver_early(StreamId id);
  /// The request was refused. Streams that came for it are, too. The CONNECT stream is the owner's again.
  void reject(StreamId id);
  /// None: no accepted session of that ID, or it has ended.
  [[nodiscard]] Session* find(StreamId id);
  [[nodiscard]] std::size_t session_count() const { return sessions_.size(); }

  // --- From h3::Visitor. False: the stream is none of a session's ---------------------------------------------------
  /// `stopped`: a STOP_SENDING for it came before, with this code. True: it waits, and next_timeout() may have changed.
  bool handle_stream(StreamId id, StreamId session, Direction direction, core::TimePoint now,
                     std::optional<std::uint64_t> stopped = {});
  bool handle_data(StreamId id, ByteView data);
  bool handle_fin(StreamId id);
  /// `final_size`: of the QUIC stream, with the header. Without it, what had not arrived is not counted.
  bool handle_reset(StreamId id, std::uint64_t error_code, std::optional<std::uint64_t> final_size);
  /// Of a stream that was stopped, from QUIC itself: HTTP/3 hears of nothing more of it.
  void handle_stopped_end(StreamId id, std::uint64_t final_size);
  bool handle_stop_sending(StreamId id, std::uint64_t error_code);
  bool handle_stream_error(StreamId id);
  bool handle_closed(StreamId id);
  /// True as of handle_stream().
  bool handle_datagram(StreamId session, ByteView payload, core::TimePoint now);
  void handle_streams_available(Direction direction);
  void handle_goaway();
  /// Ends all sessions. Nothing but the destructor may follow.
  void handle_connection_closed();
  /// Optional: a reset of our sending side dropped `bytes` below before they were sent, so the peer never counts them.
  void handle_unsent(StreamId id, std::uint64_t bytes);

  // --- Time ---------------------------------------------------------------------------------------------------------
  void handle_timeout(core::TimePoint now);
  /// When handle_timeout() has something to do; none while nothing waits for an unknown session.
  [[nodiscard]] std::optional<core::TimePoint> next_timeout() const { return early_.next_deadline(); }

 private:
  // Of a CONNECT stream.
  struct Entry {
    std::unique_ptr<Session> session{};    // none before accept()
    std::vector<std::uint8_t> capsules{};  // that came before deliver_early()
    bool fin = false;
    bool live = false;   // deliver_early() was called
    bool ended = false;  // before that
    /// Of streams that were refused and are over: how many of each direction, and their bytes.
    std::array<std::uint64_t, 2> refused_streams{};
    std::array<std::uint64_t, 2> refused_bytes{};
  };

  /// A stream that was refused as too much to be kept, until its session is there or its own end. It counts against the
  /// session's limits all the same.
  struct RefusedStream {
    StreamId session = 0;
    std::uint64_t received_bytes = 0;  // without the header
  };

  Entry* find_entry(StreamId id);
  [[nodiscard]] bool may_accept_another() const;
  [[nodiscard]] bool is_gone(StreamId session);
  std::vector<Session*> live_sessions();
  bool handle_connect_data(StreamId id, ByteView data);
  bool handle_connect_closed(StreamId id);
  void end_early_connect(StreamId id, Entry& entry, std::uint64_t error_code);
  void end_pending(StreamId id, Entry& entry);
  void end_session(StreamId id);
  void drop_capsules(StreamId id, Entry& entry);

  // sessions_early.cpp
  void append_early(EarlyStream& early, ByteView data);
  void deliver(Session& session, const EarlyStream& early);
  void deliver_refused(StreamId id, const Entry& entry);
  void note_refused(StreamId id, StreamId session, std::uint64_t received_bytes);
  void end_refused(StreamId id);
  void refuse(StreamId id, std::uint64_t error_code);
  void drop(const EarlyStream& early, std::uint64_t error_code);
  void drop_early(StreamId session);

  const SessionsOptions& options_;
  SessionContext context_;
  core::IdMap<StreamId, Entry> sessions_;
  std::vector<StreamId> gone_;
  EarlyBuffer early_;
  core::IdMap<StreamId, RefusedStream> refused_;  // at most as many as streams are open
};

}  // namespace plait::wt
