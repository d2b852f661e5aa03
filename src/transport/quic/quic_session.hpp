// QuicSession: what the sessions of a QUIC connection have in common, WebTransport and raw QUIC, either role: streams,
// the stream of the messages, datagrams, counters, and every call of the user's code. How a stream is opened, written
// or given up below is the wire's: the wire_… functions.
//
// A handler that wants streams gets every stream and datagram as it is. For any other, one bidirectional stream of the
// client carries messages as the wires without HTTP do (spec/frames.md).
#pragma once

#include <plait/session.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "core/guard.hpp"
#include "core/id_map.hpp"
#include "net/loop.hpp"
#include "quic/connection.hpp"
#include "transport/loop_context.hpp"
#include "transport/loop_entry.hpp"
#include "transport/quic/message_stream.hpp"
#include "transport/quic/quic_stream.hpp"
#include "transport/wants.hpp"

namespace plait::transport {

class QuicSession : public Session,
                    public LoopEntry,
                    private core::Timer,
                    private net::TurnHook,
                    private MessageStream::Owner {
 public:
  using StreamId = MessageStream::StreamId;
  ~QuicSession() override;

  /// The opening handshake must end by then.
  void set_opening_deadline(core::TimePoint deadline) {
    if (!finished_) context_.loop.schedule(*this, deadline);
  }
  /// The peer acknowledged bytes of `id`, or it may be written to again: if it is one of this session's streams.
  void handle_room(StreamId id);

  // Session
  SendStatus send(const Message& message, SendOptions options) override;
  MessageWriter* begin_message(MessageKind kind) override;
  Result<Stream*, StreamError> open_stream(StreamDirection direction, std::unique_ptr<StreamHandler> handler) override;
  SendStatus send_datagram(ByteView data, DatagramId* id = nullptr) override;
  [[nodiscard]] std::size_t datagram_bytes_max() const override { return is_open() ? wire_datagram_bytes_max() : 0; }
  void close(std::uint32_t code, std::string_view reason) override;
  void abort() override { abort(Disconnect{}); }
  void pause() override { closing_ ? messages_.ignore_messages() : messages_.set_paused(true); }
  void resume() override;
  [[nodiscard]] std::size_t buffered_bytes() const override { return messages_.unsent_bytes(); }
  [[nodiscard]] SessionStats stats() const override;
  [[nodiscard]] SessionId id() const override { return id_; }
  [[nodiscard]] core::Executor& executor() override { return context_.loop; }
  [[nodiscard]] std::string_view subprotocol() const override { return subprotocol_; }

  // LoopEntry
  [[nodiscard]] Session* session() override { return is_open() ? this : nullptr; }
  void drain() override;
  void abort(const Disconnect& why) override;

  // For QuicStream
  [[nodiscard]] bool is_open() const { return live_ && !closing_; }
  [[nodiscard]] const Limits& limits() const { return context_.limits; }
  /// False: the stream cannot be written, or the session is over.
  bool write(StreamId id, Bytes data, bool fin) final { return live_ && wire_write(id, std::move(data), fin); }
  void reset(StreamId id, std::uint32_t code);
  void stop(StreamId id, std::uint32_t code);
  void set_priority(StreamId id, std::uint32_t group, std::int64_t order);
  void consume(StreamId id, std::size_t bytes) final;
  [[nodiscard]] std::size_t buffered_bytes(StreamId id) const final { return live_ ? wire_buffered_bytes(id) : 0; }
  void tell_when_sent(StreamId id) final {
    if (live_) wire_tell_when_sent(id);
  }
  [[nodiscard]] std::size_t unsent_bytes(StreamId id) const final { return live_ ? wire_unsent_bytes(id) : 0; }
  void count_received(std::size_t bytes);
  void count_sent(std::size_t bytes);
  /// Calls the user's code; an exception out of it ends the session.
  template <class Call>
  [[gnu::always_inline]] void guarded(std::string_view function, Call&& call);

 protected:
  static constexpr std::uint32_t kStreamRefused = 0;  ///< the code of a stream that nobody wants

  QuicSession(LoopContext& context, bool is_client);
  /// Once it is in the context's table.
  void set_id(SessionId id) { id_ = id; }
  /// Before start().
  void set_handler(std::unique_ptr<SessionHandler> handler, Wants wants);

  [[nodiscard]] LoopContext& context() const { return context_; }
  [[nodiscard]] bool is_client() const { return is_client_; }
  [[nodiscard]] bool wants_streams() const { return streams_wanted_; }
  [[nodiscard]] MessageStream& messages() { return messages_; }
  /// From start() to end(): the wire takes the wire_… calls.
  [[nodiscard]] bool is_live() const { return live_; }
  [[nodiscard]] bool is_finished() const { return finished_; }

  /// The opening handshake is done: calls on_open. Whoever needs to know asks is_live() afterwards.
  void start(std::string_view subprotocol);
  /// What the wire reports, from start() to end().
  void handle_stream(StreamId id, StreamDirection direction);
  void handle_stream_data(StreamId id, ByteView data, bool fin);
  void handle_stream_reset(StreamId id, std::optional<std::uint32_t> code);
  void handle_stop_sending(StreamId id, std::optional<std::uint32_t> code);
  void handle_stream_closed(StreamId id);
  void handle_streams_available(StreamDirection direction);
  void handle_datagram(ByteView payload);
  void handle_datagram_fate(std::uint32_t id, DatagramFate fate);
  void handle_draining();
  /// The wire is gone. `told` is how, unless this side knows better.
  void end(const CloseInfo& told);
  /// The session was never open; calls on_close. `status` as CloseInfo's.
  void refuse(const std::string& reason, int status = 0) { finish({.reason = reason, .status = status}); }
  /// The same without a word to the handler.
  void mark_finished() { finished_ = true; }
  /// Ends the session with this error of the peer's or the handler's, at once for the user.
  void fail(std::uint16_t code, std::string_view reason);

 private:
  virtual Result<StreamId, StreamError> wire_open(StreamDirection direction) = 0;
  virtual bool wire_write(StreamId id, Bytes data, bool fin) = 0;
  virtual void wire_reset(StreamId id, std::uint32_t code) = 0;
  virtual void wire_stop(StreamId id, std::uint32_t code) = 0;
  virtual void wire_consume(StreamId id, std::size_t bytes) = 0;
  /// `group` is the session's own number.
  virtual void wire_set_priority(StreamId id, std::uint32_t group, std::int64_t order) = 0;
  /// Written and not acknowledged; written and never sent.
  [[nodiscard]] virtual std::size_t wire_buffered_bytes(StreamId id) const = 0;
  [[nodiscard]] virtual std::size_t wire_unsent_bytes(StreamId id) const = 0;
  /// handle_room() is to follow when nothing of it waits any more.
  virtual void wire_tell_when_sent(StreamId id) = 0;
  /// `id`: the low half of its ID, if its fate is asked for, which handle_datagram_fate() is to be told by.
  virtual bool wire_send_datagram(ByteView data, std::optional<std::uint32_t> id) = 0;
  [[nodiscard]] virtual std::size_t wire_datagram_bytes_max() const = 0;
  /// Begins the closing handshake; end() follows. It may wait for the messages: see wire_go_on_closing().
  virtual void wire_close(std::uint32_t code, std::string_view reason) = 0;
  /// While closing: some of the messages are acknowledged, or it is `late`, and nothing is to be waited for any more.
  /// False: nothing was.
  virtual bool wire_go_on_closing(bool /*late*/) { return false; }
  /// Of the QUIC connection.
  [[nodiscard]] virtual quic::ConnectionStats wire_stats() const = 0;
  /// Cuts it; end() follows before this returns.
  virtual void wire_abort() = 0;
  /// Ends the opening; refuse() follows before this returns.
  virtual void give_up(const std::string& reason) = 0;
  /// set_opening_deadline()'s time has come.
  virtual void handle_opening_timeout() { give_up("the opening took too long"); }
  /// The last call: the user has been told. `settled`: nothing that was sent needs to arrive any more.
  virtual void release(bool settled) = 0;

  // core::Timer
  void on_timer(core::TimePoint now) override;

  // net::TurnHook
  void on_turn_end() override { messages_.handle_kept(); }

  // MessageStream::Owner
  void on_message(MessageKind kind, ByteView payload, Block* block) override;
  void on_part(MessageKind kind, ByteView payload, bool last) override;
  SendStatus count_part(SendStatus status, std::size_t bytes, bool last) final;
  void on_writable() override;
  void on_framing_error(std::uint16_t code, std::string_view reason) override { fail(code, reason); }
  void on_peer_close(std::uint16_t code, std::string_view reason) override;
  void on_end() override;

  // Of SessionStats, what is the session's own.
  struct Counters {
    std::uint64_t messages_received = 0;
    std::uint64_t bytes_received = 0;
    std::uint64_t messages_sent = 0;
    std::uint64_t bytes_sent = 0;
    std::uint64_t messages_dropped = 0;
  };

  /// end() is reporting what has waited, before it tells the end.
  [[nodiscard]] bool is_ending() const { return !live_ && !finished_ && close_info_ != nullptr; }
  QuicStream* find(StreamId id);
  QuicStream& add_stream(StreamId id, bool opened_by_peer);
  void lose_message_stream(std::optional<std::uint32_t> code, const char* reason);
  void fail_for_exception();
  void finish(const CloseInfo& info);

  LoopContext& context_;
  std::unique_ptr<SessionHandler> handler_;
  const bool is_client_;
  bool streams_wanted_ = false;
  bool live_ = false;
  bool closing_ = false;
  bool finished_ = false;
  SessionId id_;
  Counters counters_;
  DatagramId next_datagram_ = 0;
  std::string subprotocol_;
  MessageStream messages_;
  core::IdMap<StreamId, std::unique_ptr<QuicStream>> streams_;
  std::unique_ptr<CloseInfo> close_info_;  // what ends it, once that has begun
};

// An exception out of the user's handler ends this session, not the server.
template <class Call>
inline void QuicSession::guarded(std::string_view function, Call&& call) {
  const auto thrower = [&] { return core::Thrower{"a session handler", std::string{function}, peer()}; };
  if (!core::guarded(thrower, call)) fail_for_exception();
}

}  // namespace plait::transport
