#include "transport/quic/raw_session.hpp"

#include <utility>

#include "codec/utf8.hpp"
#include "core/byte_sink.hpp"
#include "core/close_code.hpp"
#include "frames/frame.hpp"
#include "transport/close_code.hpp"
#include "transport/quic/quic_endpoint.hpp"
#include "transport/refusal.hpp"

namespace plait::transport {
namespace {

constexpr quic::StreamId kFirstStream = 0;  // RFC 9000 §2.1: the client's first bidirectional one
constexpr std::uint64_t kNoCloseCode = 0;   // the session did not end by a close
constexpr wt::StreamId kSession = 0;        // what EarlyBuffer keeps things under: there is only one

// Applications of ours have codes of 32 bits.
std::optional<std::uint32_t> to_stream_code(std::uint64_t code) {
  if (code > UINT32_MAX) return std::nullopt;
  return static_cast<std::uint32_t>(code);
}

// CONNECTION_CLOSE with a close code is the close of the session; anything else is not.
CloseInfo close_told_by(const quic::CloseReason& reason) {
  const bool closed = reason.kind == quic::CloseReason::Kind::peer_application && reason.code <= UINT16_MAX &&
                      core::is_valid_close_code(static_cast<std::uint16_t>(reason.code));
  if (!closed) return {.reason = describe(reason)};
  CloseInfo told;
  told.code = static_cast<std::uint16_t>(reason.code);
  told.clean = true;
  if (codec::is_utf8(as_bytes(reason.reason))) told.reason = reason.reason;
  return told;
}

}  // namespace

RawSession& RawSession::make(LoopContext& context, const Router* router) {
  std::unique_ptr<RawSession> owned{new RawSession{context, router}};
  RawSession& session = *owned;
  session.set_id(context.put(std::move(owned)));
  context.count_connection();
  if (router == nullptr) return session;
  session.set_opening_deadline(context.loop.now() + context.limits.handshake_timeout);
  session.waiting_->slot.enter_quic(context, session);
  return session;
}

RawSession::RawSession(LoopContext& context, const Router* router)
    : QuicSession(context, router == nullptr),
      router_(router),
      waiting_(std::make_unique<Waiting>(context)),
      close_code_(kNoCloseCode) {}

RawSession::~RawSession() = default;

std::string RawSession::peer() const { return quic_ == nullptr ? last_peer_ : to_net(quic_->peer()).text(); }

std::optional<Duration> RawSession::rtt() const {
  if (quic_ == nullptr || !quic_->is_handshake_completed()) return std::nullopt;
  return quic_->stats().rtt;
}

quic::ConnectionStats RawSession::wire_stats() const {
  return quic_ == nullptr ? quic::ConnectionStats{} : quic_->stats();
}

// --- The opening -----------------------------------------------------------------------------------------------------

void RawSession::connect(const FrameRequest& request, std::unique_ptr<SessionHandler> handler, Wants wants,
                         SessionId id) {
  owner_ = nullptr;
  set_id(context().put(context().entries.remove(this->id()), id));
  set_handler(std::move(handler), wants);
  core::VectorSink open;
  if (!encode_request(request, limits(), open)) return give_up(kUnsendableRequest);
  waiting_->offered = request.subprotocols;
  const auto stream = quic_->open(quic::Direction::bidirectional);
  if (!stream) return give_up("the server allows no stream for the session");
  quic_->write(*stream, Bytes::copy_of(ByteView{open.bytes}));
}

void RawSession::take_opening(ByteView data, bool fin) {
  std::vector<std::uint8_t>& input = waiting_->input;
  input.insert(input.end(), data.begin(), data.end());
  waiting_->fin = fin;
  if (waiting_->opening) return;  // deferred: what comes behind the client's open frame waits
  ByteView rest = input;
  const frames::Event event = waiting_->decoder.next(rest);
  if (event.kind == frames::Event::Kind::need_more && !fin) return;
  quic_->consume(kFirstStream, input.size() - rest.size());
  if (event.kind == frames::Event::Kind::open) {
    return is_client() ? take_response(event.payload, rest, fin) : take_request(event.payload, rest, fin);
  }
  const bool cut_short = event.kind == frames::Event::Kind::need_more;
  const auto error = cut_short ? frames::Error::open_truncated : event.error;
  if (is_client()) return give_up(std::string{frames::name_of(error)});
  refuse_unread(frames::name_of(error));
}

void RawSession::take_request(ByteView payload, ByteView rest, bool fin) {
  auto request = frames::decode_open_request(payload, limits());
  if (!request) return refuse_unread(frames::name_of(request.error()));
  const Peer client{.address = peer(), .secure = true, .certificate = quic_->client_certificate()};
  waiting_->opening = std::make_unique<FrameOpening>(context(), *router_, *this, client, payload, std::move(*request));
  FrameOpening& opening = *waiting_->opening;
  opening.run(router_->find(opening.path()));
  waiting_->input = {rest.begin(), rest.end()};
  waiting_->fin = fin;
  if (!opening.is_deferred()) return answer_client();
  set_opening_deadline(context().loop.now() + limits().handshake_timeout);
}

void RawSession::finish_opening(Opening&) { answer_client(); }

void RawSession::answer_client() {
  const std::unique_ptr<Waiting> waiting = std::move(waiting_);
  FrameOpening& opening = *waiting->opening;
  const frames::OpenResponse response = opening.response();
  if (!opening.is_accepted()) return refuse_client(response);
  core::VectorSink open;
  frames::encode_open(response, open);
  quic_->write(kFirstStream, Bytes::copy_of(ByteView{open.bytes}));
  set_handler(opening.take_handler(), opening.wants());
  begin(response.subprotocol, waiting, waiting->input, waiting->fin);
}

// The client closes the connection when it has read this; the deadline is for one that does not.
void RawSession::refuse_client(const frames::OpenResponse& response) {
  core::VectorSink open;
  frames::encode_open(response, open);
  quic_->write(kFirstStream, Bytes::copy_of(ByteView{open.bytes}), true);
  quic_->stop_sending(kFirstStream, kStreamRefused);
  waiting_.reset();
  set_opening_deadline(context().loop.now() + limits().close_timeout);
}

void RawSession::refuse_unread(std::string_view reason) {
  context().note_refused_opening(peer(), "OPEN", 400);
  refuse_client({.status = 400, .reason = reason});
}

void RawSession::handle_opening_timeout() {
  if (waiting_ && waiting_->opening) return waiting_->opening->give_up(503, "the server did not answer in time");
  give_up("the opening took too long");
}

void RawSession::drain() {
  if (waiting_ && waiting_->opening) return waiting_->opening->give_up(503, "the server is shutting down");
  QuicSession::drain();
}

void RawSession::take_response(ByteView payload, ByteView rest, bool fin) {
  const auto response = frames::decode_open_response(payload, waiting_->offered);
  if (!response) return give_up(std::string{frames::name_of(response.error())});
  if (response->status != frames::kStatusAccepted) {
    return give_up(describe_refusal(response->status, response->reason), response->status);
  }
  const std::unique_ptr<Waiting> waiting = std::move(waiting_);
  begin(response->subprotocol, waiting, rest, fin);
}

// What came before, and behind the open frame, may end the session at each step, as the live events may.
void RawSession::begin(std::string_view subprotocol, const std::unique_ptr<Waiting>& waiting, ByteView rest, bool fin) {
  messages().attach(kFirstStream);
  start(subprotocol);
  deliver_early(waiting->early);
  if (is_live() && (fin || !rest.empty())) handle_stream_data(kFirstStream, rest, fin);
}

void RawSession::deliver_early(wt::EarlyBuffer& early) {
  for (const wt::EarlyStream& stream : early.take_streams(kSession)) {
    if (is_open()) deliver(stream);
  }
  for (const wt::EarlyDatagram& datagram : early.take_datagrams(kSession)) {
    if (is_open()) handle_datagram(datagram.payload);
  }
}

void RawSession::deliver(const wt::EarlyStream& early) {
  handle_stream(early.id, quic::direction_of(early.id));
  if (is_open() && (!early.data.empty() || early.fin)) handle_stream_data(early.id, early.data, early.fin);
  if (is_open() && early.stopped) handle_stop_sending(early.id, to_stream_code(*early.stopped));
  if (is_open() && early.reset) handle_stream_reset(early.id, to_stream_code(early.reset->error_code));
  if (is_open() && early.closed) handle_stream_closed(early.id);
}

void RawSession::keep_early(quic::StreamId id, ByteView data, bool fin) {
  wt::EarlyStream* early = waiting_->early.find(id);
  if (early == nullptr) return;
  early->fin = fin;
  if (waiting_->early.append(*early, data)) return;
  (void)waiting_->early.take_stream(id);
  refuse_stream(id);
}

void RawSession::refuse_stream(quic::StreamId id) {
  if (quic::direction_of(id) == quic::Direction::bidirectional) quic_->reset(id, kStreamRefused);
  quic_->stop_sending(id, kStreamRefused);
}

// --- From QUIC -------------------------------------------------------------------------------------------------------

// From close() on the first stream alone matters, as far as the peer's close frame.
bool RawSession::reports(quic::StreamId id) const { return is_open() || (is_live() && id == kFirstStream); }

void RawSession::on_stream_open(quic::StreamId id) {
  if (id == kFirstStream) return;
  if (reports(id)) return handle_stream(id, quic::direction_of(id));
  if (waiting_ && !waiting_->early.add_stream({.id = id, .session = kSession})) refuse_stream(id);
}

void RawSession::on_stream_data(quic::StreamId id, ByteView data, bool fin) {
  if (reports(id)) return handle_stream_data(id, data, fin);
  if (waiting_ == nullptr) return quic_->consume(id, data.size());
  id == kFirstStream ? take_opening(data, fin) : keep_early(id, data, fin);
}

void RawSession::on_stream_reset(quic::StreamId id, std::uint64_t code, std::uint64_t) {
  if (reports(id)) return handle_stream_reset(id, to_stream_code(code));
  if (waiting_ == nullptr) return;
  if (id == kFirstStream) return give_up("the peer reset the stream of the opening");
  if (wt::EarlyStream* early = waiting_->early.find(id)) early->reset = {code, std::nullopt};
}

void RawSession::on_stream_stopped(quic::StreamId id, std::uint64_t code) {
  if (reports(id)) return handle_stop_sending(id, to_stream_code(code));
  if (waiting_ == nullptr) return;
  if (id == kFirstStream) return give_up("the peer stopped the stream of the opening");
  if (wt::EarlyStream* early = waiting_->early.find(id)) early->stopped = code;
}

void RawSession::on_stream_acked(quic::StreamId id, std::uint64_t) { handle_room(id); }

void RawSession::on_stream_closed(quic::StreamId id, std::optional<std::uint64_t> code) {
  if (id != kFirstStream) {
    if (reports(id)) return handle_stream_closed(id);
    wt::EarlyStream* early = waiting_ ? waiting_->early.find(id) : nullptr;
    if (early != nullptr) early->closed = true;
  } else if (is_live()) {
    end({.reason = "the stream of the messages is over", .clean = !code});  // a reset is no answer to our close
  } else if (!is_finished()) {
    give_up("the opening was refused");
  }
}

void RawSession::on_more_streams(quic::Direction direction) {
  if (is_open()) handle_streams_available(direction);
}

void RawSession::on_datagram(ByteView data) {
  if (is_open()) return handle_datagram(data);
  if (waiting_ == nullptr) return;
  (void)waiting_->early.add_datagram({.session = kSession, .payload = {data.begin(), data.end()}});  // or dropped
}

void RawSession::on_datagram_fate(DatagramId id, DatagramFate fate) {
  handle_datagram_fate(static_cast<std::uint32_t>(id), fate);
}

void RawSession::on_closed(const quic::CloseReason& reason) {
  last_peer_ = peer();
  quic_ = nullptr;
  waiting_.reset();
  RawOwner* owner = std::exchange(owner_, nullptr);
  if (!is_finished()) {
    is_live() ? end(close_told_by(reason)) : refuse(close_told_by(reason).reason);
  } else {
    leave();
  }
  if (owner != nullptr) owner->on_ended(*this, close_told_by(reason).reason);
}

// --- To QUIC ---------------------------------------------------------------------------------------------------------

Result<QuicSession::StreamId, StreamError> RawSession::wire_open(StreamDirection direction) {
  const auto opened = quic_->open(direction);
  if (opened) return *opened;
  return err(quic_->is_closed() ? StreamError::closed : StreamError::limit);
}

bool RawSession::wire_write(StreamId id, Bytes data, bool fin) { return quic_->write(id, std::move(data), fin); }

void RawSession::wire_reset(StreamId id, std::uint32_t code) { quic_->reset(id, code); }
void RawSession::wire_stop(StreamId id, std::uint32_t code) { quic_->stop_sending(id, code); }
void RawSession::wire_consume(StreamId id, std::size_t bytes) { quic_->consume(id, bytes); }

void RawSession::wire_set_priority(StreamId id, std::uint32_t group, std::int64_t order) {
  quic_->set_priority(id, std::uint64_t{1} + group, order);  // 0 is of those without
}

std::size_t RawSession::wire_buffered_bytes(StreamId id) const {
  return static_cast<std::size_t>(quic_->buffered_bytes(id));
}

void RawSession::wire_tell_when_sent(StreamId id) { quic_->tell_when_sent(id); }

std::size_t RawSession::wire_unsent_bytes(StreamId id) const {
  return static_cast<std::size_t>(quic_->unsent_bytes(id));
}

bool RawSession::wire_send_datagram(ByteView data, std::optional<std::uint32_t> id) {
  return quic_->send_datagram(data, id ? *id : quic::kUnnamed).has_value();
}

// --- The end ---------------------------------------------------------------------------------------------------------

void RawSession::wire_close(std::uint32_t given, std::string_view reason) {
  const std::uint16_t code = to_frame_code(given);
  close_code_ = code == close_code::kNoStatus ? close_code::kNormal : code;
  close_reason_ = reason;
  messages().close(code, reason);
}

void RawSession::wire_abort() {
  close_code_ = kNoCloseCode;
  close_reason_.clear();
  end({});
}

void RawSession::give_up(const std::string& reason, int status) {
  waiting_.reset();
  close_reason_ = reason;
  refuse(reason, status);
}

void RawSession::release(bool /*settled*/) {
  if (quic_ == nullptr) return leave();
  quic_->close(close_code_, close_reason_);
}

// QUIC says goodbye at the end of the turn only, and it leaves the table after that.
void RawSession::give_way(const Disconnect& why) {
  abort(why);
  uncount();
}

void RawSession::uncount() {
  if (std::exchange(counted_, false)) context().uncount_connection();
}

void RawSession::leave() {
  uncount();
  context().loop.retire(context().entries.remove(id()));
}

}  // namespace plait::transport
