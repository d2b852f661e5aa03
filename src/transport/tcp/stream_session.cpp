#include "transport/tcp/stream_session.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "transport/close_code.hpp"

namespace plait::transport {
namespace {

// Of a session that closes and whose user wants no more messages: only the end is told.
class ClosingHandler final : public SessionHandler {
 public:
  explicit ClosingHandler(std::unique_ptr<SessionHandler> handler) : handler_(std::move(handler)) {}
  void on_close(Session& session, const CloseInfo& info) override { handler_->on_close(session, info); }

 private:
  const std::unique_ptr<SessionHandler> handler_;
};

}  // namespace

struct StreamSession::Rare {
  std::string subprotocol;
  std::string close_reason;
  std::optional<std::string> waiting_ping;  // the payload of the last one that is not answered yet
};

class StreamSession::PartWriter final : public MessageWriter {
 public:
  explicit PartWriter(StreamSession& session) : session_(session) {}

  void begin(MessageKind kind) {
    kind_ = kind;
    first_ = true;
  }
  SendStatus write(ByteView part) override {
    if (!session_.can_send()) return SendStatus::closed;
    if (!session_.admits(part.size())) return SendStatus::dropped;
    return send(part, false);
  }
  SendStatus finish() override {
    if (!session_.can_send()) return SendStatus::closed;
    session_.writes_parts_ = false;
    return send({}, true);
  }

 private:
  SendStatus send(ByteView part, bool last) {
    session_.encode_part(kind_, part, std::exchange(first_, false), last);
    return session_.finish_send(part.size(), last);
  }

  StreamSession& session_;
  MessageKind kind_ = MessageKind::binary;
  bool first_ = true;
};

StreamSession::StreamSession(std::unique_ptr<SessionHandler> handler) : handler_(std::move(handler)) {}
StreamSession::~StreamSession() = default;

StreamSession::Rare& StreamSession::rare() {
  if (rare_ == nullptr) rare_ = std::make_unique<Rare>();
  return *rare_;
}

void StreamSession::fail_for_exception() { fail(close_code::kInternalError, "internal error"); }

std::optional<Duration> StreamSession::rtt() const {
  if (rtt_nanoseconds_ < 0) return std::nullopt;
  return Duration{rtt_nanoseconds_};
}

void StreamSession::set_subprotocol(std::string_view subprotocol) {
  if (!subprotocol.empty()) rare().subprotocol = subprotocol;
}

std::string_view StreamSession::subprotocol() const {
  return rare_ == nullptr ? std::string_view{} : std::string_view{rare_->subprotocol};
}

// --- Open, messages --------------------------------------------------------------------------------------------------

void StreamSession::start() {
  started_ = true;
  connection().context().counters.sessions_open.add();
  connection().clear_deadline();
  if (limits().ping_interval > Duration::zero()) {
    connection().set_deadline(connection().context().loop.now() + limits().ping_interval);
  }
  guarded("on_open", [&] { handler_->on_open(*this); });
}

StreamSession::InputScope::~InputScope() {
  const Counts& now = session_.counts_;
  Counters& counters = session_.connection().context().counters;
  counters.messages_received.add(now.messages_received - before_.messages_received);
  counters.bytes_received.add(now.bytes_received - before_.bytes_received);
  session_.count_for_loop(now.messages_sent - before_.messages_sent, now.bytes_sent - before_.bytes_sent);
}

void StreamSession::count_for_loop(std::uint64_t messages_sent, std::uint64_t bytes_sent) {
  Counters& counters = connection().context().counters;
  counters.messages_sent.add(messages_sent);
  counters.bytes_sent.add(bytes_sent);
}

MessageWriter* StreamSession::begin_message(MessageKind kind) {
  if (!can_send() || std::exchange(writes_parts_, true)) return nullptr;
  set_sends_plainly(false);
  if (writer_ == nullptr) writer_ = std::make_unique<PartWriter>(*this);
  writer_->begin(kind);
  return writer_.get();
}

void StreamSession::handle_part(MessageKind kind, ByteView payload, Message::Storage storage, Block* block, bool last) {
  counts_.messages_received += last ? 1 : 0;
  counts_.bytes_received += payload.size();
  guarded("on_message_part",
          [&] { handler_->on_message_part(*this, Message::received(kind, payload, storage, block), last); });
}

void StreamSession::note_dropped() {
  ++counts_.messages_dropped;
  wants_writable_ = true;
  connection().await_drained();
}

SendStatus StreamSession::write_early() {
  if (!connection().flush_early()) return SendStatus::closed;
  if (connection().backlog_bytes() <= limits().send_high_water_bytes) return SendStatus::sent;
  wants_writable_ = true;
  return SendStatus::queued;
}

void StreamSession::handle_drained() {
  answer_waiting_ping();
  if (!wants_writable_ || !can_send()) return;
  wants_writable_ = false;
  guarded("on_writable", [&] { handler_->on_writable(*this); });
}

// --- Pings -----------------------------------------------------------------------------------------------------------

void StreamSession::send_ping(core::TimePoint now) {
  ping_waits_ = connection().backlog_bytes() > 0;
  connection().context().random.fill(ping_payload_);
  encode_ping(ping_payload_);
  ping_sent_ = now;
  connection().write_soon();
  ping_pending_ = true;
  input_seen_ = false;
  connection().take_output_taken();
  connection().set_deadline(now + limits().pong_timeout);
}

// Of the pings that come while a backlog stands only the last is answered, and when the backlog is small again (RFC
// 6455 §5.5.3): a peer that sends pings and reads nothing makes us gather no answers.
void StreamSession::handle_ping(ByteView payload) {
  if (!is_open()) return;
  if (buffered_bytes() > limits().send_high_water_bytes) {
    rare().waiting_ping = as_text(payload);
    return connection().await_drained();
  }
  encode_pong(payload);
  connection().write_soon();
}

void StreamSession::answer_waiting_ping() {
  if (rare_ == nullptr || !rare_->waiting_ping || !can_send()) return;
  encode_pong(as_bytes(*std::exchange(rare_->waiting_ping, std::nullopt)));
  connection().write_soon();
}

void StreamSession::handle_pong(ByteView payload) {
  // Unsolicited pongs are allowed (RFC 6455 §5.5.3), and say nothing about the time.
  if (!ping_pending_ || !std::ranges::equal(payload, ping_payload_)) return;
  rtt_nanoseconds_ = Duration{std::chrono::steady_clock::now() - ping_sent_}.count();
  ping_pending_ = false;
  if (is_open()) connection().set_deadline(ping_sent_ + limits().ping_interval);
}

void StreamSession::handle_deadline(core::TimePoint now) {
  if (state_ != State::open) return connection().abort({.reason = "the closing handshake took too long"});
  if (std::exchange(ping_pending_, false)) {
    if (!shows_life()) return connection().abort({.reason = "the peer did not answer a ping"});
    const core::TimePoint next = ping_sent_ + limits().ping_interval;
    if (next > now) return connection().set_deadline(next);
  }
  send_ping(now);
}

// What a session that is paused has not read may hold the answer. So may what a backlog keeps from being read, however
// late that came to stand; and a ping waits behind the backlog that it met: a slow peer shows that it lives by what it
// takes.
bool StreamSession::shows_life() {
  if (input_seen_ || connection().paused()) return true;
  return (ping_waits_ || connection().input_stopped()) && connection().take_output_taken();
}

// --- Closing ---------------------------------------------------------------------------------------------------------

void StreamSession::close(std::uint32_t code, std::string_view reason) {
  if (state_ != State::open || connection().closed()) return;
  state_ = State::closing;
  started_by_us_ = true;
  reason = to_frame_reason(reason);
  if (!reason.empty()) rare().close_reason = reason;  // unless the answer brings one
  encode_close(to_frame_code(code), reason);
  connection().write_soon();
  if (connection().paused()) {
    ignore_messages();
    connection().set_paused(false);
  }
  connection().set_deadline(connection().context().loop.now() + limits().close_timeout);
}

// The peer's close is read however many messages stand before it, of which a paused session hears none.
void StreamSession::ignore_messages() {
  if (state_ != State::closing || handler_ == nullptr || std::exchange(ignores_messages_, true)) return;
  handler_ = std::make_unique<ClosingHandler>(std::move(handler_));
}

void StreamSession::abort() {
  if (state_ != State::finished) started_by_us_ = true;
  connection().abort();
}

void StreamSession::handle_close(std::uint16_t code, std::string_view reason) {
  close_code_ = code;
  if (!reason.empty()) rare().close_reason = reason;
  clean_ = true;
  if (state_ == State::open) encode_close(code, {});
  finish();
}

void StreamSession::fail(std::uint16_t code, std::string_view reason) {
  if (state_ == State::finished || connection().closed()) return;
  if (state_ == State::open) encode_close(code, reason);
  started_by_us_ = true;
  close_code_ = code;
  rare().close_reason = reason;
  finish();
  tell_closed({});  // a peer that breaks rules may take its time to end the connection
}

void StreamSession::finish() {
  state_ = State::finished;
  connection().set_deadline(connection().context().loop.now() + limits().close_timeout);
  connection().finish();
}

void StreamSession::handle_end() { connection().abort({.reason = "the peer ended the connection without closing"}); }

void StreamSession::handle_drain() { close(close_code::kGoingAway, "the server is shutting down"); }

void StreamSession::handle_closed(const Disconnect& why) {
  state_ = State::finished;
  if (started_) connection().context().counters.sessions_open.subtract();
  tell_closed(why);
}

void StreamSession::tell_closed(const Disconnect& why) {
  if (handler_ == nullptr || std::exchange(told_closed_, true)) return;
  CloseInfo info;
  info.code = close_code_;
  info.clean = clean_;
  info.started_by_us = started_by_us_;
  info.status = why.status;
  const bool unanswered = !clean_ && close_code_ == close_code::kAbnormal;
  if (rare_ != nullptr && !unanswered) info.reason = rare_->close_reason;
  if (info.reason.empty() && !clean_) info.reason = why.text();
  guarded("on_close", [&] { handler_->on_close(*this, info); });
}

}  // namespace plait::transport
