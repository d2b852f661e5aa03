// WtSession: one WebTransport session as a plait::Session, either role. HTTP/3 has opened it, and the messages of a
// handler that wants no streams are on the first bidirectional stream of the client.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "transport/quic/quic_session.hpp"
#include "wt/sessions.hpp"

namespace plait::transport {

class H3Connection;

class WtSession final : public QuicSession, private wt::SessionVisitor {
 public:
  /// A session that is not open yet, in the context's table, with `id` in the place of what has that. `connection`
  /// outlives it.
  static WtSession& make(H3Connection& connection, std::unique_ptr<SessionHandler> handler, Wants wants,
                         std::optional<SessionId> id = {});

  /// The visitor for wt::Sessions::accept().
  [[nodiscard]] wt::SessionVisitor& visitor() { return *this; }
  /// The session was accepted: calls on_open.
  void start(wt::Session& session, std::string_view subprotocol);
  /// It will never be: calls on_close.
  using QuicSession::refuse;
  [[nodiscard]] bool is_on(wt::StreamId connect) const { return protocol_ != nullptr && protocol_->id() == connect; }
  using QuicSession::handle_datagram_fate;
  /// The same on a server, whose handler has not heard of it: calls nothing.
  void discard();

  [[nodiscard]] std::optional<Duration> rtt() const override;
  [[nodiscard]] std::optional<OpeningTimes> opening_times() const override;
  [[nodiscard]] std::string peer() const override;

 private:
  WtSession(H3Connection& connection, std::unique_ptr<SessionHandler> handler, Wants wants);

  // wt::SessionVisitor
  void on_stream(wt::StreamId id, wt::Direction direction) override;
  void on_stream_data(wt::StreamId id, ByteView data, bool fin) override { handle_stream_data(id, data, fin); }
  void on_stream_reset(wt::StreamId id, std::optional<std::uint32_t> code) override { handle_stream_reset(id, code); }
  void on_stop_sending(wt::StreamId id, std::optional<std::uint32_t> code) override { handle_stop_sending(id, code); }
  void on_stream_closed(wt::StreamId id) override { handle_stream_closed(id); }
  void on_stream_writable(wt::StreamId id) override { handle_room(id); }
  void on_streams_available(wt::Direction direction) override;
  void on_datagram(ByteView payload) override { handle_datagram(payload); }
  void on_draining() override { handle_draining(); }
  void on_closed(const wt::CloseInfo& info) override;

  // QuicSession
  Result<StreamId, StreamError> wire_open(StreamDirection direction) override;
  bool wire_write(StreamId id, Bytes data, bool fin) override { return protocol_->write(id, std::move(data), fin); }
  void wire_reset(StreamId id, std::uint32_t code) override { protocol_->reset(id, code); }
  void wire_stop(StreamId id, std::uint32_t code) override { protocol_->stop_sending(id, code); }
  void wire_consume(StreamId id, std::size_t bytes) override { protocol_->consume(id, bytes); }
  void wire_set_priority(StreamId id, std::uint32_t group, std::int64_t order) override;
  [[nodiscard]] std::size_t wire_buffered_bytes(StreamId id) const override;
  [[nodiscard]] std::size_t wire_unsent_bytes(StreamId id) const override;
  void wire_tell_when_sent(StreamId id) override;
  bool wire_send_datagram(ByteView data, std::optional<std::uint32_t> id) override;
  [[nodiscard]] std::size_t wire_datagram_bytes_max() const override { return protocol_->datagram_bytes_max(); }
  void wire_close(std::uint32_t code, std::string_view reason) override;
  bool wire_go_on_closing(bool late) override;
  [[nodiscard]] quic::ConnectionStats wire_stats() const override;
  void wire_abort() override { protocol_->abort(); }
  void give_up(const std::string& reason) override;
  void release(bool settled) override;

  struct CloseDue {
    std::uint32_t code;
    std::string reason;
  };

  H3Connection& connection_;
  std::unique_ptr<CloseDue> close_due_;  // waits for the messages to be acknowledged
  wt::Session* protocol_ = nullptr;      // from start() to on_closed
};

}  // namespace plait::transport
