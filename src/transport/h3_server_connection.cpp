// WebTransport sessions of H3Connection: how they open, both sides.
#include "transport/h3_connection.hpp"

#include <algorithm>

#include "transport/refusal.hpp"
#include "wt/negotiation.hpp"

namespace plait::transport {
namespace {

constexpr int kTooManyRequests = 429;

}  // namespace

// --- Server ----------------------------------------------------------------------------------------------------------

void H3Connection::begin_session(h3::StreamId id) {
  if (!wt::is_connect_protocol(exchanges_.find(id)->second.protocol())) {
    refuse_session(id, {.status = 501, .body = "this server's CONNECT opens WebTransport sessions only\n"});
  } else if (!sessions_.begin(id)) {
    refuse_session(id, {.status = kTooManyRequests, .body = "too many sessions on this connection\n"});
  } else if (h3_.peer_settings()) {
    accept_session(id);
  }
}

void H3Connection::refuse_session(h3::StreamId id, const HttpResponse& refusal) {
  end_exchange(id);
  respond(id, refusal, false);
}

// Requests that were there before the client's SETTINGS, in their order.
std::vector<h3::StreamId> H3Connection::waiting_sessions() const {
  std::vector<h3::StreamId> waiting;
  for (const auto& [id, request] : exchanges_) {
    if (request.is_connect()) waiting.push_back(id);
  }
  std::ranges::sort(waiting);
  return waiting;
}

void H3Connection::accept_session(h3::StreamId id) {
  const auto extracted = exchanges_.extract(id);
  HttpExchange request = std::move(extracted->entry.second);
  if (draining_) {
    sessions_.reject(id);
    return refuse_session(id, {.status = 503, .body = "the server is shutting down\n"});
  }
  auto opening = std::make_unique<WtAccept>(context(), *service_.router, *this, id, std::move(request), peer(),
                                            client_certificate());
  opening->run(service_.router->find(opening->path()));
  if (!opening->is_deferred()) return answer_session(*opening);
  deferred_.push_back({std::move(opening), context().loop.now() + context().limits.handshake_timeout});
  schedule();
}

void H3Connection::finish_opening(Opening& answered) {
  const auto found = std::ranges::find(deferred_, &answered, [](const Deferred& one) { return one.opening.get(); });
  const std::unique_ptr<WtAccept> opening = std::move(found->opening);
  deferred_.erase(found);
  answer_session(*opening);
}

void H3Connection::answer_session(WtAccept& opening) {
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

void H3Connection::expire_deferred(core::TimePoint now) {
  while (!deferred_.empty() && deferred_.front().deadline <= now) {
    deferred_.front().opening->give_up(503, "the server did not answer in time");
  }
}

void H3Connection::refuse_deferred(std::string_view reason) {
  while (!deferred_.empty()) deferred_.front().opening->give_up(503, reason);
}

bool H3Connection::is_deferred(h3::StreamId id) const {
  return std::ranges::any_of(deferred_, [id](const Deferred& one) { return one.opening->id() == id; });
}

// The stream of its CONNECT is over, and nobody waits for the answer.
void H3Connection::drop_deferred(h3::StreamId id) {
  std::erase_if(deferred_, [id](const Deferred& one) { return one.opening->id() == id; });
}

// Its handler may end it at once.
void H3Connection::start_session(WtSession& session, wt::Session& protocol, const std::string& subprotocol) {
  live_.push_back(&session);
  session.start(protocol, subprotocol);
  sessions_.deliver_early(protocol.id());
}

// --- Client ----------------------------------------------------------------------------------------------------------

bool H3Connection::admits_session() const {
  const auto& peer = h3_.peer_settings();
  if (quic_ == nullptr || h3_.is_closed() || h3_.is_peer_going_away() || !peer) return false;
  const auto unasked = std::ranges::count_if(openings_, [](const Asked& asked) { return !asked.id; });
  const std::uint64_t count = sessions_.session_count() + static_cast<std::size_t>(unasked);
  const auto& own = service_.options.settings.webtransport;
  return count < service_.sessions.sessions_max && count < wt::sessions_max(own, peer->webtransport);
}

WtSession& H3Connection::connect(WtRequest request, std::unique_ptr<SessionHandler> handler, Wants wants,
                                 SessionId id) {
  WtSession& session = WtSession::make(*this, std::move(handler), wants, id);
  openings_.push_back({.session = &session, .request = std::move(request), .id = std::nullopt});
  request_waiting();
  return session;
}

void H3Connection::request_waiting() {
  if (!is_client() || !h3_.peer_settings()) return;
  if (!wt::is_capable(*h3_.peer_settings())) return end_openings(0, "the server does not offer WebTransport");
  std::vector<WtSession*> failed;
  for (Asked& opening : openings_) {
    if (!opening.id) request_session(opening, failed);
  }
  for (WtSession* session : failed)
    give_up(*session,
            "the request cannot be sent: a header field is not allowed, "
            "or they are too large, or the server is going away");
}

void H3Connection::request_session(Asked& opening, std::vector<WtSession*>& failed) {
  const wt::ConnectDialect dialect = wt::connect_dialect(*h3_.peer_settings());
  const WtRequest& wanted = opening.request;
  h3::RequestHead head{.method = "CONNECT",
                       .scheme = "https",
                       .authority = wanted.authority,
                       .path = wanted.path,
                       .protocol = dialect.protocol};
  if (dialect.draft02_field) head.fields.add(wt::kDraft02RequestField, "1");
  const std::string offer = wt::encode_available_protocols(wanted.subprotocols).value_or(std::string{});
  if (!wanted.subprotocols.empty() && !offer.empty()) head.fields.add(wt::kAvailableProtocolsField, offer);
  for (const auto& [name, value] : wanted.headers) head.fields.add(name, value);
  const auto sent = h3_.request(head, false);
  if (!sent && sent.error() == h3::SendError::stream_limit) return;  // on_streams_available
  if (sent && sessions_.begin(*sent)) {
    opening.id = *sent;
    return;
  }
  if (sent) drop_request(*sent);
  failed.push_back(opening.session);
}

void H3Connection::drop_request(h3::StreamId id) {
  sessions_.reject(id);
  h3_.reset(id, h3::code::kRequestCancelled);
  h3_.stop_sending(id, h3::code::kRequestCancelled);
}

void H3Connection::finish_opening(h3::StreamId id, const h3::ResponseHead& head) {
  const auto found = std::ranges::find(openings_, std::optional{id}, &Asked::id);
  if (found == openings_.end()) return;
  note(&OpeningTimes::response);
  if (head.status / 100 != 2) return take_refusal(*found, head);
  WtSession& session = *found->session;
  openings_.erase(found);
  const auto accepted = sessions_.accept(id, session.visitor());
  if (!accepted) {
    drop_request(id);
    return session.refuse("the session ended while it opened");
  }
  const auto field = head.fields.find(wt::kProtocolField);
  start_session(session, **accepted, wt::parse_protocol(field.value_or(std::string_view{})).value_or(std::string{}));
}

// The beginning of a text is waited for.
void H3Connection::take_refusal(Asked& opening, const h3::ResponseHead& head) {
  sessions_.reject(*opening.id);
  opening.refused_status = head.status;
  const bool is_text = head.fields.find("content-type").value_or("").starts_with("text/plain");
  if (!is_text) return give_up(*opening.session, {});
  opening.session->set_opening_deadline(context().loop.now() + kExplanationWait);
}

bool H3Connection::take_explanation(h3::StreamId id, ByteView data) {
  const auto found = std::ranges::find(openings_, std::optional{id}, &Asked::id);
  if (found == openings_.end() || found->refused_status == 0) return false;
  h3_.consume(id, data.size());
  std::string& text = found->explanation;
  text += as_text(data.first(std::min(data.size(), kExplanationBytesMax - text.size())));
  if (text.size() == kExplanationBytesMax) give_up(*found->session, {});
  return true;
}

// The request is over, and there was no response to it.
void H3Connection::fail_opening(h3::StreamId id, const std::string& reason) {
  const auto found = std::ranges::find(openings_, std::optional{id}, &Asked::id);
  if (found != openings_.end()) give_up(*found->session, reason);
}

// Those that the server will not answer: with an ID from `from` on, and those that were not sent.
void H3Connection::end_openings(std::uint64_t from, const std::string& reason) {
  std::vector<WtSession*> ending;
  for (const Asked& opening : openings_) {
    if (!opening.id || static_cast<std::uint64_t>(*opening.id) >= from) ending.push_back(opening.session);
  }
  for (WtSession* session : ending) give_up(*session, reason);
}

void H3Connection::give_up(WtSession& session, const std::string& reason) {
  const auto found = std::ranges::find(openings_, &session, &Asked::session);
  if (found == openings_.end()) return;
  const Asked opening = std::move(*found);
  openings_.erase(found);
  if (opening.id) drop_request(*opening.id);
  tell_refused(opening, reason);
}

// `reason` is why there is no answer, if there is none.
void H3Connection::tell_refused(const Asked& opening, const std::string& reason) {
  const int status = opening.refused_status;
  opening.session->refuse(status == 0 ? reason : describe_refusal(status, opening.explanation), status);
}

// `settled`: nothing that was sent needs to arrive any more. A client, and a server that goes away, has then no use for
// the connection, and waits for nobody's acknowledgements. Else a client waits until all streams are over, which the
// server may never let happen.
void H3Connection::forget(WtSession& session, bool settled) {
  std::erase(live_, &session);
  if (is_client() && settled) return close_when_unused();
  if (is_client()) leave_at_ = context().loop.now() + context().limits.close_timeout;
  const bool idle = live_.empty() && exchanges_.empty() && deferred_.empty();
  if (draining_ && settled && idle) return h3_.close();
  note_activity();
  schedule();
}

}  // namespace plait::transport
