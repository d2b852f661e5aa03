#include "transport/h3/h3_server_connection.hpp"

#include <algorithm>
#include <utility>

#include "http/grammar.hpp"
#include "wt/negotiation.hpp"

namespace plait::transport {
namespace {

constexpr int kTooManyRequests = 429;

}  // namespace

H3ServerConnection& H3ServerConnection::make(H3Service& service) {
  std::unique_ptr<H3ServerConnection> owned{new H3ServerConnection{service}};
  H3ServerConnection& connection = *owned;
  connection.enter(std::move(owned));
  connection.slot_.enter_quic(service.endpoint.context(), connection);
  return connection;
}

H3ServerConnection::H3ServerConnection(H3Service& service) : H3Connection(service), active_at_(context().loop.now()) {}

// --- From below ------------------------------------------------------------------------------------------------------

void H3ServerConnection::on_stream_acked(quic::StreamId id, std::uint64_t offset) {
  note_activity();
  H3Connection::on_stream_acked(id, offset);
}

void H3ServerConnection::on_stream_sent(quic::StreamId id) {
  answer_waiting();
  H3Connection::on_stream_sent(id);
}

void H3ServerConnection::on_settings(const h3::Settings&) {
  note_activity();
  schedule();
  accept_waiting_sessions();
}

void H3ServerConnection::on_request(h3::StreamId id, const h3::RequestHead& head) {
  served_ = true;
  slot_.leave();
  note_activity();
  context().counters.http_requests.add();
  const core::TimePoint deadline = context().loop.now() + context().limits.handshake_timeout;
  exchanges_.try_emplace(id, HttpExchange{head, deadline});
  if (!request_deadline_) request_deadline_ = deadline;
  schedule();
  if (head.is_connect()) return begin_session(id);
  const auto expectation = head.fields.find("expect");
  // Not at once would be never: a client that waits sends no content, and so no end of its request.
  if (expectation && http::equals_ignoring_case(*expectation, "100-continue")) send_head(id, 100, {}, false);
}

void H3ServerConnection::on_too_many_fields(h3::StreamId id) {
  served_ = true;
  note_activity();
  context().counters.http_requests.add();
  refuse(id, 431, "too many header fields");
  schedule();
}

void H3ServerConnection::on_data(h3::StreamId id, ByteView data) {
  if (!sessions_.handle_data(id, data)) take_content(id, data);
}

void H3ServerConnection::on_fin(h3::StreamId id) {
  if (sessions_.handle_fin(id)) return;
  const auto found = exchanges_.find(id);
  if (found == exchanges_.end()) return;
  found->second.set_whole();
  waiting_.push_back(id);
  answer_waiting();
}

void H3ServerConnection::on_reset(h3::StreamId id, std::uint64_t error_code) {
  H3Connection::on_reset(id, error_code);
  if (exchanges_.contains(id) || is_deferred(id)) h3_.reset(id, h3::code::kRequestCancelled);  // it gets no answer
  end_exchange(id);
  drop_deferred(id);
}

void H3ServerConnection::on_stream_error(h3::StreamId id, h3::Error error) {
  H3Connection::on_stream_error(id, error);
  end_exchange(id);
  drop_deferred(id);
}

void H3ServerConnection::on_closed(h3::StreamId id) {
  H3Connection::on_closed(id);
  end_exchange(id);
  drop_deferred(id);
  answer_waiting();
  note_idle();
  close_if_drained();
}

// --- Sessions --------------------------------------------------------------------------------------------------------

void H3ServerConnection::begin_session(h3::StreamId id) {
  if (!wt::is_connect_protocol(exchanges_.find(id)->second.protocol())) {
    refuse_unasked(id, {.status = 501, .body = "this server's CONNECT opens WebTransport sessions only\n"});
  } else if (!sessions_.begin(id)) {
    refuse_unasked(id, {.status = kTooManyRequests, .body = "too many sessions on this connection\n"});
  } else if (h3_.peer_settings()) {
    accept_session(id);
  }
}

// The middleware does not hear of it.
void H3ServerConnection::refuse_unasked(h3::StreamId id, const HttpResponse& refusal) {
  context().note_refused_opening(peer(), "CONNECT", refusal.status);
  refuse_session(id, refusal);
}

void H3ServerConnection::refuse_session(h3::StreamId id, const HttpResponse& refusal) {
  end_exchange(id);
  respond(id, refusal, false);
  h3_.stop_sending(id, h3::code::kNoError);  // RFC 9114 §4.1
}

// Requests that were there before the client's SETTINGS, in their order.
void H3ServerConnection::accept_waiting_sessions() {
  std::vector<h3::StreamId> waiting;
  for (const auto& [id, request] : exchanges_) {
    if (request.is_connect()) waiting.push_back(id);
  }
  std::ranges::sort(waiting);
  for (const h3::StreamId id : waiting) accept_session(id);
}

void H3ServerConnection::accept_session(h3::StreamId id) {
  const auto extracted = exchanges_.extract(id);
  HttpExchange request = std::move(extracted->entry.second);
  if (draining_) {
    sessions_.reject(id);
    return refuse_unasked(id, {.status = 503, .body = "the server is shutting down\n"});
  }
  auto opening = std::make_unique<WtAccept>(context(), *service_.router, *this, id, std::move(request), peer(),
                                            client_certificate());
  opening->run(service_.router->find(opening->path()));
  if (!opening->is_deferred()) return answer_session(*opening);
  deferred_.push_back({std::move(opening), context().loop.now() + context().limits.handshake_timeout});
  schedule();
}

void H3ServerConnection::finish_opening(Opening& answered) {
  const auto found = std::ranges::find(deferred_, &answered, [](const Deferred& one) { return one.opening.get(); });
  const std::unique_ptr<WtAccept> opening = std::move(found->opening);
  deferred_.erase(found);
  answer_session(*opening);
}

void H3ServerConnection::answer_session(WtAccept& opening) {
  const h3::StreamId id = opening.id();
  if (!opening.is_accepted()) {
    sessions_.reject(id);
    return refuse_session(id, opening.refusal());
  }
  WtSession& session = WtSession::make(*this, opening.take_handler(), opening.wants());
  const auto accepted = sessions_.accept(id, session.visitor());
  if (!accepted) {
    session.discard();
    sessions_.reject(id);
    h3_.reset(id, h3::code::kRequestRejected);
    return h3_.stop_sending(id, h3::code::kRequestRejected);
  }
  if (!send_head(id, 200, opening.response_fields(), false)) {
    session.discard();
    return (*accepted)->abort();
  }
  start_session(session, **accepted, opening.accepted_subprotocol());
}

void H3ServerConnection::expire_deferred(core::TimePoint now) {
  while (!deferred_.empty() && deferred_.front().deadline <= now) {
    deferred_.front().opening->give_up(503, "the server did not answer in time");
  }
}

void H3ServerConnection::refuse_deferred(std::string_view reason) {
  while (!deferred_.empty()) deferred_.front().opening->give_up(503, reason);
}

bool H3ServerConnection::is_deferred(h3::StreamId id) const {
  return std::ranges::any_of(deferred_, [id](const Deferred& one) { return one.opening->id() == id; });
}

// The stream of its CONNECT is over, and nobody waits for the answer.
void H3ServerConnection::drop_deferred(h3::StreamId id) {
  std::erase_if(deferred_, [id](const Deferred& one) { return one.opening->id() == id; });
}

// --- The end ---------------------------------------------------------------------------------------------------------

void H3ServerConnection::drain() {
  if (quic_ == nullptr) return;
  draining_ = true;
  h3_.goaway();
  accept_waiting_sessions();  // refuses them
  refuse_deferred("the server is shutting down");
  close_if_drained();
}

// After the last stream: everything that was sent has arrived by then.
void H3ServerConnection::close_if_drained() {
  if (draining_ && live_.empty() && h3_.stream_count() == 0 && quic_ != nullptr) h3_.close();
}

void H3ServerConnection::end_sessions(const std::string& reason) {
  slot_.leave();
  deferred_.clear();
  H3Connection::end_sessions(reason);
}

// A server that goes away waits for nobody's acknowledgements.
void H3ServerConnection::handle_session_end(bool settled) {
  const bool idle = live_.empty() && exchanges_.empty() && deferred_.empty();
  if (draining_ && settled && idle) return h3_.close();
  note_idle();
  note_activity();
  schedule();
}

bool H3ServerConnection::is_quiet() const {
  return live_.empty() && exchanges_.empty() && deferred_.empty() && h3_.stream_count() == 0;
}

// Whatever was sent has arrived: its stream would be there.
void H3ServerConnection::note_idle() {
  if (served_ && end_reason().empty() && is_quiet()) slot_.enter_quic_idle(context(), *this);
}

// --- Time ------------------------------------------------------------------------------------------------------------

void H3ServerConnection::note_activity() {
  if (h3_.peer_settings()) active_at_ = context().loop.now();
}

// There was no request, or none that goes on.
std::optional<core::TimePoint> H3ServerConnection::idle_deadline() const {
  if (!live_.empty() || !deferred_.empty()) return std::nullopt;
  const bool opening = !served_ || !h3_.peer_settings();
  return active_at_ + (opening ? context().limits.handshake_timeout : context().limits.keep_alive_timeout);
}

std::optional<core::TimePoint> H3ServerConnection::next_deadline() const {
  const auto deferred = deferred_.empty() ? std::nullopt : std::optional{deferred_.front().deadline};
  return core::earlier(core::earlier(idle_deadline(), request_deadline_), deferred);
}

void H3ServerConnection::handle_timeout(core::TimePoint now) {
  expire_deferred(now);
  expire_requests(now);
}

}  // namespace plait::transport
