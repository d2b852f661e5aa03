// H3Connection: one QUIC connection that speaks HTTP/3, and what both sides of it have in common: it joins
// quic::Connection, h3::Connection and wt::Sessions, each of which knows only bytes. What a side does with request
// streams is in its subclass, H3ServerConnection or H3ClientConnection.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/id_map.hpp"
#include "h3/connection.hpp"
#include "quic/connection.hpp"
#include "transport/h3/wt_session.hpp"
#include "transport/loop_entry.hpp"
#include "transport/quic/quic_endpoint.hpp"
#include "wt/sessions.hpp"

namespace plait::transport {

class Router;

/// What the HTTP/3 connections of one listener, or of one client, share on a loop.
struct H3Service {
  QuicEndpoint& endpoint;
  const Router* router = nullptr;  ///< a server's
  h3::Options options{};
  wt::SessionsOptions sessions{};
  h3::Qpack qpack{};
};

class H3Connection : public LoopEntry,
                     public quic::ConnectionVisitor,
                     private core::Timer,
                     protected net::TurnHook,
                     private h3::Streams,
                     protected h3::Visitor {
 public:
  ~H3Connection() override;

  /// `connection` is the one that this is the visitor of.
  void attach(quic::Connection& connection) { quic_ = &connection; }

  // LoopEntry
  [[nodiscard]] Session* session() override { return nullptr; }
  void abort(const Disconnect& why) override;
  void give_way(const Disconnect& why) override;

  // For WtSession
  [[nodiscard]] LoopContext& context() const { return service_.endpoint.context(); }
  [[nodiscard]] bool is_client() const { return service_.options.role == h3::Role::client; }
  [[nodiscard]] std::string peer() const;
  [[nodiscard]] std::optional<ClientCertificate> client_certificate() const;
  [[nodiscard]] std::optional<Duration> rtt() const;
  [[nodiscard]] quic::ConnectionStats stats() const {
    return quic_ == nullptr ? quic::ConnectionStats{} : quic_->stats();
  }
  /// A client's, once a session is open.
  [[nodiscard]] virtual std::optional<OpeningTimes> opening_times() const { return std::nullopt; }
  [[nodiscard]] std::size_t unacknowledged_bytes(h3::StreamId id) const;
  [[nodiscard]] std::size_t unsent_bytes(h3::StreamId id) const;
  /// As quic::Connection::tell_when_sent.
  void tell_when_sent(h3::StreamId id);
  /// As quic::Connection::set_priority.
  void set_priority(h3::StreamId id, std::uint64_t group, std::int64_t order);
  /// For `session`; with an ID, its fate is told to WtSession::handle_datagram_fate.
  bool send_datagram(wt::Session& session, ByteView payload, std::optional<std::uint32_t> id);
  /// Why the connection ended, for a person; empty while it lives.
  [[nodiscard]] std::string end_reason() const { return end_ == nullptr ? std::string{} : end_->reason; }
  /// Client: ends the opening of a session.
  virtual void give_up(WtSession& /*session*/, const std::string& /*reason*/) {}
  /// The session is over. `settled`: nothing that was sent for it needs to arrive any more.
  void forget(WtSession& session, bool settled);

  // quic::ConnectionVisitor
  void on_ready() override { h3_.handle_ready(); }
  void on_stream_data(quic::StreamId id, ByteView data, bool fin) override;
  void on_stream_reset(quic::StreamId id, std::uint64_t code, std::uint64_t final_size_bytes) override;
  void on_stopped_stream_end(quic::StreamId id, std::uint64_t final_size_bytes) override;
  void on_stream_stopped(quic::StreamId id, std::uint64_t code) override;
  void on_stream_acked(quic::StreamId id, std::uint64_t offset) override;
  void on_stream_sent(quic::StreamId id) override;
  void on_stream_closed(quic::StreamId id, std::optional<std::uint64_t> code) override;
  void on_more_streams(quic::Direction direction) override;
  void on_datagram(ByteView data) override { h3_.handle_datagram(data); }
  void on_datagram_fate(DatagramId id, DatagramFate fate) override;
  void on_closed(const quic::CloseReason& reason) override;

 protected:
  explicit H3Connection(H3Service& service);
  /// Of `self`, into the context's table, where it is until the QUIC connection is closed.
  void enter(std::unique_ptr<H3Connection> self);

  // h3::Visitor: the sessions' part. A side does its own after it.
  void on_webtransport_stream(h3::StreamId id, h3::StreamId session, h3::Direction direction) override;
  void on_reset(h3::StreamId id, std::uint64_t error_code) override;
  void on_stop_sending(h3::StreamId id, std::uint64_t error_code) override;
  void on_stream_error(h3::StreamId id, h3::Error error) override;
  void on_closed(h3::StreamId id) override;
  void on_datagram(h3::StreamId id, ByteView payload) override;
  void on_goaway(std::uint64_t id) override;
  void on_streams_available(h3::Direction direction) override;
  void on_connection_error(h3::Error error) override;

  void on_turn_end() override { give_unsent_back(); }

  /// The handler may end it at once.
  void start_session(WtSession& session, wt::Session& protocol, const std::string& subprotocol);
  /// The connection is over: so are its sessions, and whatever waits for it.
  virtual void end_sessions(const std::string& reason);
  /// A session is over, as in forget().
  virtual void handle_session_end(bool settled) = 0;
  /// Leaves the table.
  virtual void leave();

  // Time
  /// When a connection that has no session is closed.
  [[nodiscard]] virtual std::optional<core::TimePoint> idle_deadline() const = 0;
  /// The next time that handle_timeout() is wanted, or the idle deadline.
  [[nodiscard]] virtual std::optional<core::TimePoint> next_deadline() const { return idle_deadline(); }
  virtual void handle_timeout(core::TimePoint /*now*/) {}
  /// To be called when one of them has come nearer.
  void schedule();

  H3Service& service_;
  quic::Connection* quic_ = nullptr;  // none once it is closed
  h3::Connection h3_;
  wt::Sessions sessions_;
  std::vector<WtSession*> live_;  // from the CONNECT's acceptance to their end

 private:
  // What is told of a connection that has ended, or is ending; for a person.
  struct End {
    std::string reason;
    std::string peer;  // once it has ended
  };

  void on_timer(core::TimePoint now) override;

  // h3::Streams
  std::optional<h3::StreamId> open(h3::Direction direction) override;
  void await_streams(h3::Direction direction) override;
  void write(h3::StreamId id, Bytes data, bool fin) override;
  void reset(h3::StreamId id, std::uint64_t error_code) override;
  void stop_sending(h3::StreamId id, std::uint64_t error_code) override;
  void consume(h3::StreamId id, std::size_t bytes) override;
  void close(std::uint64_t error_code, std::string_view reason) override;
  [[nodiscard]] std::size_t datagram_bytes_max() const override;
  bool send_datagram(ByteView data) override;

  void reset_now(h3::StreamId id, std::uint64_t error_code);
  void note_unsent(h3::StreamId id, std::uint64_t bytes);
  void give_unsent_back();
  void uncount();
  /// The first reason is the one that is told.
  void note_end(std::string reason);

  SessionId id_;
  bool counted_ = false;      // among Limits::connections_max
  std::unique_ptr<End> end_;  // none while it lives
  // Streams of ours whose header the peer may not have: a reset now would leave it with a stream of no session, as QUIC
  // here has no RESET_STREAM_AT. With the code of the reset that waits, if one does.
  core::IdMap<h3::StreamId, std::optional<std::uint64_t>> unattributed_;
  // Streams of the peer's of which a STOP_SENDING came before their header, with its code.
  core::IdMap<h3::StreamId, std::uint64_t> stopped_early_;
  std::optional<std::uint64_t> reset_size_;                     // of the stream that is being reported as reset
  DatagramId datagram_id_ = quic::kUnnamed;                     // of the datagram that is being sent
  std::vector<std::pair<h3::StreamId, std::uint64_t>> unsent_;  // what resets dropped, for the sessions' credit
};

}  // namespace plait::transport
