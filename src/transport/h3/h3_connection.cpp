#include "transport/h3/h3_connection.hpp"

#include <algorithm>
#include <utility>

#include "net/address.hpp"

namespace plait::transport {
namespace {

// The fates of datagrams are told to sessions whose Quarter Stream ID is below: the first four thousand million.
constexpr std::uint64_t kQuarterIdsNamed = 0xFFFFFFFF;

constexpr std::size_t kStoppedEarlyMax = 256;

}  // namespace

H3Connection::H3Connection(H3Service& service)
    : service_(service), h3_(service.options, *this, *this, service.qpack), sessions_(service.sessions, h3_) {}

H3Connection::~H3Connection() = default;

void H3Connection::enter(std::unique_ptr<H3Connection> self) {
  id_ = context().entries.add(std::move(self), context().index);
  context().count_connection();
  counted_ = true;
  schedule();
}

std::string H3Connection::peer() const {
  if (quic_ != nullptr) return to_net(quic_->peer()).text();
  return end_ == nullptr || end_->peer.empty() ? "not connected" : end_->peer;
}

std::optional<ClientCertificate> H3Connection::client_certificate() const {
  return quic_ == nullptr ? std::nullopt : quic_->client_certificate();
}

std::optional<Duration> H3Connection::rtt() const {
  if (quic_ == nullptr || !quic_->is_handshake_completed()) return std::nullopt;
  return quic_->stats().rtt;
}

std::size_t H3Connection::unacknowledged_bytes(h3::StreamId id) const {
  return quic_ == nullptr ? 0 : static_cast<std::size_t>(quic_->buffered_bytes(id));
}

std::size_t H3Connection::unsent_bytes(h3::StreamId id) const {
  return quic_ == nullptr ? 0 : static_cast<std::size_t>(quic_->unsent_bytes(id));
}

void H3Connection::tell_when_sent(h3::StreamId id) {
  if (quic_ != nullptr) quic_->tell_when_sent(id);
}

void H3Connection::set_priority(h3::StreamId id, std::uint64_t group, std::int64_t order) {
  if (quic_ != nullptr) quic_->set_priority(id, group, order);
}

// --- From QUIC -------------------------------------------------------------------------------------------------------

void H3Connection::on_stream_data(quic::StreamId id, ByteView data, bool fin) { h3_.handle_stream_data(id, data, fin); }

void H3Connection::on_stream_reset(quic::StreamId id, std::uint64_t code, std::uint64_t final_size_bytes) {
  reset_size_ = final_size_bytes;
  h3_.handle_stream_reset(id, code);
  reset_size_.reset();
}

void H3Connection::on_stopped_stream_end(quic::StreamId id, std::uint64_t final_size_bytes) {
  sessions_.handle_stopped_end(id, final_size_bytes);
}

void H3Connection::on_stream_stopped(quic::StreamId id, std::uint64_t code) {
  note_unsent(id, quic_->unsent_bytes(id));
  const bool told = h3_.handle_stop_sending(id, code);
  if (!told && stopped_early_.size() < kStoppedEarlyMax) stopped_early_.try_emplace(id, code);
}

void H3Connection::on_stream_acked(quic::StreamId id, std::uint64_t) {
  if (const auto found = unattributed_.find(id); found != unattributed_.end()) {
    const std::optional<std::uint64_t> code = found->second;
    unattributed_.erase(found);
    if (code) return reset_now(id, *code);
  }
  on_stream_sent(id);
}

void H3Connection::on_stream_sent(quic::StreamId id) {
  for (std::size_t i = 0; i < live_.size(); ++i) live_[i]->handle_room(id);
}

// Nobody's, if the session has ended.
void H3Connection::on_datagram_fate(DatagramId id, DatagramFate fate) {
  const auto connect = static_cast<wt::StreamId>(id >> 32) * 4;
  const auto found = std::ranges::find_if(live_, [connect](WtSession* one) { return one->is_on(connect); });
  if (found != live_.end()) (*found)->handle_datagram_fate(static_cast<std::uint32_t>(id), fate);
}

void H3Connection::on_stream_closed(quic::StreamId id, std::optional<std::uint64_t>) {
  unattributed_.erase(id);
  stopped_early_.erase(id);
  give_unsent_back();  // while the session still knows the stream
  h3_.handle_stream_closed(id);
}

void H3Connection::on_more_streams(quic::Direction direction) { h3_.handle_streams_available(direction); }

void H3Connection::on_closed(const quic::CloseReason& reason) {
  note_end(describe(reason));
  end_->peer = peer();
  quic_ = nullptr;
  end_sessions(end_->reason);
  leave();
}

void H3Connection::note_end(std::string reason) {
  if (end_ == nullptr) end_ = std::make_unique<End>();
  if (end_->reason.empty()) end_->reason = std::move(reason);
}

void H3Connection::leave() {
  LoopContext& context = this->context();
  uncount();
  cancel();
  context.loop.retire(context.entries.remove(id_));
}

void H3Connection::uncount() {
  if (std::exchange(counted_, false)) context().uncount_connection();
}

// --- To QUIC ---------------------------------------------------------------------------------------------------------

std::optional<h3::StreamId> H3Connection::open(h3::Direction direction) {
  const auto id = quic_ == nullptr ? std::nullopt : quic_->open(direction);
  if (!id) return std::nullopt;
  unattributed_.try_emplace(*id, std::nullopt);
  return *id;
}

void H3Connection::await_streams(h3::Direction direction) {
  if (quic_ != nullptr) quic_->await_streams(direction);
}

void H3Connection::write(h3::StreamId id, Bytes data, bool fin) {
  if (quic_ == nullptr) return;
  const auto found = unattributed_.find(id);
  if (found == unattributed_.end() || !found->second) quic_->write(id, std::move(data), fin);
}

void H3Connection::reset(h3::StreamId id, std::uint64_t error_code) {
  if (quic_ == nullptr) return;
  const auto found = unattributed_.find(id);
  if (found == unattributed_.end()) return reset_now(id, error_code);
  if (!found->second) found->second = error_code;
}

void H3Connection::reset_now(h3::StreamId id, std::uint64_t error_code) {
  note_unsent(id, quic_->unsent_bytes(id));
  quic_->reset(id, error_code);
}

// The sessions hear of it at the end of the turn, or when the stream closes: what they do then calls the user's code,
// who may be calling now.
void H3Connection::note_unsent(h3::StreamId id, std::uint64_t bytes) {
  if (bytes == 0) return;
  unsent_.emplace_back(id, bytes);
  context().loop.at_turn_end(*this);
}

void H3Connection::give_unsent_back() {
  for (const auto& [id, bytes] : std::exchange(unsent_, {})) sessions_.handle_unsent(id, bytes);
}

void H3Connection::stop_sending(h3::StreamId id, std::uint64_t error_code) {
  if (quic_ != nullptr) quic_->stop_sending(id, error_code);
}

void H3Connection::consume(h3::StreamId id, std::size_t bytes) {
  if (quic_ != nullptr) quic_->consume(id, bytes);
}

void H3Connection::close(std::uint64_t error_code, std::string_view reason) {
  note_end(std::string{reason});
  if (quic_ != nullptr) quic_->close(error_code, reason);
}

std::size_t H3Connection::datagram_bytes_max() const { return quic_ == nullptr ? 0 : quic_->datagram_bytes_max(); }

bool H3Connection::send_datagram(ByteView data) {
  return quic_ != nullptr && quic_->send_datagram(data, datagram_id_).has_value();
}

// The fate of a QUIC DATAGRAM frame is a matter of QUIC, of which HTTP/3 and WebTransport, in between, know nothing.
// Its ID: the session's, by its Quarter Stream ID, and the session's own.
bool H3Connection::send_datagram(wt::Session& session, ByteView payload, std::optional<std::uint32_t> id) {
  const auto quarter_id = static_cast<std::uint64_t>(session.id()) / 4;
  const bool named = id && quarter_id < kQuarterIdsNamed;
  datagram_id_ = named ? quarter_id << 32 | *id : quic::kUnnamed;
  const bool is_sent = session.send_datagram(payload);
  datagram_id_ = quic::kUnnamed;
  return is_sent;
}

// --- From HTTP/3: what is the sessions' ------------------------------------------------------------------------------

void H3Connection::on_webtransport_stream(h3::StreamId id, h3::StreamId session, h3::Direction direction) {
  std::optional<std::uint64_t> stopped;
  if (const auto found = stopped_early_.find(id); found != stopped_early_.end()) {
    stopped = found->second;
    stopped_early_.erase(found);
  }
  if (sessions_.handle_stream(id, session, direction, context().loop.now(), stopped)) schedule();
}

void H3Connection::on_reset(h3::StreamId id, std::uint64_t error_code) {
  sessions_.handle_reset(id, error_code, reset_size_);
}

void H3Connection::on_stop_sending(h3::StreamId id, std::uint64_t error_code) {
  sessions_.handle_stop_sending(id, error_code);
}

void H3Connection::on_stream_error(h3::StreamId id, h3::Error) { sessions_.handle_stream_error(id); }

void H3Connection::on_closed(h3::StreamId id) { sessions_.handle_closed(id); }

void H3Connection::on_datagram(h3::StreamId id, ByteView payload) {
  if (sessions_.handle_datagram(id, payload, context().loop.now())) schedule();
}

void H3Connection::on_goaway(std::uint64_t) { sessions_.handle_goaway(); }

void H3Connection::on_streams_available(h3::Direction direction) { sessions_.handle_streams_available(direction); }

void H3Connection::on_connection_error(h3::Error error) {
  note_end({});
  end_->reason = h3::describe(error);
  end_sessions(end_->reason);
}

// --- Sessions --------------------------------------------------------------------------------------------------------

void H3Connection::start_session(WtSession& session, wt::Session& protocol, const std::string& subprotocol) {
  live_.push_back(&session);
  session.start(protocol, subprotocol);
  sessions_.deliver_early(protocol.id());
}

void H3Connection::forget(WtSession& session, bool settled) {
  std::erase(live_, &session);
  handle_session_end(settled);
}

void H3Connection::end_sessions(const std::string&) { sessions_.handle_connection_closed(); }

void H3Connection::abort(const Disconnect& why) {
  note_end(why.text());
  end_sessions(end_->reason);
  h3_.close(h3::code::kNoError, why.reason);
  if (quic_ == nullptr) leave();
}

// QUIC says goodbye at the end of the turn only, and it leaves the table after that.
void H3Connection::give_way(const Disconnect& why) {
  abort(why);
  uncount();
}

// --- Time ------------------------------------------------------------------------------------------------------------

// The idle deadline moves with all that is done, and the timer after it when it goes off.
void H3Connection::schedule() {
  const auto next = core::earlier(next_deadline(), sessions_.next_timeout());
  if (next && (!armed() || *next < deadline())) context().loop.schedule(*this, *next);
}

void H3Connection::on_timer(core::TimePoint now) {
  sessions_.handle_timeout(now);
  handle_timeout(now);
  const auto idle = idle_deadline();
  if (idle && *idle <= now) return h3_.close(h3::code::kNoError, "no request is under way");
  schedule();
}

}  // namespace plait::transport
