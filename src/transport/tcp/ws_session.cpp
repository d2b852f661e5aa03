#include "transport/tcp/ws_session.hpp"

#include <array>
#include <bit>
#include <cstring>
#include <optional>

#include "ws/mask.hpp"

namespace plait::transport {
namespace {

[[gnu::always_inline]] inline void encode_copy(OutputQueue& output, ws::Opcode opcode, bool fin, bool rsv1,
                                               ByteView payload) {
  const MutableByteView room = output.reserve(ws::kFrameHeaderBytesMax + payload.size());
  const std::size_t header = ws::encode_frame_header(room.data(), opcode, fin, rsv1, payload.size(), nullptr);
  output.commit(header + payload.size());
  if (!payload.empty()) std::memcpy(room.data() + header, payload.data(), payload.size());
}

/// Of an unmasked frame of less than 64 KiB.
std::size_t answer_header_bytes(std::size_t payload_bytes) { return payload_bytes < ws::kLength16 ? 2 : 4; }

ws::Opcode opcode_of(MessageKind kind) { return kind == MessageKind::text ? ws::Opcode::text : ws::Opcode::binary; }

}  // namespace

void WsSession::Options::use_deflate(const ws::DeflateParameters& agreed, const Limits& limits) {
  if (const auto deflate = ws::deflater_options(agreed, role)) deflater = std::make_unique<codec::Deflater>(*deflate);
  inflater = std::make_unique<codec::Inflater>(ws::inflater_options(agreed, role, limits.inflate_ratio_max));
}

WsSession::WsSession(LoopContext& context, std::unique_ptr<SessionHandler> handler, Options options)
    : StreamSession(std::move(handler)),
      decoder_({.role = options.role, .parts = options.parts, .inflater = options.inflater.get()}, context.limits,
               context.loop.buffers()),
      deflater_(std::move(options.deflater)),
      inflater_(std::move(options.inflater)),
      role_(options.role) {
  set_subprotocol(options.subprotocol);
}

WsSession::~WsSession() = default;

void WsSession::handle_open() {
  allow_plain_sends();
  std::optional<InputScope> scope;
  if (connection().reading()) scope.emplace(*this);  // a read that another protocol handled so far
  start();
}

void WsSession::allow_plain_sends() { set_sends_plainly(role_ == ws::Role::server && deflater_ == nullptr); }

// --- Receiving -------------------------------------------------------------------------------------------------------

void WsSession::handle_bytes(MutableByteView& input) {
  const InputScope scope{*this};
  while (handles_input()) {
    decoder_.take_short_messages(
        input, [this](MutableByteView payload) { return place_of(payload); },
        [this](MessageKind kind, MutableByteView payload) {
          handled_ = payload.data();
          handle_message(kind, payload, Message::Storage::receive_buffer, nullptr);
          handled_ = nullptr;
          return handles_input();
        });
    if (!handles_input()) return;
    const ws::Event event = decoder_.next(input);
    if (event.kind == ws::Event::Kind::need_more) return set_reads_directly(decoder_.is_inside_payload());
    handle_event(event);
  }
}

// Behind the answers that are to leave from the input, with room for a header, so that this one may join them. It is
// not behind where it was: a client's frame has a masking key, an answer has none.
inline std::uint8_t* WsSession::place_of(MutableByteView payload) const {
  std::uint8_t* const end = connection().in_place_end();
  return end == nullptr ? payload.data() : end + answer_header_bytes(payload.size());
}

void WsSession::handle_event(const ws::Event& event) {
  switch (event.kind) {
    case ws::Event::Kind::message:
      return handle_message(event.message_kind, event.payload, event.storage, event.block);
    case ws::Event::Kind::part:
      return handle_part(event.message_kind, event.payload, event.storage, event.block, event.last);
    case ws::Event::Kind::ping:
      return handle_ping(event.payload);
    case ws::Event::Kind::pong:
      return handle_pong(event.payload);
    case ws::Event::Kind::close:
      return handle_close(event.close_code, as_text(event.payload));
    case ws::Event::Kind::failed:
      return fail(ws::close_code_of(event.error), ws::describe(event.error));
    case ws::Event::Kind::need_more:
      return;
  }
}

// --- Sending ---------------------------------------------------------------------------------------------------------

// The hottest path, which calls nothing: the message that was just read, as the answer to it. Next comes a small answer
// behind others of the same read.
SendStatus WsSession::send(const Message& message, SendOptions options) {
  if (handled_ != nullptr && message.data().data() == handled_ && try_send_in_place(message)) return SendStatus::sent;
  if (!sends_plainly() || message.size() >= kReferenceBytesMin) return send_any(message, options);
  const ByteView payload = message.data();
  OutputQueue* const output = connection().begun_output();
  const bool answers = connection().reading() && message.storage() != Message::Storage::block;
  if (!answers || output == nullptr) return send_plain(message, options);
  std::uint8_t* const room = output->try_reserve(ws::kFrameHeaderBytesMax + payload.size());
  if (room == nullptr || !gathers(payload.size())) return send_plain(message, options);
  note_sent(payload.size(), 1);
  const std::size_t header =
      ws::encode_frame_header(room, opcode_of(message.kind()), true, false, payload.size(), nullptr);
  output->commit(header + payload.size());
  if (!payload.empty()) std::memcpy(room + header, payload.data(), payload.size());
  return SendStatus::sent;
}

// The frame is made around the payload, whose place has room for a header in front of it.
inline bool WsSession::try_send_in_place(const Message& message) {
  if (!sends_plainly() || !gathers(message.size()) || !connection().gathers_references()) return false;
  const std::size_t header = answer_header_bytes(message.size());
  if (!connection().append_in_place({handled_ - header, header + message.size()})) return false;
  ws::encode_frame_header(handled_ - header, opcode_of(message.kind()), true, false, message.size(), nullptr);
  note_sent(message.size(), 1);
  return true;
}

// A small message of a plain session whose output is far from every limit. All else is send_any()'s.
SendStatus WsSession::send_plain(const Message& message, SendOptions options) {
  if (!gathers(message.size())) return send_any(message, options);
  if (message.storage() == Message::Storage::block && connection().gathers_references()) {
    BroadcastLog& log = connection().context().broadcast;
    const ByteView frame = log.frame_of(message);
    connection().append_shared(log.block(), frame);
  } else {
    encode_copy(connection().output(), opcode_of(message.kind()), true, false, message.data());
  }
  count_sent(message.size());
  return SendStatus::sent;
}

// Likewise, and all its frames at once, as one reference or copied in one piece.
BurstStatus WsSession::send_burst(const MessageBurst& burst, SendOptions options) {
  if (!sends_plainly() || burst.empty()) return Session::send_burst(burst, options);
  if (!gathers(burst.payload_bytes() + burst.size() * ws::kFrameHeaderBytesMax)) {
    return Session::send_burst(burst, options);
  }
  const Bytes& frames = connection().context().broadcast.frames_of(burst);
  if (connection().gathers_references()) {
    connection().append_shared(*frames.block(), frames.view());
  } else {
    connection().output().append(frames.view());
  }
  count_sent(burst.payload_bytes(), burst.size());
  return {SendStatus::sent, burst.size()};
}

SendStatus WsSession::send_any(const Message& message, SendOptions options) {
  if (!can_send()) return SendStatus::closed;
  if (!admits_message(message.size())) return SendStatus::dropped;
  if (deflater_ != nullptr && options.compress && message.size() >= limits().deflate_threshold_bytes) {
    return send_compressed(message);
  }
  if (message.storage() == Message::Storage::block && message.size() <= BroadcastLog::kPayloadBytesMax &&
      role_ == ws::Role::server && connection().gathers_references()) {
    BroadcastLog& log = connection().context().broadcast;
    const ByteView frame = log.frame_of(message);
    connection().append_shared(log.block(), frame);
  } else {
    encode_frame(opcode_of(message.kind()), true, false, message);
  }
  return finish_send(message.size());
}

SendStatus WsSession::send_compressed(const Message& message) {
  core::VectorSink& compressed = connection().context().compressed;
  compressed.clear();
  deflater_->finish(message.data(), compressed);
  encode_frame(opcode_of(message.kind()), true, true, Message{message.kind(), compressed.bytes});
  return finish_send(message.size());
}

// One frame for each part (RFC 6455 §5.4).
void WsSession::encode_part(MessageKind kind, ByteView part, bool first, bool last) {
  encode_frame(first ? opcode_of(kind) : ws::Opcode::continuation, last, false, Message{kind, part});
  if (last) allow_plain_sends();
}

void WsSession::encode_frame(ws::Opcode opcode, bool fin, bool rsv1, const Message& payload) {
  if (role_ == ws::Role::client) return encode_masked(opcode, fin, rsv1, payload.data());
  if (payload.size() >= kReferenceBytesMin && encode_reference(opcode, fin, rsv1, payload)) return;
  encode_copy(connection().output(), opcode, fin, rsv1, payload.data());
}

// Header and payload as two segments, the payload from where it is. False: it may not be there until it is written.
bool WsSession::encode_reference(ws::Opcode opcode, bool fin, bool rsv1, const Message& payload) {
  const bool in_block = payload.storage() == Message::Storage::block;
  const bool in_this_read = payload.storage() == Message::Storage::receive_buffer && connection().reading();
  if (!connection().gathers_references() || (!in_block && !in_this_read)) return false;
  OutputQueue& output = connection().output();
  const MutableByteView room = output.reserve(ws::kFrameHeaderBytesMax);
  output.commit(ws::encode_frame_header(room.data(), opcode, fin, rsv1, payload.size(), nullptr));
  if (in_block) {
    output.append_shared(*payload.block(), payload.data());
  } else {
    output.append_borrowed(payload.data());
  }
  return true;
}

void WsSession::encode_masked(ws::Opcode opcode, bool fin, bool rsv1, ByteView payload) {
  const auto key = std::bit_cast<std::uint32_t>(connection().context().random.next_masking_key());
  OutputQueue& output = connection().output();
  const MutableByteView room = output.reserve(ws::kFrameHeaderBytesMax + payload.size());
  const std::size_t header = ws::encode_frame_header(room.data(), opcode, fin, rsv1, payload.size(), &key);
  ws::mask_copy(room.data() + header, payload, key);
  output.commit(header + payload.size());
}

void WsSession::encode_control(ws::Opcode opcode, ByteView payload) {
  encode_frame(opcode, true, false, Message{MessageKind::binary, payload});
}

void WsSession::encode_close(std::uint16_t code, std::string_view reason) {
  std::array<std::uint8_t, ws::kControlPayloadBytesMax> payload;
  const std::size_t size = ws::encode_close_payload(code, reason, payload.data());
  encode_control(ws::Opcode::close, ByteView{payload}.first(size));
}

}  // namespace plait::transport
