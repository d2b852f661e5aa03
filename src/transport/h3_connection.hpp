// H3Connection: one QUIC connection that speaks HTTP/3, either side: pages by requests, WebTransport sessions by
// extended CONNECT. It joins quic::Connection, h3::Connection and wt::Sessions; each of them knows only bytes.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/id_map.hpp"
#include "h3/connection.hpp"
#include "quic/connection.hpp"
#include "transport/connection.hpp"
#include "transport/h3_fetch.hpp"
#include "transport/http_exchange.hpp"
#include "transport/quic_endpoint.hpp"
#include "transport/wt_accept.hpp"
#include "transport/wt_session.hpp"
#include "wt/sessions.hpp"

namespace plait::transport {

/// What the HTTP/3 connections of one listener, or of one client, share on a loop.
struct H3Service {
  QuicEndpoint& endpoint;
  const Router* router = nullptr;  ///< none: a client
  h3::Options options{};
  wt::SessionsOptions sessions{};
  h3::Qpack qpack{};
};

/// What a client asks for.
struct WtRequest {
  std::string authority;
  std::string path;  ///< with the query
  std::vector<std::string> subprotocols;
  std::vector<std::pair<std::string, std::string>> headers;
};

class H3Connection;

/// Client: whoever made a connection hears how it goes.
class H3Owner {
 public:
  virtual void on_handshake_completed(H3Connection&) {}
  /// The server's SETTINGS have come: requests can be sent.
  virtual void on_settings(H3Connection&) {}
  /// It is over, and all its sessions have heard of it. It is freed at the end of the turn.
  virtual void on_ended(H3Connection& connection, const std::string& reason) = 0;

 protected:
  ~H3Owner() = default;
};

class H3Connection final : public Connection,
                           public quic::ConnectionVisitor,
                           private core::Timer,
                           private net::TurnHook,
                           public Opening::Owner,
                           private h3::Streams,
                           private h3::Visitor {
 public:
  /// In the context's table until the QUIC connection is closed. `service` outlives it.
  static H3Connection& make(H3Service& service);
  ~H3Connection() override;

  /// `connection` is the one that this is the visitor of.
  void attach(quic::Connection& connection) { quic_ = &connection; }
  /// Client: none until this is called, and after on_ended.
  void set_owner(H3Owner* owner) { owner_ = owner; }
  [[nodiscard]] bool has_settings() const { return h3_.peer_settings().has_value(); }
  /// Client: whether one more session may be asked for.
  [[nodiscard]] bool admits_session() const;
  /// Client: opens a session, in the place that `id` has in the context's table, as soon as the server allows.
  WtSession& connect(WtRequest request, std::unique_ptr<SessionHandler> handler, Wants wants, SessionId id);

  /// Client: whether a request may be sent.
  [[nodiscard]] bool admits_fetch() const;
  /// Client: sends the request of `fetch` as soon as the server allows.
  void fetch(H3Fetch& fetch);
  /// Client: ends it; it is told.
  void give_up(H3Fetch& fetch, const std::string& reason);

  // Connection
  [[nodiscard]] Session* session() override { return nullptr; }
  void drain() override;
  void abort(const Disconnect& why) override;

  // For WtSession
  [[nodiscard]] LoopContext& context() const { return service_.endpoint.context(); }
  [[nodiscard]] bool is_client() const { return service_.router == nullptr; }
  [[nodiscard]] std::string peer() const;
  [[nodiscard]] std::optional<ClientCertificate> client_certificate() const;
  [[nodiscard]] std::optional<Duration> rtt() const;
  [[nodiscard]] quic::ConnectionStats stats() const {
    return quic_ == nullptr ? quic::ConnectionStats{} : quic_->stats();
  }
  [[nodiscard]] std::optional<OpeningTimes> opening_times() const;
  [[nodiscard]] std::size_t unacknowledged_bytes(h3::StreamId id) const;
  [[nodiscard]] std::size_t unsent_bytes(h3::StreamId id) const;
  /// As quic::Connection::set_priority.
  void set_priority(h3::StreamId id, std::uint64_t group, std::int64_t order);
  /// For `session`; with an ID, its fate is told to WtSession::handle_datagram_fate.
  bool send_datagram(wt::Session& session, ByteView payload, std::optional<std::uint32_t> id);
  /// Why the connection ended, for a person; empty while it lives.
  [[nodiscard]] const std::string& end_reason() const { return end_reason_; }
  /// Ends the opening of a session of ours.
  void give_up(WtSession& session, const std::string& reason);
  /// The session is over. `settled`: nothing that was sent for it needs to arrive any more.
  void forget(WtSession& session, bool settled);

  // quic::ConnectionVisitor
  void on_ready() override;
  void on_handshake_completed() override {
    if (owner_ != nullptr) owner_->on_handshake_completed(*this);
  }
  void on_stream_data(quic::StreamId id, ByteView data, bool fin) override;
  void on_stream_reset(quic::StreamId id, std::uint64_t code, std::uint64_t final_size_bytes) override;
  void on_stopped_stream_end(quic::StreamId id, std::uint64_t final_size_bytes) override;
  void on_stop_sending(quic::StreamId id, std::uint64_t code) override;
  void on_stream_acked(quic::StreamId id, std::uint64_t offset) override;
  void on_stream_closed(quic::StreamId id, std::optional<std::uint64_t> code) override;
  void on_streams_available(quic::Direction direction) override;
  void on_datagram(ByteView data) override { h3_.handle_datagram(data); }
  void on_datagram_fate(DatagramId id, DatagramFate fate) override;
  void on_closed(const quic::CloseReason& reason) override;

 private:
  // A session of ours from connect() to the server's response.
  struct Asked {
    WtSession* session;
    WtRequest request;
    std::optional<h3::StreamId> id;  // once asked for
    int refused_status = 0;          // once it is refused; the text that explains it is waited for
    std::string explanation{};
  };
  // An opening of the peer's whose handler answers later.
  struct Deferred {
    std::unique_ptr<WtAccept> opening;
    core::TimePoint deadline;
  };

  explicit H3Connection(H3Service& service);

  void on_timer(core::TimePoint now) override;
  void on_turn_end() override;

  // h3::Streams
  std::optional<h3::StreamId> open(h3::Direction direction) override;
  void write(h3::StreamId id, Bytes data, bool fin) override;
  void reset(h3::StreamId id, std::uint64_t error_code) override;
  void stop_sending(h3::StreamId id, std::uint64_t error_code) override;
  void consume(h3::StreamId id, std::size_t bytes) override;
  void close(std::uint64_t error_code, std::string_view reason) override;
  [[nodiscard]] std::size_t datagram_bytes_max() const override;
  bool send_datagram(ByteView data) override;

  // h3::Visitor
  void on_settings(const h3::Settings& peer) override;
  void on_request(h3::StreamId id, const h3::RequestHead& head) override;
  void on_response(h3::StreamId id, const h3::ResponseHead& head) override;
  void on_webtransport_stream(h3::StreamId id, h3::StreamId session, h3::Direction direction) override;
  void on_data(h3::StreamId id, ByteView data) override;
  void on_fin(h3::StreamId id) override;
  void on_reset(h3::StreamId id, std::uint64_t error_code) override;
  void on_stop_sending(h3::StreamId id, std::uint64_t error_code) override;
  void on_stream_error(h3::StreamId id, h3::Error error) override;
  void on_closed(h3::StreamId id) override;
  void on_datagram(h3::StreamId id, ByteView payload) override;
  void on_goaway(std::uint64_t id) override;
  void on_streams_available(h3::Direction direction) override;
  void on_connection_error(h3::Error error) override;

  // Pages, h3_requests.cpp
  void begin_exchange(h3::StreamId id, const h3::RequestHead& head);
  void end_exchange(h3::StreamId id);
  void expire_requests(core::TimePoint now);
  void take_content(h3::StreamId id, ByteView data);
  void answer(h3::StreamId id);
  void refuse(h3::StreamId id, int status, const std::string& reason);
  void respond(h3::StreamId id, const HttpResponse& response, bool head_only);
  bool send_head(h3::StreamId id, int status, const std::vector<http::Field>& fields, bool fin);

  // Sessions, h3_sessions.cpp
  void begin_session(h3::StreamId id);
  void accept_session(h3::StreamId id);
  void refuse_session(h3::StreamId id, const HttpResponse& refusal);
  void finish_opening(Opening& opening) override;
  void answer_session(WtAccept& opening);
  void expire_deferred(core::TimePoint now);
  void refuse_deferred(std::string_view reason);
  void drop_deferred(h3::StreamId id);
  [[nodiscard]] bool is_deferred(h3::StreamId id) const;
  [[nodiscard]] std::vector<h3::StreamId> waiting_sessions() const;
  void start_session(WtSession& session, wt::Session& protocol, const std::string& subprotocol);
  void request_session(Asked& opening, std::vector<WtSession*>& failed);
  void request_waiting();
  void finish_opening(h3::StreamId id, const h3::ResponseHead& head);
  void take_refusal(Asked& opening, const h3::ResponseHead& head);
  static void tell_refused(const Asked& opening, const std::string& reason);
  bool take_explanation(h3::StreamId id, ByteView data);
  void fail_opening(h3::StreamId id, const std::string& reason);
  void end_openings(std::uint64_t from, const std::string& reason);
  void drop_request(h3::StreamId id);

  // The first time, the time since this was made; a client's alone.
  void note(Duration OpeningTimes::*step);
  // A client's requests, h3_fetches.cpp
  void send_fetches();
  [[nodiscard]] H3Fetch* find_fetch(h3::StreamId id) const;
  bool take_fetch_data(h3::StreamId id, ByteView data);
  void end_fetch(h3::StreamId id, const Result<void, Error>& result);
  void end_fetches(std::uint64_t from, const std::string& reason);
  void close_after_fetch();
  void close_when_unused();
  [[nodiscard]] bool is_unused() const;
  void close_if_unused();

  void reset_now(h3::StreamId id, std::uint64_t error_code);
  void note_unsent(h3::StreamId id, std::uint64_t bytes);
  void note_activity();
  [[nodiscard]] std::optional<core::TimePoint> idle_deadline() const;
  void schedule();
  void end_sessions(const std::string& reason);
  void close_when_idle();
  void leave();

  H3Service& service_;
  quic::Connection* quic_ = nullptr;  // none once it is closed
  std::string last_peer_ = "not connected";
  H3Owner* owner_ = nullptr;
  SessionId id_;
  h3::Connection h3_;
  wt::Sessions sessions_;
  std::vector<WtSession*> live_;  // from the CONNECT's acceptance to their end
  std::vector<Asked> openings_;
  std::vector<Deferred> deferred_;  // the oldest first
  std::vector<H3Fetch*> unsent_fetches_;
  core::IdMap<h3::StreamId, H3Fetch*> fetches_;        // sent, by their streams
  core::IdMap<h3::StreamId, HttpExchange> exchanges_;  // requests whose response has not arrived yet
  // Streams of ours whose header the peer may not have: a reset now would leave it with a stream of no session, as QUIC
  // here has no RESET_STREAM_AT. With the code of the reset that waits, if one does.
  core::IdMap<h3::StreamId, std::optional<std::uint64_t>> unattributed_;
  // Streams of the peer's of which a STOP_SENDING came before their header, with its code.
  core::IdMap<h3::StreamId, std::uint64_t> stopped_early_;
  std::size_t content_bytes_ = 0;                               // of all of them
  std::optional<std::uint64_t> reset_size_;                     // of the stream that is being reported as reset
  DatagramId datagram_id_ = quic::kUnnamed;                     // of the datagram that is being sent
  std::vector<std::pair<h3::StreamId, std::uint64_t>> unsent_;  // what resets dropped, for the sessions' credit
  std::optional<core::TimePoint> request_deadline_;             // not after that of any request that is not whole
  OpeningTimes opening_times_{};                                // zero: not yet
  core::TimePoint made_at_;
  core::TimePoint active_at_;  // when a request or a response last went on
  bool served_ = false;        // a request has come
  std::optional<core::TimePoint>
      leave_at_;  // a client's: what its last session sent has arrived by then, or never will
  std::string end_reason_;
  bool draining_ = false;
  bool maybe_unused_ = false;  // to be looked at at the end of the turn
};

}  // namespace plait::transport
