#include "transport/tcp/frame_session.hpp"

#include <cerrno>

#include "core/byte_sink.hpp"
#include "transport/refusal.hpp"

namespace plait::transport {
namespace {

constexpr std::string_view kAnotherProtocol =
    "open_expected: the peer does not speak spec/frames.md: is this a ws: port?";

}  // namespace

FrameSession::FrameSession(LoopContext& context, std::unique_ptr<SessionHandler> handler, bool parts)
    : StreamSession(std::move(handler)), decoder_({.parts = parts}, context.limits, context.loop.buffers()) {}
FrameSession::~FrameSession() = default;

// --- Receiving -------------------------------------------------------------------------------------------------------

void FrameSession::handle_bytes(MutableByteView& input) {
  const InputScope scope{*this};
  ByteView rest = input;
  while (handles_input()) {
    const frames::Event event = decoder_.next(rest);
    if (event.kind == frames::Event::Kind::need_more) break;
    handle_event(event);
  }
  input = input.last(rest.size());
  set_reads_directly(decoder_.is_inside_payload());
}

void FrameSession::handle_event(const frames::Event& event) {
  switch (event.kind) {
    case frames::Event::Kind::open:
      return handle_open_frame(event.payload);
    case frames::Event::Kind::message:
      return handle_message(event.message_kind, event.payload, event.storage, event.block);
    case frames::Event::Kind::part:
      return handle_part(event.message_kind, event.payload, event.storage, event.block, event.last);
    case frames::Event::Kind::ping:
      return handle_ping(event.payload);
    case frames::Event::Kind::pong:
      return handle_pong(event.payload);
    case frames::Event::Kind::close:
      return handle_close(event.close_code, as_text(event.payload));
    case frames::Event::Kind::failed:
      return fail_decoding(event.error);
    case frames::Event::Kind::need_more:
      return;
  }
}

void FrameSession::fail_decoding(frames::Error error) { fail(frames::close_code_of(error), frames::reason_of(error)); }

void FrameSession::handle_deadline(core::TimePoint now) {
  if (started()) return StreamSession::handle_deadline(now);
  connection().abort({.reason = "the opening took too long"});
}

// --- Sending ---------------------------------------------------------------------------------------------------------

SendStatus FrameSession::send(const Message& message, SendOptions) {
  if (!can_send()) return SendStatus::closed;
  if (!admits_message(message.size())) return SendStatus::dropped;
  OutputQueue& output = connection().output();
  output.append(frames::FrameHeader{frames::type_of(message.kind()), message.size()}.view());
  const bool by_reference = message.size() >= kReferenceBytesMin && connection().gathers_references();
  if (by_reference && message.storage() == Message::Storage::block) {
    output.append_shared(*message.block(), message.data());
  } else if (by_reference && message.storage() == Message::Storage::receive_buffer && connection().reading()) {
    output.append_borrowed(message.data());
  } else {
    output.append(message.data());
  }
  return finish_send(message.size());
}

// One part frame for each part.
void FrameSession::encode_part(MessageKind kind, ByteView part, bool /*first*/, bool last) {
  OutputQueue& output = connection().output();
  output.append(frames::FrameHeader::part(kind, last, part.size()).view());
  output.append(part);
}

void FrameSession::encode_ping(ByteView payload) { frames::encode_ping(payload, connection().output()); }

void FrameSession::encode_pong(ByteView payload) { frames::encode_pong(payload, connection().output()); }

void FrameSession::encode_close(std::uint16_t code, std::string_view reason) {
  frames::encode_close(code, reason, connection().output());
}

// --- Opening, server -------------------------------------------------------------------------------------------------

void FrameAccept::handle_open() {
  handshake_.enter(connection());
  if (connection().closed()) return;
  connection().set_deadline(connection().context().loop.now() + limits().handshake_timeout);
}

void FrameAccept::handle_open_frame(ByteView payload) {
  auto request = frames::decode_open_request(payload, limits());
  if (!request) return refuse_unread(frames::name_of(request.error()));
  Peer peer{.address = connection().peer(),
            .secure = connection().secure(),
            .certificate = connection().client_certificate()};
  opening_ = std::make_unique<FrameOpening>(connection().context(), router_, *this, std::move(peer), payload,
                                            std::move(*request));
  opening_->run(router_.find(opening_->path()));
  if (!opening_->is_deferred()) return answer_opening();
  connection().set_paused(true);
  connection().set_deadline(connection().context().loop.now() + limits().handshake_timeout);
}

void FrameAccept::finish_opening(Opening&) {
  connection().set_paused(false);
  if (connection().closed()) return;  // it could not be watched again
  answer_opening();
}

void FrameAccept::answer_opening() {
  const std::unique_ptr<FrameOpening> opening = std::move(opening_);
  const frames::OpenResponse response = opening->response();
  if (!opening->is_accepted()) return refuse(response.status, response.reason);
  frames::encode_open(response, connection().output());
  connection().write_soon();
  handshake_.leave();
  report_parts(opening->wants().parts);
  set_subprotocol(response.subprotocol);
  set_handler(opening->take_handler());
  start();
}

void FrameAccept::handle_deadline(core::TimePoint now) {
  if (opening_ != nullptr) return opening_->give_up(503, "the server did not answer in time");
  FrameSession::handle_deadline(now);
}

void FrameAccept::fail_decoding(frames::Error error) {
  if (started()) return FrameSession::fail_decoding(error);
  refuse_unread(frames::name_of(error));
}

void FrameAccept::refuse_unread(std::string_view reason) {
  connection().context().note_refused_opening(connection().peer(), "OPEN", 400);
  refuse(400, reason);
}

void FrameAccept::refuse(std::uint16_t status, std::string_view reason) {
  frames::encode_open(frames::OpenResponse{.status = status, .reason = reason}, connection().output());
  finish();
}

void FrameAccept::handle_closed(const Disconnect& why) {
  opening_.reset();
  handshake_.leave();
  FrameSession::handle_closed(why);
}

void FrameAccept::handle_drain() {
  if (started()) return FrameSession::handle_drain();
  if (opening_ != nullptr) return opening_->give_up(503, "the server is shutting down");
  connection().abort();
}

// --- Opening, client -------------------------------------------------------------------------------------------------

void FrameConnect::handle_open() {
  if (!encode_request(request_, limits(), connection().output())) {
    return connection().abort({.reason = kUnsendableRequest});
  }
  connection().write_soon();
}

void FrameConnect::handle_open_frame(ByteView payload) {
  const auto response = frames::decode_open_response(payload, request_.subprotocols);
  if (!response) return fail_decoding(response.error());
  if (response->status != frames::kStatusAccepted) {
    refusal_ = describe_refusal(response->status, response->reason);
    return connection().abort({.reason = refusal_, .status = response->status});
  }
  set_subprotocol(response->subprotocol);
  start();
}

void FrameConnect::fail_decoding(frames::Error error) {
  if (started()) return FrameSession::fail_decoding(error);
  const bool speaks_another = error == frames::Error::open_expected;
  connection().abort({.reason = speaks_another ? kAnotherProtocol : frames::name_of(error)});
}

void FrameConnect::handle_closed(const Disconnect& why) {
  const bool ended = why.system_errno == ECONNRESET || why.system_errno == EPIPE;
  if (started() || !ended) return FrameSession::handle_closed(why);
  const std::string reason = why.text() + " without an answer; the server is full, perhaps";
  FrameSession::handle_closed({.reason = reason});
}

}  // namespace plait::transport
