// StreamSession: what the sessions over one byte stream (WebSocket, frames) have in common: the handler, the closing
// handshake's states, pings, counters and backpressure. How a message is framed is the subclass's.
#pragma once

#include <plait/session.hpp>

#include <memory>
#include <string>

#include "transport/tcp_connection.hpp"

namespace plait::transport {

class StreamSession : public Session, public Protocol {
 public:
  /// `handler` may be null until start().
  explicit StreamSession(std::unique_ptr<SessionHandler> handler);
  ~StreamSession() override;

  // Session
  void close(std::uint16_t code, std::string_view reason) override;
  void abort() override { connection().abort(); }
  void pause() override { connection().set_paused(true); }
  void resume() override { connection().set_paused(false); }
  [[nodiscard]] std::size_t buffered_bytes() const override { return connection().backlog_bytes(); }
  [[nodiscard]] std::optional<Duration> rtt() const override;
  [[nodiscard]] SessionStats stats() const override { return stats_; }
  [[nodiscard]] SessionId id() const override { return connection().id(); }
  [[nodiscard]] std::string peer() const override { return connection().peer(); }
  [[nodiscard]] std::string_view subprotocol() const override;

  // Protocol
  void handle_end() override;
  void handle_drained() override;
  void handle_deadline(core::TimePoint now) override;
  void handle_drain() override;
  void handle_closed(const Disconnect& why) override;
  plait::Session* session() override { return started_ ? this : nullptr; }

 protected:
  enum class State : std::uint8_t {
    open,
    closing,   // our close is sent; the peer's is awaited
    finished,  // nothing more is handled; the socket is being closed
  };

  void set_handler(std::unique_ptr<SessionHandler> handler) { handler_ = std::move(handler); }
  void set_subprotocol(std::string_view subprotocol);
  /// The opening handshake is done: calls on_open. Needs the handler.
  void start();
  [[nodiscard]] bool started() const { return started_; }

  virtual void encode_ping(ByteView payload) = 0;
  virtual void encode_close(std::uint16_t code, std::string_view reason) = 0;

  [[nodiscard]] bool is_open() const { return state_ == State::open; }
  [[nodiscard]] bool handles_input() const { return state_ != State::finished && !connection().input_stopped(); }
  [[nodiscard]] const Limits& limits() const { return connection().context().limits; }

  /// Whether a message of `size` payload bytes may be queued; counts it as dropped if not.
  [[nodiscard]] bool admits(std::size_t size);
  /// Counts what was appended to the output (`last` ends a message) and sees to it that it leaves.
  SendStatus finish_send(std::size_t payload_bytes, bool last = true);
  void handle_message(const Message& message);
  void handle_part(const Message& part, bool last);
  void handle_pong(ByteView payload);
  void handle_close(std::uint16_t code, std::string_view reason);
  /// Our side found a violated rule: sends the close code and gives the connection up.
  void fail(std::uint16_t code, std::string_view reason);
  /// Closes the connection once the output is written. Nothing more is handled.
  void finish();
  /// Keeps `input_seen_` for the dead-peer check.
  void note_input() { input_seen_ = true; }

 private:
  struct Rare;  // close reason, subprotocol: what few sessions have

  void count_received(std::size_t payload_bytes, bool last);
  template <class Call>
  void guarded(Call&& call);
  void send_ping(core::TimePoint now);
  Rare& rare();

  std::unique_ptr<SessionHandler> handler_;
  std::unique_ptr<Rare> rare_;
  SessionStats stats_;
  std::int64_t rtt_nanoseconds_ = -1;
  std::uint16_t close_code_ = close_code::kAbnormal;
  State state_ = State::open;
  bool started_ = false;
  bool clean_ = false;
  bool started_by_us_ = false;
  bool wants_writable_ = false;
  bool ping_pending_ = false;
  bool input_seen_ = false;
};

}  // namespace plait::transport
