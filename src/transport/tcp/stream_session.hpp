// StreamSession: what the sessions over one byte stream (WebSocket, frames) have in common: the handler, the closing
// handshake's states, pings, counters and backpressure. How a message is framed is the subclass's.
#pragma once

#include <plait/session.hpp>

#include <algorithm>
#include <array>
#include <memory>
#include <string>

#include "core/guard.hpp"
#include "transport/send_rules.hpp"
#include "transport/tcp/tcp_connection.hpp"

namespace plait::transport {

class StreamSession : public Session, public Protocol {
 public:
  /// `handler` may be null until start().
  explicit StreamSession(std::unique_ptr<SessionHandler> handler);
  ~StreamSession() override;

  // Session
  MessageWriter* begin_message(MessageKind kind) override;
  void close(std::uint32_t code, std::string_view reason) override;
  void abort() override;
  void pause() override { is_open() ? connection().set_paused(true) : ignore_messages(); }
  void resume() override { connection().set_paused(false); }
  [[nodiscard]] std::size_t buffered_bytes() const override { return connection().backlog_bytes(); }
  [[nodiscard]] std::optional<Duration> rtt() const override;
  [[nodiscard]] SessionStats stats() const override {
    return {counts_.messages_received, counts_.bytes_received, counts_.messages_sent, counts_.bytes_sent,
            counts_.messages_dropped};
  }
  [[nodiscard]] SessionId id() const override { return connection().id(); }
  [[nodiscard]] core::Executor& executor() override { return connection().context().loop; }
  [[nodiscard]] std::string peer() const override { return connection().peer(); }
  [[nodiscard]] std::string_view subprotocol() const override;

  // Protocol
  void handle_end() override;
  void handle_drained() override;
  void handle_deadline(core::TimePoint now) override;
  void handle_drain() override;
  void handle_closed(const Disconnect& why) override;
  plait::Session* session() override { return started_ && is_open() ? this : nullptr; }

 protected:
  enum class State : std::uint8_t {
    open,
    closing,   // our close is sent; the peer's is awaited
    finished,  // nothing more is handled; the socket is being closed
  };
  /// What of SessionStats such a session counts.
  struct Counts {
    std::uint64_t messages_received = 0;
    std::uint64_t bytes_received = 0;
    std::uint64_t messages_sent = 0;
    std::uint64_t bytes_sent = 0;
    std::uint64_t messages_dropped = 0;
  };

  void set_handler(std::unique_ptr<SessionHandler> handler) { handler_ = std::move(handler); }
  void set_subprotocol(std::string_view subprotocol);
  /// The opening handshake is done: calls on_open. Needs the handler.
  void start();
  [[nodiscard]] bool started() const { return started_; }

  virtual void encode_ping(ByteView payload) = 0;
  virtual void encode_pong(ByteView payload) = 0;
  virtual void encode_close(std::uint16_t code, std::string_view reason) = 0;
  /// Of a message in parts: the `first`, the `last`, which is empty and may be the first, or one between them.
  virtual void encode_part(MessageKind kind, ByteView part, bool first, bool last) = 0;

  [[nodiscard]] bool is_open() const { return state_ == State::open; }
  [[nodiscard]] bool can_send() const { return is_open() && !connection().is_cut(); }
  /// For the protocol to say: it can send and its small messages leave as they are, uncompressed, unmasked, whole.
  [[nodiscard]] bool sends_plainly() const { return sends_plainly_ && can_send(); }
  void set_sends_plainly(bool plainly) { sends_plainly_ = plainly; }
  [[nodiscard]] bool handles_input() const { return state_ != State::finished && !connection().input_stopped(); }
  [[nodiscard]] const Limits& limits() const { return connection().context().limits; }

  /// Whether a message of `size` payload bytes may be sent; counts it as dropped if not.
  [[nodiscard]] bool admits_message(std::size_t size) {
    if (!writes_parts_) return admits(size);
    ++counts_.messages_dropped;  // not for the backlog, so no on_writable follows
    return false;
  }
  /// Whether `size` payload bytes, of a message or a part of one, may be queued; counts them as dropped if not.
  [[nodiscard]] bool admits(std::size_t size) {
    if (fits_queue(limits(), size, connection().backlog_bytes())) return true;
    note_dropped();
    return false;
  }
  /// Whether `size` bytes more are far from what is written early, and so from every limit.
  [[nodiscard]] bool gathers(std::size_t size) const {
    return connection().backlog_bytes() + size < connection().context().gather_bytes_max;
  }
  /// Counts what was appended to the output (`last` ends a message) and sees to it that it leaves.
  SendStatus finish_send(std::size_t payload_bytes, bool last = true) {
    count_sent(payload_bytes, last ? 1 : 0);
    if (connection().backlog_bytes() >= connection().context().gather_bytes_max) return write_early();
    return SendStatus::sent;
  }
  void count_sent(std::size_t payload_bytes, std::size_t message_count = 1) {
    note_sent(payload_bytes, message_count);
    if (connection().reading()) return;
    count_for_loop(message_count, payload_bytes);
    connection().write_soon();
  }
  /// All that there is to count during a read: InputScope counts for the loop, and the output leaves after it.
  void note_sent(std::size_t payload_bytes, std::size_t message_count) {
    counts_.messages_sent += message_count;
    counts_.bytes_sent += payload_bytes;
  }
  // Events of the decoders; the arguments are those of Message::received(), which is made only in the handler's
  // argument: copied from one place to another right after it was written, it would stall the CPU's store forwarding.
  [[gnu::always_inline]] void handle_message(MessageKind kind, ByteView payload, Message::Storage storage,
                                             Block* block) {
    ++counts_.messages_received;
    counts_.bytes_received += payload.size();
    guarded("on_message", [&] { handler_->on_message(*this, Message::received(kind, payload, storage, block)); });
  }
  void handle_part(MessageKind kind, ByteView payload, Message::Storage storage, Block* block, bool last);
  void handle_ping(ByteView payload);
  void handle_pong(ByteView payload);
  void handle_close(std::uint16_t code, std::string_view reason);
  /// Our side found a violated rule: sends the close code and gives the connection up.
  void fail(std::uint16_t code, std::string_view reason);
  /// Around the handling of one read: adds what it received and sent to the loop's counters, once instead of for each
  /// message, and notes that the peer is alive.
  class InputScope {
   public:
    explicit InputScope(StreamSession& session) : session_(session), before_(session.counts_) {
      session.input_seen_ = true;
    }
    InputScope(const InputScope&) = delete;
    InputScope& operator=(const InputScope&) = delete;
    ~InputScope();

   private:
    StreamSession& session_;
    const Counts before_;
  };
  /// Closes the connection once the output is written. Nothing more is handled.
  void finish();

 private:
  class PartWriter;
  struct Rare;  // close reason, subprotocol, a ping that waits: what few sessions have

  void note_dropped();
  SendStatus write_early();
  void count_for_loop(std::uint64_t messages_sent, std::uint64_t bytes_sent);
  template <class Call>
  [[gnu::always_inline]] void guarded(std::string_view function, Call&& call);
  void fail_for_exception();
  void ignore_messages();
  void tell_closed(const Disconnect& why);
  void answer_waiting_ping();
  void send_ping(core::TimePoint now);
  [[nodiscard]] bool shows_life();
  Rare& rare();

  // Handler, counts and flags are next to each other, and to connection_ above: the path of a message touches no more
  // of a session, and a fan-out goes through many.
  std::unique_ptr<SessionHandler> handler_;
  Counts counts_;
  std::uint16_t close_code_ = close_code::kAbnormal;
  State state_ = State::open;
  bool started_ = false;
  bool clean_ = false;
  bool started_by_us_ = false;
  bool wants_writable_ = false;
  bool ping_pending_ = false;
  bool ping_waits_ = false;  // when the ping was sent, a backlog stood before it
  bool input_seen_ = false;
  bool sends_plainly_ = false;
  bool writes_parts_ = false;  // until the last part no other message may be sent, and none leaves plainly
  bool told_closed_ = false;
  bool ignores_messages_ = false;
  std::array<std::uint8_t, 8> ping_payload_{};  // of the ping under way
  core::TimePoint ping_sent_{};
  std::int64_t rtt_nanoseconds_ = -1;
  std::unique_ptr<PartWriter> writer_;  // from the first message in parts on
  std::unique_ptr<Rare> rare_;
};

// An exception out of the user's handler ends this session, not the server.
template <class Call>
inline void StreamSession::guarded(std::string_view function, Call&& call) {
  const auto thrower = [&] { return core::Thrower{"a session handler", std::string{function}, peer()}; };
  if (!core::guarded(thrower, call)) fail_for_exception();
}

}  // namespace plait::transport
