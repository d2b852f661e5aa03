#include "transport/h3/wt_session.hpp"

#include <utility>

#include "transport/h3/h3_connection.hpp"

namespace plait::transport {
namespace {

// Code 0 without a reason is what a page's close() sends, and what the end of the CONNECT stream alone means
// (draft-ietf-webtrans-http3 §6): no code was given.
std::uint32_t to_close_code(const wt::CloseInfo& info) {
  return info.code == 0 && info.reason.empty() ? close_code::kNoStatus : info.code;
}

}  // namespace

WtSession& WtSession::make(H3Connection& connection, std::unique_ptr<SessionHandler> handler, Wants wants,
                           std::optional<SessionId> id) {
  std::unique_ptr<WtSession> owned{new WtSession{connection, std::move(handler), wants}};
  WtSession& session = *owned;
  session.set_id(connection.context().put(std::move(owned), id));
  return session;
}

WtSession::WtSession(H3Connection& connection, std::unique_ptr<SessionHandler> handler, Wants wants)
    : QuicSession(connection.context(), connection.is_client()), connection_(connection) {
  set_handler(std::move(handler), wants);
}

std::string WtSession::peer() const { return connection_.peer(); }
std::optional<Duration> WtSession::rtt() const { return connection_.rtt(); }
std::optional<OpeningTimes> WtSession::opening_times() const { return connection_.opening_times(); }
quic::ConnectionStats WtSession::wire_stats() const { return connection_.stats(); }

// --- Opening and the end ---------------------------------------------------------------------------------------------

void WtSession::start(wt::Session& session, std::string_view subprotocol) {
  if (is_client() && !wants_streams()) {
    const auto opened = session.open_stream(wt::Direction::bidirectional);
    if (!opened) {
      session.abort();
      return refuse("the server allows no stream for the messages");
    }
    messages().attach(*opened);
  }
  protocol_ = &session;
  QuicSession::start(subprotocol);
}

void WtSession::discard() {
  mark_finished();
  context().loop.retire(context().entries.remove(id()));
}

void WtSession::give_up(const std::string& reason) { connection_.give_up(*this, reason); }

// WT_CLOSE_SESSION is on the stream of the CONNECT, where it would overtake the messages: not before the peer has them.
void WtSession::wire_close(std::uint32_t code, std::string_view reason) {
  close_due_ = std::make_unique<CloseDue>(CloseDue{code, std::string{reason}});
  wire_go_on_closing(false);
}

bool WtSession::wire_go_on_closing(bool late) {
  if (close_due_ == nullptr) return false;
  if (!late && messages().buffered_bytes() > 0) return true;
  messages().detach();
  const std::unique_ptr<CloseDue> due = std::move(close_due_);
  protocol_->close(due->code == close_code::kNoStatus ? 0 : due->code, due->reason);
  return true;
}

void WtSession::on_closed(const wt::CloseInfo& info) {
  if (std::exchange(protocol_, nullptr) == nullptr) return;  // never started
  close_due_.reset();
  CloseInfo told;
  told.clean = info.clean;
  if (info.clean) {
    told.code = to_close_code(info);
    told.reason = info.reason;
  }
  if (info.error) told.reason = describe(*info.error);
  if (told.reason.empty() && !info.clean) told.reason = connection_.end_reason();
  end(told);
}

void WtSession::release(bool settled) {
  context().loop.retire(context().entries.remove(id()));
  connection_.forget(*this, settled);
}

// --- Streams ---------------------------------------------------------------------------------------------------------

void WtSession::on_stream(wt::StreamId id, wt::Direction direction) { handle_stream(id, direction); }

void WtSession::on_streams_available(wt::Direction direction) { handle_streams_available(direction); }

Result<QuicSession::StreamId, StreamError> WtSession::wire_open(StreamDirection direction) {
  const auto opened = protocol_->open_stream(direction);
  if (opened) return *opened;
  return err(opened.error() == wt::OpenError::closed ? StreamError::closed : StreamError::limit);
}

// Groups of different sessions of the connection are different ones, and 0 is of all streams without.
void WtSession::wire_set_priority(StreamId id, std::uint32_t group, std::int64_t order) {
  const auto session = static_cast<std::uint64_t>(protocol_->id()) + 1;
  connection_.set_priority(id, session << 32 | group, order);
}

bool WtSession::wire_send_datagram(ByteView data, std::optional<std::uint32_t> id) {
  return connection_.send_datagram(*protocol_, data, id);
}

std::size_t WtSession::wire_buffered_bytes(StreamId id) const {
  return protocol_->buffered_bytes(id) + connection_.unacknowledged_bytes(id);
}

void WtSession::wire_tell_when_sent(StreamId id) { connection_.tell_when_sent(id); }

std::size_t WtSession::wire_unsent_bytes(StreamId id) const {
  return protocol_->buffered_bytes(id) + connection_.unsent_bytes(id);
}

}  // namespace plait::transport
