// WtSession: one WebTransport session as a plait::Session, either role.
//
// A handler that wants streams gets every stream and datagram as it is. For any other, the first bidirectional stream
// of the client carries messages as the wires without HTTP do (spec/frames.md, without the open frames).
#pragma once

#include <plait/session.hpp>

#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>

#include "transport/connection.hpp"
#include "transport/message_stream.hpp"
#include "transport/wants.hpp"
#include "transport/wt_stream.hpp"
#include "wt/sessions.hpp"

namespace plait::transport {

class H3Connection;

class WtSession final : public Session,
                        public Connection,
                        private core::Timer,
                        private wt::SessionVisitor,
                        private MessageStream::Owner {
 public:
  /// A session that is not open yet, in the context's table, with `id` in the place of what has that. `connection`
  /// outlives it.
  static WtSession& make(H3Connection& connection, std::unique_ptr<SessionHandler> handler, Wants wants,
                         std::optional<SessionId> id = {});
  ~WtSession() override;

  /// Client: the opening handshake must end by then.
  void set_opening_deadline(core::TimePoint deadline);
  /// The visitor for wt::Sessions::accept().
  [[nodiscard]] wt::SessionVisitor& visitor() { return *this; }
  /// The session was accepted: calls on_open.
  void start(wt::Session& session, std::string_view subprotocol);
  /// It will never be: calls on_close.
  void refuse(const std::string& reason);
  /// The same on a server, whose handler has not heard of it: calls nothing.
  void discard();
  /// The peer acknowledged bytes of `id`, one of this session's streams.
  void handle_acked(wt::StreamId id);

  // Session
  SendStatus send(const Message& message, SendOptions options) override;
  MessageWriter* begin_message(MessageKind kind) override;
  Result<Stream*, StreamError> open_stream(StreamDirection direction, std::unique_ptr<StreamHandler> handler) override;
  SendStatus send_datagram(ByteView data) override;
  [[nodiscard]] std::size_t datagram_bytes_max() const override;
  void close(std::uint32_t code, std::string_view reason) override;
  void abort() override;
  void pause() override { messages_.set_paused(true); }
  void resume() override { messages_.set_paused(false); }
  [[nodiscard]] std::size_t buffered_bytes() const override { return messages_.unsent_bytes(); }
  [[nodiscard]] std::optional<Duration> rtt() const override;
  [[nodiscard]] SessionStats stats() const override;
  [[nodiscard]] std::optional<OpeningTimes> opening_times() const override;
  [[nodiscard]] SessionId id() const override { return id_; }
  [[nodiscard]] core::Executor& executor() override;
  [[nodiscard]] std::string peer() const override;
  [[nodiscard]] std::string_view subprotocol() const override { return subprotocol_; }

  // Connection
  [[nodiscard]] Session* session() override { return is_open() ? this : nullptr; }
  void drain() override;
  void abort(const Disconnect& why) override;

  // For WtStream
  [[nodiscard]] wt::Session* protocol() { return protocol_; }
  [[nodiscard]] const Limits& limits() const;
  [[nodiscard]] std::size_t unacknowledged_bytes(wt::StreamId id) const;
  void count_received(std::size_t bytes);
  void count_sent(std::size_t bytes);
  /// Calls the user's code; an exception out of it ends the session.
  template <class Call>
  void guarded(Call&& call);

 private:
  WtSession(H3Connection& connection, std::unique_ptr<SessionHandler> handler, Wants wants);

  // core::Timer
  void on_timer(core::TimePoint now) override;

  // wt::SessionVisitor
  void on_stream(wt::StreamId id, wt::Direction direction) override;
  void on_stream_data(wt::StreamId id, ByteView data, bool fin) override;
  void on_stream_reset(wt::StreamId id, std::optional<std::uint32_t> code) override;
  void on_stop_sending(wt::StreamId id, std::optional<std::uint32_t> code) override;
  void on_stream_closed(wt::StreamId id) override;
  void on_stream_writable(wt::StreamId id) override;
  void on_streams_available(wt::Direction direction) override;
  void on_datagram(ByteView payload) override;
  void on_draining() override {}
  void on_closed(const wt::CloseInfo& info) override;

  // MessageStream::Owner
  bool write(wt::StreamId id, Bytes data) override;
  [[nodiscard]] std::size_t buffered_bytes(wt::StreamId id) const override;
  [[nodiscard]] std::size_t unsent_bytes(wt::StreamId id) const override;
  void consume(wt::StreamId id, std::size_t bytes) override;
  void on_message(MessageKind kind, ByteView payload, Message::Storage storage, Block* block) override;
  void on_part(MessageKind kind, ByteView payload, bool last) override;
  void on_writable() override;
  void on_framing_error(std::uint16_t code, std::string_view reason) override;
  void on_peer_close(std::uint16_t code, std::string_view reason) override;

  [[nodiscard]] bool is_open() const { return protocol_ != nullptr && !closing_; }
  [[nodiscard]] bool is_client() const;
  WtStream* find(wt::StreamId id);
  WtStream& add_stream(wt::StreamId id, bool opened_by_peer);
  void open_message_stream();
  void lose_message_stream(std::optional<std::uint32_t> code, const char* reason);
  void fail_for_exception(const char* what);
  void finish(const CloseInfo& info);

  H3Connection& connection_;
  std::unique_ptr<SessionHandler> handler_;
  wt::Session* protocol_ = nullptr;  // from start() to on_closed
  const bool streams_wanted_;
  bool closing_ = false;
  bool finished_ = false;
  SessionId id_;
  SessionStats stats_;
  std::string subprotocol_;
  MessageStream messages_;
  std::unordered_map<wt::StreamId, std::unique_ptr<WtStream>> streams_;
  std::unique_ptr<CloseInfo> close_info_;  // what ended it, when that is not the peer's close
};

// An exception out of the user's handler ends this session, not the server.
template <class Call>
void WtSession::guarded(Call&& call) {
  try {
    call();
  } catch (const std::exception& exception) {
    fail_for_exception(exception.what());
  } catch (...) {
    fail_for_exception("something that is not a std::exception");
  }
}

}  // namespace plait::transport
