#include "transport/wt_session.hpp"

#include <plait/log.hpp>

#include <algorithm>
#include <utility>

#include "core/assert.hpp"
#include "transport/h3_connection.hpp"

namespace plait::transport {
namespace {

// Code 0 without a reason is what a page's close() sends, and what the end of the CONNECT stream alone means
// (draft-ietf-webtrans-http3 §6): no code was given.
std::uint32_t to_close_code(const wt::CloseInfo& info) {
  return info.code == 0 && info.reason.empty() ? close_code::kNoStatus : info.code;
}

wt::Direction to_wt(StreamDirection direction) {
  return direction == StreamDirection::bidirectional ? wt::Direction::bidirectional : wt::Direction::unidirectional;
}

StreamDirection from_wt(wt::Direction direction) {
  return direction == wt::Direction::bidirectional ? StreamDirection::bidirectional : StreamDirection::unidirectional;
}

StreamError to_stream_error(wt::OpenError error) {
  return error == wt::OpenError::closed ? StreamError::closed : StreamError::limit;
}

constexpr std::uint32_t kStreamRefused = 0;  // a stream that the handler does not want

}  // namespace

WtSession& WtSession::make(H3Connection& connection, std::unique_ptr<SessionHandler> handler, Wants wants,
                           std::optional<SessionId> id) {
  std::unique_ptr<WtSession> owned{new WtSession{connection, std::move(handler), wants}};
  WtSession& session = *owned;
  session.id_ = connection.context().put(std::move(owned), id);
  return session;
}

WtSession::WtSession(H3Connection& connection, std::unique_ptr<SessionHandler> handler, Wants wants)
    : connection_(connection),
      handler_(std::move(handler)),
      streams_wanted_(wants.streams),
      messages_(*this, connection.context().limits, connection.context().loop.buffers(), wants.parts,
                !connection.is_client()) {}

WtSession::~WtSession() = default;

const Limits& WtSession::limits() const { return connection_.context().limits; }
bool WtSession::is_client() const { return connection_.is_client(); }
core::Executor& WtSession::executor() { return connection_.context().loop; }
std::string WtSession::peer() const { return connection_.peer(); }
std::optional<Duration> WtSession::rtt() const { return connection_.rtt(); }
std::optional<OpeningTimes> WtSession::opening_times() const { return connection_.opening_times(); }
std::size_t WtSession::unacknowledged_bytes(wt::StreamId id) const { return connection_.unacknowledged_bytes(id); }

SessionStats WtSession::stats() const {
  SessionStats stats = stats_;
  const quic::ConnectionStats connection = connection_.stats();
  stats.packets_sent = connection.sent_packet_count;
  stats.packets_received = connection.received_packet_count;
  stats.packets_lost = connection.lost_packet_count;
  stats.congestion_window_bytes = connection.congestion_window_bytes;
  stats.in_flight_bytes = connection.in_flight_bytes;
  return stats;
}

void WtSession::count_received(std::size_t bytes) {
  stats_.bytes_received += bytes;
  connection_.context().counters.bytes_received.add(bytes);
}

void WtSession::count_sent(std::size_t bytes) {
  stats_.bytes_sent += bytes;
  connection_.context().counters.bytes_sent.add(bytes);
}

// --- Opening ---------------------------------------------------------------------------------------------------------

void WtSession::set_opening_deadline(core::TimePoint deadline) {
  if (!finished_) connection_.context().loop.schedule(*this, deadline);
}

void WtSession::start(wt::Session& session, std::string_view subprotocol) {
  cancel();
  protocol_ = &session;
  subprotocol_ = subprotocol;
  connection_.context().counters.sessions_open.add();
  if (is_client() && !streams_wanted_) open_message_stream();
  if (finished_) return;
  guarded([&] { handler_->on_open(*this); });
}

void WtSession::open_message_stream() {
  const auto opened = protocol_->open_stream(wt::Direction::bidirectional);
  if (!opened) {
    close_info_ = std::make_unique<CloseInfo>(CloseInfo{.reason = "the server allows no stream for the messages"});
    return protocol_->abort();
  }
  messages_.attach(*opened);
}

void WtSession::refuse(const std::string& reason) { finish({.reason = reason}); }

void WtSession::discard() {
  finished_ = true;
  LoopContext& context = connection_.context();
  context.loop.retire(context.connections.remove(id_));
}

void WtSession::on_timer(core::TimePoint) {
  if (protocol_ == nullptr) return connection_.give_up(*this, "the opening took too long");
  protocol_->abort();  // the peer did not answer our close
}

// --- Streams ---------------------------------------------------------------------------------------------------------

WtStream* WtSession::find(wt::StreamId id) {
  const auto found = streams_.find(id);
  return found == streams_.end() ? nullptr : found->second.get();
}

WtStream& WtSession::add_stream(wt::StreamId id, bool opened_by_peer) {
  return *(streams_[id] = std::make_unique<WtStream>(*this, id, opened_by_peer));
}

void WtSession::on_stream(wt::StreamId id, wt::Direction direction) {
  if (!streams_wanted_) {
    const bool carries_messages = !is_client() && !messages_.id() && direction == wt::Direction::bidirectional;
    if (carries_messages) return messages_.attach(id);
  } else {
    WtStream& stream = add_stream(id, true);
    std::unique_ptr<StreamHandler> handler;
    guarded([&] { handler = handler_->on_stream(*this, stream); });
    if (handler != nullptr) {
      stream.set_handler(std::move(handler));
      if (finished_) stream.handle_closed();  // in on_stream
      return;
    }
    streams_.erase(id);
  }
  if (protocol_ == nullptr) return;
  protocol_->stop_sending(id, kStreamRefused);
  if (direction == wt::Direction::bidirectional) protocol_->reset(id, kStreamRefused);
}

void WtSession::on_stream_data(wt::StreamId id, ByteView data, bool fin) {
  if (messages_.id() == id) {
    messages_.handle_data(data);
    if (fin && is_open()) on_framing_error(close_code::kProtocolError, "the peer ended the stream of the messages");
  } else if (WtStream* stream = find(id)) {
    stream->handle_data(data, fin);
  } else {
    protocol_->consume(id, data.size());
  }
}

void WtSession::on_stream_reset(wt::StreamId id, std::optional<std::uint32_t> code) {
  if (messages_.id() == id) {
    lose_message_stream(code, "the peer reset the stream of the messages");
  } else if (WtStream* stream = find(id)) {
    stream->handle_reset(code);
  }
}

void WtSession::on_stop_sending(wt::StreamId id, std::optional<std::uint32_t> code) {
  if (messages_.id() == id) {
    lose_message_stream(code, "the peer stopped the stream of the messages");
  } else if (WtStream* stream = find(id)) {
    stream->handle_stop(code);
  }
}

// Without an application's code it is the end of the session, whose WT_CLOSE_SESSION comes on another stream: now, or
// the peer is a strange one.
void WtSession::lose_message_stream(std::optional<std::uint32_t> code, const char* reason) {
  if (!is_open()) return;
  if (code) return on_framing_error(close_code::kProtocolError, reason);
  connection_.context().loop.schedule(*this, connection_.context().loop.now() + limits().close_timeout);
}

void WtSession::on_stream_closed(wt::StreamId id) {
  const auto found = streams_.find(id);
  if (found == streams_.end()) return;
  const std::unique_ptr<WtStream> stream = std::move(found->second);
  streams_.erase(found);
  stream->handle_closed();
}

void WtSession::on_stream_writable(wt::StreamId id) { handle_acked(id); }

void WtSession::handle_acked(wt::StreamId id) {
  if (finished_) return;
  if (messages_.id() == id) {
    messages_.handle_acked();
  } else if (WtStream* stream = find(id)) {
    stream->handle_room();
  }
}

void WtSession::on_streams_available(wt::Direction direction) {
  if (streams_wanted_) guarded([&] { handler_->on_streams_available(*this, from_wt(direction)); });
}

Result<Stream*, StreamError> WtSession::open_stream(StreamDirection direction, std::unique_ptr<StreamHandler> handler) {
  PLAIT_ASSERT(handler != nullptr, "a stream needs a handler");
  if (!is_open()) return err(StreamError::closed);
  if (!streams_wanted_) return err(StreamError::unsupported);
  const auto opened = protocol_->open_stream(to_wt(direction));
  if (!opened) return err(to_stream_error(opened.error()));
  WtStream& stream = add_stream(*opened, false);
  stream.set_handler(std::move(handler));
  return &stream;
}

// --- Datagrams -------------------------------------------------------------------------------------------------------

void WtSession::on_datagram(ByteView payload) {
  count_received(payload.size());
  guarded([&] { handler_->on_datagram(*this, payload); });
}

SendStatus WtSession::send_datagram(ByteView data) {
  if (!is_open()) return SendStatus::closed;
  if (data.empty() || !protocol_->send_datagram(data)) return SendStatus::dropped;
  count_sent(data.size());
  return SendStatus::sent;
}

std::size_t WtSession::datagram_bytes_max() const { return is_open() ? protocol_->datagram_bytes_max() : 0; }

// --- Messages --------------------------------------------------------------------------------------------------------

SendStatus WtSession::send(const Message& message, SendOptions) {
  if (!is_open()) return SendStatus::closed;
  if (streams_wanted_) return SendStatus::dropped;
  const SendStatus status = messages_.send(message);
  if (status == SendStatus::dropped) ++stats_.messages_dropped;
  if (status != SendStatus::sent && status != SendStatus::queued) return status;
  ++stats_.messages_sent;
  connection_.context().counters.messages_sent.add();
  count_sent(message.size());
  return status;
}

MessageWriter* WtSession::begin_message(MessageKind kind) {
  return is_open() && !streams_wanted_ ? messages_.begin_message(kind) : nullptr;
}

bool WtSession::write(wt::StreamId id, Bytes data) {
  return protocol_ != nullptr && protocol_->write(id, std::move(data), false);
}

std::size_t WtSession::buffered_bytes(wt::StreamId id) const {
  return protocol_ == nullptr ? 0 : protocol_->buffered_bytes(id) + unacknowledged_bytes(id);
}

std::size_t WtSession::unsent_bytes(wt::StreamId id) const {
  return protocol_ == nullptr ? 0 : protocol_->buffered_bytes(id) + connection_.unsent_bytes(id);
}

void WtSession::consume(wt::StreamId id, std::size_t bytes) {
  if (protocol_ != nullptr) protocol_->consume(id, bytes);
}

void WtSession::on_message(MessageKind kind, ByteView payload, Message::Storage storage, Block* block) {
  ++stats_.messages_received;
  connection_.context().counters.messages_received.add();
  count_received(payload.size());
  guarded([&] { handler_->on_message(*this, Message::received(kind, payload, storage, block)); });
}

void WtSession::on_part(MessageKind kind, ByteView payload, bool last) {
  stats_.messages_received += last ? 1 : 0;
  connection_.context().counters.messages_received.add(last ? 1 : 0);
  count_received(payload.size());
  guarded([&] { handler_->on_message_part(*this, Message{kind, payload}, last); });
}

void WtSession::on_writable() {
  guarded([&] { handler_->on_writable(*this); });
}

void WtSession::on_framing_error(std::uint16_t code, std::string_view reason) {
  close_info_ =
      std::make_unique<CloseInfo>(CloseInfo{.code = code, .reason = std::string{reason}, .started_by_us = true});
  close(code, reason);
}

// A close frame on the stream of the messages means what the close of the session does.
void WtSession::on_peer_close(std::uint16_t code, std::string_view reason) {
  close_info_ = std::make_unique<CloseInfo>(CloseInfo{.code = code, .reason = std::string{reason}, .clean = true});
  close(code == close_code::kNoStatus ? close_code::kNormal : code, {});
}

// --- Closing ---------------------------------------------------------------------------------------------------------

void WtSession::close(std::uint32_t code, std::string_view reason) {
  if (!is_open()) return;
  closing_ = true;
  messages_.detach();
  if (close_info_ == nullptr) {
    close_info_ = std::make_unique<CloseInfo>(
        CloseInfo{.code = code, .reason = std::string{reason}, .clean = true, .started_by_us = true});
  }
  connection_.context().loop.schedule(*this, connection_.context().loop.now() + limits().close_timeout);
  protocol_->close(code == close_code::kNoStatus ? 0 : code, reason);
}

void WtSession::abort() { abort(Disconnect{}); }

void WtSession::abort(const Disconnect& why) {
  if (finished_) return;
  if (protocol_ == nullptr) return connection_.give_up(*this, why.text());
  close_info_ = std::make_unique<CloseInfo>(CloseInfo{.reason = why.text(), .started_by_us = true});
  protocol_->abort();
}

void WtSession::drain() {
  if (protocol_ == nullptr) return abort(Disconnect{.reason = "the server is shutting down"});
  close(close_code::kGoingAway, "the server is shutting down");
}

void WtSession::fail_for_exception(const char* what) {
  log(LogLevel::error, std::string{"a session handler threw: "} + what);
  if (is_open()) on_framing_error(close_code::kInternalError, "internal error");
}

void WtSession::on_closed(const wt::CloseInfo& info) {
  if (std::exchange(protocol_, nullptr) == nullptr) return;  // discarded
  connection_.context().counters.sessions_open.subtract();
  if (close_info_ != nullptr) {
    close_info_->clean = close_info_->clean && info.clean;
    return finish(*close_info_);
  }
  CloseInfo told;
  told.clean = info.clean;
  if (info.clean) told.code = to_close_code(info);
  told.reason = info.error ? std::string{describe(*info.error)} : info.reason;
  if (told.reason.empty() && !info.clean) told.reason = connection_.end_reason();
  finish(told);
}

// Streams live until the session is freed, at the end of the turn: one of them may be calling.
void WtSession::finish(const CloseInfo& info) {
  if (std::exchange(finished_, true)) return;
  cancel();
  messages_.detach();
  for (const auto& [id, stream] : streams_) stream->handle_closed();
  guarded([&] { handler_->on_close(*this, info); });
  LoopContext& context = connection_.context();
  context.loop.retire(context.connections.remove(id_));
  connection_.forget(*this, !info.clean || info.started_by_us);
}

}  // namespace plait::transport
