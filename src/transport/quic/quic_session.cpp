#include "transport/quic/quic_session.hpp"

#include <utility>

#include "core/assert.hpp"
#include "transport/close_code.hpp"

namespace plait::transport {
QuicSession::QuicSession(LoopContext& context, bool is_client)
    : context_(context), is_client_(is_client), messages_(*this, context.limits, context.loop.buffers(), !is_client) {}

QuicSession::~QuicSession() = default;

void QuicSession::set_handler(std::unique_ptr<SessionHandler> handler, Wants wants) {
  handler_ = std::move(handler);
  streams_wanted_ = wants.streams;
  messages_.report_parts(wants.parts);
}

SessionStats QuicSession::stats() const {
  const quic::ConnectionStats connection = wire_stats();
  return {.messages_received = counters_.messages_received,
          .bytes_received = counters_.bytes_received,
          .messages_sent = counters_.messages_sent,
          .bytes_sent = counters_.bytes_sent,
          .messages_dropped = counters_.messages_dropped,
          .packets_sent = connection.sent_packet_count,
          .packets_received = connection.received_packet_count,
          .packets_lost = connection.lost_packet_count,
          .congestion_window_bytes = connection.congestion_window_bytes,
          .in_flight_bytes = connection.in_flight_bytes};
}

void QuicSession::count_received(std::size_t bytes) {
  counters_.bytes_received += bytes;
  context_.counters.bytes_received.add(bytes);
}

void QuicSession::count_sent(std::size_t bytes) {
  counters_.bytes_sent += bytes;
  context_.counters.bytes_sent.add(bytes);
}

// --- Opening ---------------------------------------------------------------------------------------------------------

void QuicSession::start(std::string_view subprotocol) {
  cancel();
  live_ = true;
  subprotocol_ = subprotocol;
  context_.counters.sessions_open.add();
  guarded("on_open", [&] { handler_->on_open(*this); });
}

void QuicSession::on_timer(core::TimePoint) {
  if (!live_) return handle_opening_timeout();
  if (closing_ && wire_go_on_closing(true)) {
    return context_.loop.schedule(*this, context_.loop.now() + limits().close_timeout);
  }
  if (close_info_ != nullptr && close_info_->clean && close_info_->started_by_us) {
    *close_info_ = {.reason = "the closing handshake took too long", .started_by_us = true};
  }
  wire_abort();
}

// --- Streams ---------------------------------------------------------------------------------------------------------

QuicStream* QuicSession::find(StreamId id) {
  const auto found = streams_.find(id);
  return found == streams_.end() ? nullptr : found->second.get();
}

QuicStream& QuicSession::add_stream(StreamId id, bool opened_by_peer) {
  return *(streams_[id] = std::make_unique<QuicStream>(*this, id, opened_by_peer));
}

void QuicSession::handle_stream(StreamId id, StreamDirection direction) {
  if (!streams_wanted_) {
    const bool carries_messages = !is_client_ && !messages_.id() && direction == StreamDirection::bidirectional;
    if (carries_messages) return messages_.attach(id);
  } else {
    QuicStream& stream = add_stream(id, true);
    std::unique_ptr<StreamHandler> handler;
    guarded("on_stream", [&] { handler = handler_->on_stream(*this, stream); });
    if (handler != nullptr) {
      stream.set_handler(std::move(handler));
      if (finished_) stream.handle_closed();  // in on_stream
      return;
    }
    streams_.erase(id);
  }
  stop(id, kStreamRefused);
  if (direction == StreamDirection::bidirectional) reset(id, kStreamRefused);
}

void QuicSession::handle_stream_data(StreamId id, ByteView data, bool fin) {
  if (messages_.id() == id) {
    messages_.handle_data(data, fin);
  } else if (QuicStream* stream = find(id)) {
    stream->handle_data(data, fin);
  } else {
    consume(id, data.size());
  }
}

void QuicSession::handle_stream_reset(StreamId id, std::optional<std::uint32_t> code) {
  if (messages_.id() == id) {
    lose_message_stream(code, "the peer reset the stream of the messages");
  } else if (QuicStream* stream = find(id)) {
    stream->handle_reset(code);
  }
}

void QuicSession::handle_stop_sending(StreamId id, std::optional<std::uint32_t> code) {
  if (messages_.id() == id) {
    lose_message_stream(code, "the peer stopped the stream of the messages");
  } else if (QuicStream* stream = find(id)) {
    stream->handle_stop(code);
  }
}

// Without an application's code it is the end of the session, whose WT_CLOSE_SESSION comes on another stream: now, or
// the peer is a strange one.
void QuicSession::lose_message_stream(std::optional<std::uint32_t> code, const char* reason) {
  if (!is_open()) return;
  if (!code) return context_.loop.schedule(*this, context_.loop.now() + limits().close_timeout);
  fail(close_code::kProtocolError, reason);
  if (live_) wire_go_on_closing(true);  // what is not acknowledged yet may never be
}

void QuicSession::handle_stream_closed(StreamId id) {
  const auto found = streams_.find(id);
  if (found == streams_.end()) return;
  const std::unique_ptr<QuicStream> stream = std::move(found->second);
  streams_.erase(found);
  stream->handle_closed();
  consume(id, SIZE_MAX);  // nobody can any more
}

void QuicSession::handle_room(StreamId id) {
  if (finished_) return;
  if (messages_.id() == id) {
    messages_.handle_room();
    if (closing_ && live_) wire_go_on_closing(false);  // a message that had waited may have been the end
  } else if (QuicStream* stream = find(id)) {
    stream->handle_room();
  }
}

void QuicSession::handle_streams_available(StreamDirection direction) {
  if (streams_wanted_) guarded("on_streams_available", [&] { handler_->on_streams_available(*this, direction); });
}

Result<Stream*, StreamError> QuicSession::open_stream(StreamDirection direction,
                                                      std::unique_ptr<StreamHandler> handler) {
  PLAIT_ASSERT(handler != nullptr, "a stream needs a handler");
  if (!is_open()) return err(StreamError::closed);
  if (!streams_wanted_) return err(StreamError::unsupported);
  const auto opened = wire_open(direction);
  if (!opened) return err(opened.error());
  QuicStream& stream = add_stream(*opened, false);
  stream.set_handler(std::move(handler));
  return &stream;
}

void QuicSession::reset(StreamId id, std::uint32_t code) {
  if (live_) wire_reset(id, code);
}

void QuicSession::stop(StreamId id, std::uint32_t code) {
  if (live_) wire_stop(id, code);
}

void QuicSession::set_priority(StreamId id, std::uint32_t group, std::int64_t order) {
  if (live_) wire_set_priority(id, group, order);
}

void QuicSession::consume(StreamId id, std::size_t bytes) {
  if (live_) wire_consume(id, bytes);
}

void QuicSession::handle_draining() {
  if (is_open()) guarded("on_draining", [&] { handler_->on_draining(*this); });
}

// --- Datagrams -------------------------------------------------------------------------------------------------------

void QuicSession::handle_datagram(ByteView payload) {
  count_received(payload.size());
  guarded("on_datagram", [&] { handler_->on_datagram(*this, payload); });
}

SendStatus QuicSession::send_datagram(ByteView data, DatagramId* id) {
  if (!is_open()) return SendStatus::closed;
  const auto low_half = id == nullptr ? std::nullopt : std::optional{static_cast<std::uint32_t>(next_datagram_)};
  if (data.empty() || !wire_send_datagram(data, low_half)) return SendStatus::dropped;
  if (id != nullptr) *id = next_datagram_++;
  count_sent(data.size());
  return SendStatus::sent;
}

// The newest of its low half: fewer than 2^32 are under way.
void QuicSession::handle_datagram_fate(std::uint32_t id, DatagramFate fate) {
  if (!live_) return;
  const auto age = static_cast<std::uint32_t>(next_datagram_ - id);
  guarded("on_datagram_fate", [&] { handler_->on_datagram_fate(*this, next_datagram_ - age, fate); });
}

// --- Messages --------------------------------------------------------------------------------------------------------

SendStatus QuicSession::send(const Message& message, SendOptions) {
  if (!is_open()) return SendStatus::closed;
  const SendStatus status = streams_wanted_ ? SendStatus::dropped : messages_.send(message);
  return count_part(status, message.size(), true);
}

SendStatus QuicSession::count_part(SendStatus status, std::size_t bytes, bool last) {
  if (status == SendStatus::dropped) ++counters_.messages_dropped;
  if (status != SendStatus::sent && status != SendStatus::queued) return status;
  counters_.messages_sent += last ? 1 : 0;
  context_.counters.messages_sent.add(last ? 1 : 0);
  count_sent(bytes);
  return status;
}

// What was kept is reported at the end of the turn: inside this call it would meet a handler in the middle of another.
void QuicSession::resume() {
  if (!messages_.is_paused()) return;
  messages_.set_paused(false);
  context_.loop.at_turn_end(*this);
}

MessageWriter* QuicSession::begin_message(MessageKind kind) {
  return is_open() && !streams_wanted_ ? messages_.begin_message(kind) : nullptr;
}

void QuicSession::on_message(MessageKind kind, ByteView payload, Block* block) {
  if (streams_wanted_) return fail(close_code::kUnsupportedData, "this session takes streams, no messages");
  ++counters_.messages_received;
  context_.counters.messages_received.add();
  count_received(payload.size());
  const auto storage = block == nullptr ? Message::Storage::borrowed : Message::Storage::block;
  guarded("on_message", [&] { handler_->on_message(*this, Message::received(kind, payload, storage, block)); });
}

void QuicSession::on_part(MessageKind kind, ByteView payload, bool last) {
  if (streams_wanted_) return fail(close_code::kUnsupportedData, "this session takes streams, no messages");
  counters_.messages_received += last ? 1 : 0;
  context_.counters.messages_received.add(last ? 1 : 0);
  count_received(payload.size());
  guarded("on_message_part", [&] { handler_->on_message_part(*this, Message{kind, payload}, last); });
}

void QuicSession::on_writable() {
  if (!is_open()) return;
  guarded("on_writable", [&] { handler_->on_writable(*this); });
}

// A close frame on the stream of the messages means what the close of the session does, or answers ours.
void QuicSession::on_peer_close(std::uint16_t code, std::string_view reason) {
  if (closing_ && close_info_->clean && close_info_->started_by_us) {
    close_info_->code = code;
    if (!reason.empty()) close_info_->reason = reason;
  }
  if (!is_open()) return;
  messages_.detach();
  close_info_ = std::make_unique<CloseInfo>(CloseInfo{.code = code, .reason = std::string{reason}, .clean = true});
  close(code, {});
}

void QuicSession::on_end() { fail(close_code::kProtocolError, "the peer ended the stream of the messages"); }

// --- Closing ---------------------------------------------------------------------------------------------------------

void QuicSession::close(std::uint32_t code, std::string_view reason) {
  if (!is_open()) return;
  closing_ = true;
  reason = to_frame_reason(reason);
  if (close_info_ == nullptr) {
    const std::uint32_t given = code == 0 ? close_code::kNoStatus : code;
    close_info_ = std::make_unique<CloseInfo>(
        CloseInfo{.code = given, .reason = std::string{reason}, .clean = true, .started_by_us = true});
  }
  context_.loop.schedule(*this, context_.loop.now() + limits().close_timeout);
  messages_.stop_sending();
  wire_close(code, reason);
  if (messages_.is_paused()) messages_.ignore_messages();
}

void QuicSession::abort(const Disconnect& why) {
  if (finished_) return;
  if (is_ending()) return finish({.reason = why.text(), .started_by_us = true});
  if (!live_) return give_up(why.text());
  close_info_ = std::make_unique<CloseInfo>(CloseInfo{.reason = why.text(), .started_by_us = true});
  wire_abort();
}

void QuicSession::drain() {
  if (!live_) return abort(Disconnect{.reason = "the server is shutting down"});
  close(close_code::kGoingAway, "the server is shutting down");
}

void QuicSession::fail(std::uint16_t code, std::string_view reason) {
  if (!is_open()) return;
  messages_.detach();
  close_info_ =
      std::make_unique<CloseInfo>(CloseInfo{.code = code, .reason = std::string{reason}, .started_by_us = true});
  close(code, reason);
}

void QuicSession::fail_for_exception() {
  if (!is_ending()) return fail(close_code::kInternalError, "internal error");
  finish({.code = close_code::kInternalError, .reason = "internal error", .started_by_us = true});
}

void QuicSession::end(const CloseInfo& told) {
  if (std::exchange(live_, false)) context_.counters.sessions_open.subtract();
  if (close_info_ == nullptr) {
    close_info_ = std::make_unique<CloseInfo>(told);
  } else if (!told.clean && close_info_->clean && close_info_->started_by_us) {
    *close_info_ = {.reason = told.reason, .started_by_us = true};  // nobody answered our close
  }
  close_info_->clean = close_info_->clean && told.clean;
  if (told.clean) messages_.handle_end_of_session();
  finish(*close_info_);
}

// Streams live until the session is freed, at the end of the turn: one of them may be calling.
void QuicSession::finish(const CloseInfo& info) {
  if (std::exchange(finished_, true)) return;
  cancel();
  messages_.detach();
  for (const auto& [id, stream] : streams_) stream->handle_closed();
  if (handler_ != nullptr) guarded("on_close", [&] { handler_->on_close(*this, info); });
  release(!info.clean || info.started_by_us);
}

}  // namespace plait::transport
