// WebTransport sessions of H3Connection: how they open, both sides.
#include "transport/h3_connection.hpp"

#include <algorithm>

#include "transport/wt_accept.hpp"
#include "wt/negotiation.hpp"

namespace plait::transport {
namespace {

constexpr int kTooManyRequests = 429;

}  // namespace

// --- Server ----------------------------------------------------------------------------------------------------------

void H3Connection::begin_session(h3::StreamId id) {
  if (!wt::is_connect_protocol(exchanges_.at(id).protocol())) {
    refuse_session(id, 501, "this server's CONNECT opens WebTransport sessions only");
  } else if (!sessions_.begin(id)) {
    refuse_session(id, kTooManyRequests, "too many sessions on this connection");
  } else if (h3_.peer_settings()) {
    accept_session(id);
  }
}

void H3Connection::refuse_session(h3::StreamId id, int status, const std::string& reason) {
  exchanges_.erase(id);
  respond(id, {.status = status, .body = reason + "\n"}, false);
}

// Requests that were there before the client's SETTINGS.
void H3Connection::accept_waiting() {
  std::vector<h3::StreamId> waiting;
  for (const auto& [id, request] : exchanges_) {
    if (request.is_connect()) waiting.push_back(id);
  }
  std::ranges::sort(waiting);
  for (const h3::StreamId id : waiting) accept_session(id);
}

void H3Connection::accept_session(h3::StreamId id) {
  const HttpExchange request = std::move(exchanges_.extract(id).mapped());
  WtAccept opening{request, *service_.router, peer()};
  std::unique_ptr<SessionHandler> handler = opening.run();
  if (handler == nullptr) {
    sessions_.reject(id);
    return refuse_session(id, opening.status(), opening.reason());
  }
  const std::vector<http::Field> fields = opening.response_fields();
  if (!h3_.respond(id, 200, fields, false)) return sessions_.reject(id);
  WtSession& session = WtSession::make(*this, std::move(handler));
  const auto accepted = sessions_.accept(id, session.visitor());
  if (!accepted) return session.refuse("the session ended while it opened");
  live_.push_back(&session);
  session.start(**accepted, opening.accepted_subprotocol());
  sessions_.deliver_early(id);
}

// --- Client ----------------------------------------------------------------------------------------------------------

WtSession& H3Connection::connect(WtRequest request, std::unique_ptr<SessionHandler> handler) {
  WtSession& session = WtSession::make(*this, std::move(handler));
  openings_.push_back({.session = &session, .request = std::move(request), .id = std::nullopt});
  request_waiting();
  return session;
}

void H3Connection::request_waiting() {
  if (!is_client() || !h3_.peer_settings()) return;
  if (!wt::is_capable(*h3_.peer_settings())) {
    end_sessions("the server does not offer WebTransport");
    return close_when_idle();
  }
  for (Opening& opening : openings_) {
    if (!opening.id) request_session(opening);
  }
}

void H3Connection::request_session(Opening& opening) {
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
  if (!sent) return;  // on_streams_available
  if (sessions_.begin(*sent)) opening.id = *sent;
}

void H3Connection::finish_opening(h3::StreamId id, const h3::ResponseHead& head) {
  const auto found = std::ranges::find(openings_, id, [](const Opening& opening) { return opening.id.value_or(-1); });
  if (found == openings_.end()) return;
  WtSession& session = *found->session;
  openings_.erase(found);
  if (head.status / 100 != 2) {
    sessions_.reject(id);
    h3_.reset(id, h3::code::kRequestCancelled);
    return session.refuse("refused with status " + std::to_string(head.status));
  }
  const auto accepted = sessions_.accept(id, session.visitor());
  if (!accepted) return session.refuse("the session ended while it opened");
  live_.push_back(&session);
  const auto field = head.fields.find(wt::kProtocolField);
  session.start(**accepted, wt::parse_protocol(field.value_or(std::string_view{})).value_or(std::string{}));
  sessions_.deliver_early(id);
}

void H3Connection::give_up(WtSession& session, const std::string& reason) {
  const auto found = std::ranges::find(openings_, &session, &Opening::session);
  if (found == openings_.end()) return;
  const std::optional<h3::StreamId> id = found->id;
  openings_.erase(found);
  if (id) {
    sessions_.reject(*id);
    h3_.reset(*id, h3::code::kRequestCancelled);
    h3_.stop_sending(*id, h3::code::kRequestCancelled);
  }
  session.refuse(reason);
  if (!id && live_.empty() && openings_.empty()) h3_.close();
}

// A client that was told to go and said yes needs not wait for the last acknowledgements.
void H3Connection::forget(WtSession& session, bool acknowledged) {
  std::erase(live_, &session);
  if (draining_ && acknowledged && live_.empty() && exchanges_.empty()) h3_.close();
}

// --- Streams and datagrams that wait for their session ---------------------------------------------------------------

void H3Connection::watch_early() {
  const auto next = sessions_.next_timeout();
  if (next && !armed()) context().loop.schedule(*this, *next);
}

void H3Connection::on_timer(core::TimePoint now) {
  sessions_.handle_timeout(now);
  watch_early();
}

}  // namespace plait::transport
