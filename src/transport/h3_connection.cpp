#include "transport/h3_connection.hpp"

#include <algorithm>

#include "net/address.hpp"

namespace plait::transport {
namespace {

quic::StreamId to_quic(h3::StreamId id) { return static_cast<quic::StreamId>(id); }
h3::StreamId to_h3(quic::StreamId id) { return static_cast<h3::StreamId>(id); }

h3::Direction to_h3(quic::Direction direction) {
  return direction == quic::Direction::bidirectional ? h3::Direction::bidirectional : h3::Direction::unidirectional;
}
quic::Direction to_quic(h3::Direction direction) {
  return direction == h3::Direction::bidirectional ? quic::Direction::bidirectional : quic::Direction::unidirectional;
}

std::string describe(const quic::CloseReason& reason) {
  if (!reason.reason.empty()) return reason.reason;
  switch (reason.kind) {
    case quic::CloseReason::Kind::idle_timeout:
      return "the peer was silent for too long";
    case quic::CloseReason::Kind::handshake_timeout:
      return "the opening took too long";
    case quic::CloseReason::Kind::stateless_reset:
      return "the peer knows the connection no more: it was restarted, perhaps";
    case quic::CloseReason::Kind::version:
      return "the server speaks no QUIC version 1";
    default:
      return "the connection ended with code " + std::to_string(reason.code);
  }
}

}  // namespace

H3Connection& H3Connection::make(H3Service& service) {
  LoopContext& context = service.endpoint.context();
  std::unique_ptr<H3Connection> owned{new H3Connection{service}};
  H3Connection& connection = *owned;
  connection.id_ = context.connections.add(std::move(owned), context.index);
  context.counters.connections_open.add();
  context.connection_count.fetch_add(1, std::memory_order_relaxed);
  return connection;
}

H3Connection::H3Connection(H3Service& service)
    : service_(service), h3_(service.options, *this, *this, service.qpack), sessions_(service.sessions, h3_) {}

H3Connection::~H3Connection() = default;

std::string H3Connection::peer() const {
  return quic_ == nullptr ? "not connected" : to_net(quic_->path().remote).text();
}

std::optional<Duration> H3Connection::rtt() const {
  if (quic_ == nullptr || !quic_->is_handshake_completed()) return std::nullopt;
  return quic_->stats().rtt;
}

std::size_t H3Connection::unacknowledged_bytes(h3::StreamId id) const {
  return quic_ == nullptr ? 0 : static_cast<std::size_t>(quic_->buffered_bytes(to_quic(id)));
}

std::size_t H3Connection::unsent_bytes(h3::StreamId id) const {
  return quic_ == nullptr ? 0 : static_cast<std::size_t>(quic_->unsent_bytes(to_quic(id)));
}

// --- From QUIC -------------------------------------------------------------------------------------------------------

void H3Connection::on_stream_data(quic::StreamId id, ByteView data, bool fin) {
  h3_.handle_stream_data(to_h3(id), data, fin);
}

void H3Connection::on_stream_reset(quic::StreamId id, std::uint64_t code, std::uint64_t final_size_bytes) {
  reset_size_ = final_size_bytes;
  h3_.handle_stream_reset(to_h3(id), code);
  reset_size_.reset();
}

void H3Connection::on_stop_sending(quic::StreamId id, std::uint64_t code) { h3_.handle_stop_sending(to_h3(id), code); }

void H3Connection::on_stream_acked(quic::StreamId id, std::uint64_t) {
  if (const auto found = unattributed_.find(to_h3(id)); found != unattributed_.end()) {
    const std::optional<std::uint64_t> code = found->second;
    unattributed_.erase(found);
    if (code) return quic_->reset(id, *code);
  }
  for (std::size_t i = 0; i < live_.size(); ++i) live_[i]->handle_acked(to_h3(id));
}

void H3Connection::on_stream_closed(quic::StreamId id, std::optional<std::uint64_t>) {
  unattributed_.erase(to_h3(id));
  h3_.handle_stream_closed(to_h3(id));
}

void H3Connection::on_streams_available(quic::Direction direction) { h3_.handle_streams_available(to_h3(direction)); }

void H3Connection::on_closed(const quic::CloseReason& reason) {
  quic_ = nullptr;
  if (end_reason_.empty()) end_reason_ = describe(reason);
  end_sessions(end_reason_);
  LoopContext& context = this->context();
  context.counters.connections_open.subtract();
  context.connection_count.fetch_sub(1, std::memory_order_relaxed);
  cancel();
  context.loop.retire(context.connections.remove(id_));
}

// --- To QUIC ---------------------------------------------------------------------------------------------------------

std::optional<h3::StreamId> H3Connection::open(h3::Direction direction) {
  const auto id = quic_ == nullptr ? std::nullopt : quic_->open(to_quic(direction));
  if (!id) return std::nullopt;
  unattributed_.emplace(to_h3(*id), std::nullopt);
  return to_h3(*id);
}

void H3Connection::write(h3::StreamId id, Bytes data, bool fin) {
  if (quic_ == nullptr) return;
  const auto found = unattributed_.find(id);
  if (found == unattributed_.end() || !found->second) quic_->write(to_quic(id), std::move(data), fin);
}

void H3Connection::reset(h3::StreamId id, std::uint64_t error_code) {
  if (quic_ == nullptr) return;
  const auto found = unattributed_.find(id);
  if (found == unattributed_.end()) return quic_->reset(to_quic(id), error_code);
  if (!found->second) found->second = error_code;
}

void H3Connection::stop_sending(h3::StreamId id, std::uint64_t error_code) {
  if (quic_ != nullptr) quic_->stop_sending(to_quic(id), error_code);
}

void H3Connection::consume(h3::StreamId id, std::size_t bytes) {
  if (quic_ != nullptr) quic_->consume(to_quic(id), bytes);
}

void H3Connection::close(std::uint64_t error_code, std::string_view reason) {
  if (end_reason_.empty()) end_reason_ = reason;
  if (quic_ != nullptr) quic_->close(error_code, reason);
}

std::size_t H3Connection::datagram_bytes_max() const { return quic_ == nullptr ? 0 : quic_->datagram_bytes_max(); }

bool H3Connection::send_datagram(ByteView data) { return quic_ != nullptr && quic_->send_datagram(data).has_value(); }

// --- From HTTP/3: who it is for --------------------------------------------------------------------------------------

void H3Connection::on_settings(const h3::Settings&) {
  if (is_client()) return request_waiting();
  accept_waiting();
}

void H3Connection::on_request(h3::StreamId id, const h3::RequestHead& head) {
  exchanges_.emplace(id, head);
  context().counters.http_requests.add();
  if (head.is_connect()) begin_session(id);
}

void H3Connection::on_response(h3::StreamId id, const h3::ResponseHead& head) {
  if (!head.is_interim()) finish_opening(id, head);
}

void H3Connection::on_webtransport_stream(h3::StreamId id, h3::StreamId session, h3::Direction direction) {
  sessions_.handle_stream(id, session, direction, context().loop.now());
  watch_early();
}

void H3Connection::on_data(h3::StreamId id, ByteView data) {
  if (!sessions_.handle_data(id, data)) take_content(id, data);
}

void H3Connection::on_fin(h3::StreamId id) {
  if (!sessions_.handle_fin(id)) answer(id);
}

void H3Connection::on_reset(h3::StreamId id, std::uint64_t error_code) {
  if (!sessions_.handle_reset(id, error_code, reset_size_)) exchanges_.erase(id);
}

void H3Connection::on_stop_sending(h3::StreamId id, std::uint64_t error_code) {
  sessions_.handle_stop_sending(id, error_code);
}

void H3Connection::on_stream_error(h3::StreamId id, h3::Error) {
  if (!sessions_.handle_stream_error(id)) exchanges_.erase(id);
}

void H3Connection::on_closed(h3::StreamId id) {
  if (!sessions_.handle_closed(id)) exchanges_.erase(id);
  close_when_idle();
}

void H3Connection::on_datagram(h3::StreamId id, ByteView payload) {
  sessions_.handle_datagram(id, payload, context().loop.now());
  watch_early();
}

void H3Connection::on_goaway(std::uint64_t) { sessions_.handle_goaway(); }

void H3Connection::on_streams_available(h3::Direction direction) {
  if (direction == h3::Direction::bidirectional) request_waiting();
  sessions_.handle_streams_available(direction);
}

void H3Connection::on_connection_error(h3::Error error) {
  end_reason_ = h3::describe(error);
  end_sessions(end_reason_);
}

// --- The end ---------------------------------------------------------------------------------------------------------

void H3Connection::drain() {
  if (quic_ == nullptr) return;
  draining_ = true;
  h3_.goaway();
  close_when_idle();
}

void H3Connection::abort(const Disconnect& why) {
  if (end_reason_.empty()) end_reason_ = why.text();
  end_sessions(end_reason_);
  h3_.close(h3::code::kNoError, why.reason);
}

void H3Connection::end_sessions(const std::string& reason) {
  sessions_.handle_connection_closed();
  for (Opening& opening : std::exchange(openings_, {})) opening.session->refuse(reason);
}

// After the last stream: everything that was sent has arrived by then.
void H3Connection::close_when_idle() {
  const bool wanted = draining_ || is_client();
  const bool idle = live_.empty() && openings_.empty() && h3_.stream_count() == 0;
  if (wanted && idle && quic_ != nullptr) h3_.close();
}

}  // namespace plait::transport
