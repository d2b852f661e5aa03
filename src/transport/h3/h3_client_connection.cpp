#include "transport/h3/h3_client_connection.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include "frames/open.hpp"
#include "transport/refusal.hpp"
#include "wt/error_code.hpp"
#include "wt/negotiation.hpp"

namespace plait::transport {

H3ClientConnection& H3ClientConnection::make(H3Service& service) {
  std::unique_ptr<H3ClientConnection> owned{new H3ClientConnection{service}};
  H3ClientConnection& connection = *owned;
  connection.enter(std::move(owned));
  return connection;
}

H3ClientConnection::H3ClientConnection(H3Service& service)
    : H3Connection(service), made_at_(std::chrono::steady_clock::now()) {}

// By the clock and not the loop's time: one turn may do all the work of a handshake.
void H3ClientConnection::note(Duration OpeningTimes::*step) {
  Duration& time = opening_times_.*step;
  if (time == Duration::zero()) time = std::chrono::steady_clock::now() - made_at_;
}

std::optional<OpeningTimes> H3ClientConnection::opening_times() const {
  return opening_times_.response == Duration::zero() ? std::nullopt : std::optional{opening_times_};
}

// --- From below ------------------------------------------------------------------------------------------------------

void H3ClientConnection::on_ready() {
  note(&OpeningTimes::handshake);
  H3Connection::on_ready();
}

void H3ClientConnection::on_handshake_completed() {
  if (owner_ != nullptr) owner_->on_handshake_completed(*this);
}

void H3ClientConnection::on_settings(const h3::Settings&) {
  note(&OpeningTimes::settings);
  request_waiting();
  if (owner_ != nullptr) owner_->on_settings(*this);
}

void H3ClientConnection::on_response(h3::StreamId id, const h3::ResponseHead& head) {
  if (head.is_interim()) return;
  H3Fetch* fetch = find_fetch(id);
  if (fetch == nullptr) return finish_opening(id, head);
  if (!fetch->handle_head(head)) give_up(*fetch, "the handler of the response threw");
}

void H3ClientConnection::on_data(h3::StreamId id, ByteView data) {
  if (sessions_.handle_data(id, data) || take_fetch_data(id, data) || take_explanation(id, data)) return;
  h3_.consume(id, data.size());
}

void H3ClientConnection::on_fin(h3::StreamId id) {
  if (sessions_.handle_fin(id)) return;
  fail_opening(id, "the server has ended the request without a response");
  end_fetch(id, {});
}

void H3ClientConnection::on_reset(h3::StreamId id, std::uint64_t error_code) {
  H3Connection::on_reset(id, error_code);
  fail_opening(id, "the server has reset the request");
  end_fetch(id, err(Error{"the server has reset the request"}));
}

void H3ClientConnection::on_stream_error(h3::StreamId id, h3::Error error) {
  H3Connection::on_stream_error(id, error);
  fail_opening(id, std::string{h3::describe(error)});
  end_fetch(id, err(Error{std::string{h3::describe(error)}}));
}

void H3ClientConnection::on_closed(h3::StreamId id) {
  H3Connection::on_closed(id);
  fail_opening(id, "the server has ended the request without a response");
  close_when_idle();
}

void H3ClientConnection::on_goaway(std::uint64_t id) {
  H3Connection::on_goaway(id);
  end_openings(id, "the server is going away");
  end_fetches(id, "the server is going away");
}

void H3ClientConnection::on_streams_available(h3::Direction direction) {
  if (direction == h3::Direction::bidirectional) {
    request_waiting();
    send_fetches();
  }
  H3Connection::on_streams_available(direction);
}

// --- Sessions --------------------------------------------------------------------------------------------------------

bool H3ClientConnection::admits_session() const {
  const auto& peer = h3_.peer_settings();
  if (quic_ == nullptr || h3_.is_closed() || h3_.is_peer_going_away() || !peer) return false;
  const auto unasked = std::ranges::count_if(openings_, [](const Asked& asked) { return !asked.id; });
  const std::uint64_t count = sessions_.session_count() + static_cast<std::size_t>(unasked);
  const auto& own = service_.options.settings.webtransport;
  return count < service_.sessions.sessions_max && count < wt::sessions_max(own, peer->webtransport);
}

WtSession& H3ClientConnection::connect(WtRequest request, std::unique_ptr<SessionHandler> handler, Wants wants,
                                       SessionId id) {
  WtSession& session = WtSession::make(*this, std::move(handler), wants, id);
  openings_.push_back({.session = &session, .request = std::move(request), .id = std::nullopt});
  request_waiting();
  return session;
}

void H3ClientConnection::request_waiting() {
  if (!h3_.peer_settings()) return;
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

void H3ClientConnection::request_session(Asked& opening, std::vector<WtSession*>& failed) {
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

void H3ClientConnection::drop_request(h3::StreamId id, std::uint64_t error_code) {
  sessions_.reject(id);
  h3_.reset(id, error_code);
  h3_.stop_sending(id, error_code);
}

void H3ClientConnection::finish_opening(h3::StreamId id, const h3::ResponseHead& head) {
  const auto found = std::ranges::find(openings_, std::optional{id}, &Asked::id);
  if (found == openings_.end()) return;
  note(&OpeningTimes::response);
  if (head.status / 100 != 2) return take_refusal(*found, head);
  WtSession& session = *found->session;
  const std::vector<std::string> offered = std::move(found->request.subprotocols);
  openings_.erase(found);
  const auto field = head.fields.find(wt::kProtocolField);
  const std::string subprotocol = wt::parse_protocol(field.value_or(std::string_view{})).value_or(std::string{});
  if (!frames::is_offered(subprotocol, offered)) {
    drop_request(id, wt::code::kAlpnError);
    reset_has_to_arrive_ = true;
    return session.refuse("the response names a subprotocol that was not offered");
  }
  const auto accepted = sessions_.accept(id, session.visitor());
  if (!accepted) {
    drop_request(id);
    return session.refuse("the session ended while it opened");
  }
  start_session(session, **accepted, subprotocol);
}

// The beginning of a text is waited for.
void H3ClientConnection::take_refusal(Asked& opening, const h3::ResponseHead& head) {
  sessions_.reject(*opening.id);
  opening.refused_status = head.status;
  const bool is_text = head.fields.find("content-type").value_or("").starts_with("text/plain");
  if (!is_text) return give_up(*opening.session, {});
  opening.session->set_opening_deadline(context().loop.now() + kExplanationWait);
}

bool H3ClientConnection::take_explanation(h3::StreamId id, ByteView data) {
  const auto found = std::ranges::find(openings_, std::optional{id}, &Asked::id);
  if (found == openings_.end() || found->refused_status == 0) return false;
  h3_.consume(id, data.size());
  std::string& text = found->explanation;
  text += as_text(data.first(std::min(data.size(), kExplanationBytesMax - text.size())));
  if (text.size() == kExplanationBytesMax) give_up(*found->session, {});
  return true;
}

// The request is over, and there was no response to it.
void H3ClientConnection::fail_opening(h3::StreamId id, const std::string& reason) {
  const auto found = std::ranges::find(openings_, std::optional{id}, &Asked::id);
  if (found != openings_.end()) give_up(*found->session, reason);
}

// Those that the server will not answer: with an ID from `from` on, and those that were not sent.
void H3ClientConnection::end_openings(std::uint64_t from, const std::string& reason) {
  std::vector<WtSession*> ending;
  for (const Asked& opening : openings_) {
    if (!opening.id || static_cast<std::uint64_t>(*opening.id) >= from) ending.push_back(opening.session);
  }
  for (WtSession* session : ending) give_up(*session, reason);
}

void H3ClientConnection::give_up(WtSession& session, const std::string& reason) {
  const auto found = std::ranges::find(openings_, &session, &Asked::session);
  if (found == openings_.end()) return;
  const Asked opening = std::move(*found);
  openings_.erase(found);
  if (opening.id) drop_request(*opening.id);
  tell_refused(opening, reason);
}

// `reason` is why there is no answer, if there is none.
void H3ClientConnection::tell_refused(const Asked& opening, const std::string& reason) {
  const int status = opening.refused_status;
  opening.session->refuse(status == 0 ? reason : describe_refusal(status, opening.explanation), status);
}

// --- The end ---------------------------------------------------------------------------------------------------------

void H3ClientConnection::drain() {
  if (quic_ == nullptr) return;
  h3_.goaway();
  close_when_idle();
}

void H3ClientConnection::end_sessions(const std::string& reason) {
  H3Connection::end_sessions(reason);
  for (const Asked& opening : std::exchange(openings_, {})) tell_refused(opening, reason);
  end_fetches(0, reason);
}

void H3ClientConnection::leave() {
  H3Connection::leave();
  if (owner_ != nullptr) std::exchange(owner_, nullptr)->on_ended(*this, end_reason());
}

// Without a need for the connection it waits for nobody's acknowledgements. Else, or if it is in use, it waits until
// all streams are over, which the server may never let happen.
void H3ClientConnection::handle_session_end(bool settled) {
  leave_at_ = context().loop.now() + context().limits.close_timeout;
  if (settled && !std::exchange(reset_has_to_arrive_, false)) return close_when_unused();
  schedule();
}

std::optional<core::TimePoint> H3ClientConnection::idle_deadline() const {
  return is_unused() ? leave_at_ : std::nullopt;
}

bool H3ClientConnection::is_unused() const {
  return live_.empty() && openings_.empty() && unsent_fetches_.empty() && fetches_.empty();
}

// After the last stream: everything that was sent has arrived by then.
void H3ClientConnection::close_when_idle() {
  if (is_unused() && h3_.stream_count() == 0) close_when_unused();
}

// What was asked for has arrived. Not before the end of the turn: who was told may ask for more.
void H3ClientConnection::close_when_unused() {
  maybe_unused_ = true;
  context().loop.at_turn_end(*this);
}

void H3ClientConnection::on_turn_end() {
  H3Connection::on_turn_end();
  if (std::exchange(maybe_unused_, false) && is_unused() && quic_ != nullptr) h3_.close();
}

}  // namespace plait::transport
