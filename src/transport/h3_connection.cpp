#include "transport/h3_connection.hpp"

#include <algorithm>
#include <utility>

#include "net/address.hpp"

namespace plait::transport {
namespace {

// The fates of datagrams are told to sessions whose Quarter Stream ID is below: the first four thousand million.
constexpr std::uint64_t kQuarterIdsNamed = 0xFFFFFFFF;

constexpr std::size_t kStoppedEarlyMax = 256;

h3::StreamId to_h3(quic::StreamId id) { return static_cast<h3::StreamId>(id); }

h3::Direction to_h3(quic::Direction direction) {
  return direction == quic::Direction::bidirectional ? h3::Direction::bidirectional : h3::Direction::unidirectional;
}
quic::Direction to_quic(h3::Direction direction) {
  return direction == h3::Direction::bidirectional ? quic::Direction::bidirectional : quic::Direction::unidirectional;
}

}  // namespace

H3Connection& H3Connection::make(H3Service& service) {
  LoopContext& context = service.endpoint.context();
  std::unique_ptr<H3Connection> owned{new H3Connection{service}};
  H3Connection& connection = *owned;
  connection.id_ = context.connections.add(std::move(owned), context.index);
  context.count_connection();
  return connection;
}

H3Connection::H3Connection(H3Service& service)
    : service_(service),
      h3_(service.options, *this, *this, service.qpack),
      sessions_(service.sessions, h3_),
      made_at_(is_client() ? std::chrono::steady_clock::now() : core::TimePoint{}),
      active_at_(service.endpoint.context().loop.now()) {
  schedule();
}

H3Connection::~H3Connection() = default;

std::string H3Connection::peer() const { return quic_ == nullptr ? last_peer_ : to_net(quic_->path().remote).text(); }

// By the clock and not the loop's time: one turn may do all the work of a handshake.
void H3Connection::note(Duration OpeningTimes::*step) {
  Duration& time = opening_times_.*step;
  if (is_client() && time == Duration::zero()) time = std::chrono::steady_clock::now() - made_at_;
}

std::optional<OpeningTimes> H3Connection::opening_times() const {
  return opening_times_.response == Duration::zero() ? std::nullopt : std::optional{opening_times_};
}

std::optional<ClientCertificate> H3Connection::client_certificate() const {
  return quic_ == nullptr ? std::nullopt : quic_->client_certificate();
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

void H3Connection::set_priority(h3::StreamId id, std::uint64_t group, std::int64_t order) {
  if (quic_ != nullptr) quic_->set_priority(to_quic(id), group, order);
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

void H3Connection::on_stopped_stream_end(quic::StreamId id, std::uint64_t final_size_bytes) {
  sessions_.handle_stopped_end(to_h3(id), final_size_bytes);
}

void H3Connection::on_stop_sending(quic::StreamId id, std::uint64_t code) {
  note_unsent(to_h3(id), quic_->unsent_bytes(id));
  const bool told = h3_.handle_stop_sending(to_h3(id), code);
  if (!told && stopped_early_.size() < kStoppedEarlyMax) stopped_early_.try_emplace(to_h3(id), code);
}

void H3Connection::on_stream_acked(quic::StreamId id, std::uint64_t) {
  if (const auto found = unattributed_.find(to_h3(id)); found != unattributed_.end()) {
    const std::optional<std::uint64_t> code = found->second;
    unattributed_.erase(found);
    if (code) return reset_now(to_h3(id), *code);
  }
  note_activity();
  for (std::size_t i = 0; i < live_.size(); ++i) live_[i]->handle_acked(to_h3(id));
}

// Nobody's, if the session has ended.
void H3Connection::on_datagram_fate(DatagramId id, DatagramFate fate) {
  const auto connect = static_cast<wt::StreamId>(id >> 32) * 4;
  const auto found = std::ranges::find_if(live_, [connect](WtSession* one) { return one->is_on(connect); });
  if (found != live_.end()) (*found)->handle_datagram_fate(static_cast<std::uint32_t>(id), fate);
}

void H3Connection::on_stream_closed(quic::StreamId id, std::optional<std::uint64_t>) {
  unattributed_.erase(to_h3(id));
  stopped_early_.erase(to_h3(id));
  h3_.handle_stream_closed(to_h3(id));
}

void H3Connection::on_streams_available(quic::Direction direction) { h3_.handle_streams_available(to_h3(direction)); }

void H3Connection::on_closed(const quic::CloseReason& reason) {
  last_peer_ = peer();
  quic_ = nullptr;
  if (end_reason_.empty()) end_reason_ = describe(reason);
  end_sessions(end_reason_);
  leave();
}

void H3Connection::leave() {
  LoopContext& context = this->context();
  context.uncount_connection();
  cancel();
  context.loop.retire(context.connections.remove(id_));
  if (owner_ != nullptr) std::exchange(owner_, nullptr)->on_ended(*this, end_reason_);
}

// --- To QUIC ---------------------------------------------------------------------------------------------------------

std::optional<h3::StreamId> H3Connection::open(h3::Direction direction) {
  const auto id = quic_ == nullptr ? std::nullopt : quic_->open(to_quic(direction));
  if (!id) return std::nullopt;
  unattributed_.try_emplace(to_h3(*id), std::nullopt);
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
  if (found == unattributed_.end()) return reset_now(id, error_code);
  if (!found->second) found->second = error_code;
}

void H3Connection::reset_now(h3::StreamId id, std::uint64_t error_code) {
  note_unsent(id, quic_->unsent_bytes(to_quic(id)));
  quic_->reset(to_quic(id), error_code);
}

// The sessions hear of it at the end of the turn: what they do then calls the user's code, who may be calling now.
void H3Connection::note_unsent(h3::StreamId id, std::uint64_t bytes) {
  if (bytes == 0) return;
  unsent_.emplace_back(id, bytes);
  context().loop.at_turn_end(*this);
}

void H3Connection::on_turn_end() {
  for (const auto& [id, bytes] : std::exchange(unsent_, {})) sessions_.handle_unsent(id, bytes);
  close_if_unused();
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

// --- From HTTP/3: who it is for --------------------------------------------------------------------------------------

void H3Connection::on_ready() {
  note(&OpeningTimes::handshake);
  h3_.handle_ready();
}

void H3Connection::on_settings(const h3::Settings&) {
  note(&OpeningTimes::settings);
  if (is_client()) {
    request_waiting();
    if (owner_ != nullptr) owner_->on_settings(*this);
    return;
  }
  note_activity();
  schedule();
  for (const h3::StreamId id : waiting_sessions()) accept_session(id);
}

void H3Connection::on_request(h3::StreamId id, const h3::RequestHead& head) { begin_exchange(id, head); }

void H3Connection::on_response(h3::StreamId id, const h3::ResponseHead& head) {
  if (head.is_interim()) return;
  if (H3Fetch* fetch = find_fetch(id)) return fetch->handle_head(head);
  finish_opening(id, head);
}

void H3Connection::on_webtransport_stream(h3::StreamId id, h3::StreamId session, h3::Direction direction) {
  std::optional<std::uint64_t> stopped;
  if (const auto found = stopped_early_.find(id); found != stopped_early_.end()) {
    stopped = found->second;
    stopped_early_.erase(found);
  }
  sessions_.handle_stream(id, session, direction, context().loop.now(), stopped);
  schedule();
}

void H3Connection::on_data(h3::StreamId id, ByteView data) {
  if (sessions_.handle_data(id, data) || take_fetch_data(id, data) || take_explanation(id, data)) return;
  take_content(id, data);
}

void H3Connection::on_fin(h3::StreamId id) {
  if (sessions_.handle_fin(id)) return;
  if (is_client()) {
    fail_opening(id, "the server has ended the request without a response");
    return end_fetch(id, {});
  }
  answer(id);
}

void H3Connection::on_reset(h3::StreamId id, std::uint64_t error_code) {
  sessions_.handle_reset(id, error_code, reset_size_);
  if (exchanges_.contains(id) || is_deferred(id)) h3_.reset(id, h3::code::kRequestCancelled);  // it gets no answer
  end_exchange(id);
  drop_deferred(id);
  fail_opening(id, "the server has reset the request");
  end_fetch(id, err(Error{"the server has reset the request"}));
}

void H3Connection::on_stop_sending(h3::StreamId id, std::uint64_t error_code) {
  sessions_.handle_stop_sending(id, error_code);
}

void H3Connection::on_stream_error(h3::StreamId id, h3::Error error) {
  sessions_.handle_stream_error(id);
  end_exchange(id);
  drop_deferred(id);
  fail_opening(id, std::string{h3::describe(error)});
  end_fetch(id, err(Error{std::string{h3::describe(error)}}));
}

void H3Connection::on_closed(h3::StreamId id) {
  sessions_.handle_closed(id);
  end_exchange(id);
  drop_deferred(id);
  fail_opening(id, "the server has ended the request without a response");
  close_when_idle();
}

void H3Connection::on_datagram(h3::StreamId id, ByteView payload) {
  sessions_.handle_datagram(id, payload, context().loop.now());
  schedule();
}

void H3Connection::on_goaway(std::uint64_t id) {
  sessions_.handle_goaway();
  if (!is_client()) return;
  end_openings(id, "the server is going away");
  end_fetches(id, "the server is going away");
}

void H3Connection::on_streams_available(h3::Direction direction) {
  if (direction == h3::Direction::bidirectional) {
    request_waiting();
    send_fetches();
  }
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
  for (const h3::StreamId id : waiting_sessions()) accept_session(id);  // refuses it
  refuse_deferred("the server is shutting down");
  close_when_idle();
}

void H3Connection::abort(const Disconnect& why) {
  if (end_reason_.empty()) end_reason_ = why.text();
  end_sessions(end_reason_);
  h3_.close(h3::code::kNoError, why.reason);
  if (quic_ == nullptr) leave();
}

void H3Connection::end_sessions(const std::string& reason) {
  deferred_.clear();
  sessions_.handle_connection_closed();
  for (const Asked& opening : std::exchange(openings_, {})) tell_refused(opening, reason);
  end_fetches(0, reason);
}

// --- Time ------------------------------------------------------------------------------------------------------------

void H3Connection::note_activity() {
  if (h3_.peer_settings()) active_at_ = context().loop.now();
}

// When a connection that has no session is closed. By a server: there was no request, or none that goes on.
std::optional<core::TimePoint> H3Connection::idle_deadline() const {
  if (is_client()) return is_unused() ? leave_at_ : std::nullopt;
  if (!live_.empty() || !deferred_.empty()) return std::nullopt;
  const bool opening = !served_ || !h3_.peer_settings();
  return active_at_ + (opening ? context().limits.handshake_timeout : context().limits.keep_alive_timeout);
}

// The idle deadline moves with all that is done, and the timer after it when it goes off.
void H3Connection::schedule() {
  std::optional<core::TimePoint> next = idle_deadline();
  const auto early = sessions_.next_timeout();
  if (early && (!next || *early < *next)) next = early;
  if (request_deadline_ && (!next || *request_deadline_ < *next)) next = request_deadline_;
  if (!deferred_.empty() && (!next || deferred_.front().deadline < *next)) next = deferred_.front().deadline;
  if (next && (!armed() || *next < deadline())) context().loop.schedule(*this, *next);
}

void H3Connection::on_timer(core::TimePoint now) {
  sessions_.handle_timeout(now);
  expire_deferred(now);
  expire_requests(now);
  const auto idle = idle_deadline();
  if (idle && *idle <= now) return h3_.close(h3::code::kNoError, "no request is under way");
  schedule();
}

bool H3Connection::is_unused() const {
  return live_.empty() && openings_.empty() && unsent_fetches_.empty() && fetches_.empty();
}

// After the last stream: everything that was sent has arrived by then.
void H3Connection::close_when_idle() {
  const bool wanted = draining_ || is_client();
  const bool idle = is_unused() && h3_.stream_count() == 0;
  if (!wanted || !idle || quic_ == nullptr) return;
  if (is_client()) return close_when_unused();
  h3_.close();
}

}  // namespace plait::transport
