// The state machine of the receiving side. There are three ways for a message's payload:
//
//   whole    the frame is the message and stands in the caller's buffer: unmasked and reported there. The hot path.
//   gathered in block_: the rest of a large frame is still to come, or there are several frames.
//   streamed parts as they come, and the inflater's output, which is gathered in block_ or reported in parts.
//
// This file has the frames, decoder_payload.cpp the payloads that are not whole.
#include "ws/decoder.hpp"

#include <cstring>

#include "core/close_code.hpp"
#include "ws/mask.hpp"

namespace plait::ws {
namespace {

std::optional<Error> check_length(const FrameHeader& header, std::uint8_t second) {
  const std::uint8_t short_length = second & kLengthBits;
  if (short_length < kLength16) return std::nullopt;
  if (short_length == kLength16) {
    if (header.payload_length < kLength16) return Error::non_minimal_length_16;
    return std::nullopt;
  }
  if ((header.payload_length >> 63) != 0) return Error::length_top_bit_set;
  if (header.payload_length <= 0xFFFF) return Error::non_minimal_length_64;
  return std::nullopt;
}

bool is_reserved(Opcode opcode) {
  const auto value = static_cast<std::uint8_t>(opcode);
  return (value & 0x7) > 2;
}

MessageKind kind_of(Opcode opcode) { return opcode == Opcode::text ? MessageKind::text : MessageKind::binary; }

}  // namespace

Decoder::Decoder(const Options& options, const Limits& limits, core::BufferPool& pool)
    : limits_(limits), pool_(pool), inflater_(options.inflater), role_(options.role), parts_(options.parts) {}

Decoder::~Decoder() { drop_block(); }

Event Decoder::next(MutableByteView& input) {
  Event event;
  if (input.empty() && state_ == State::header && !block_reported_) return event;
  take_steps(input, event);
  return event;
}

void Decoder::report_whole(MutableByteView payload, std::uint32_t masking_key, Opcode opcode, Event& event) {
  mask(payload, masking_key);
  event.kind = Event::Kind::message;
  event.message_kind = kind_of(opcode);
  event.payload = payload;
  if (opcode == Opcode::text && !codec::is_utf8(payload)) fail(Error::invalid_utf8_text, event);
}

void Decoder::take_steps(MutableByteView& input, Event& event) {
  if (block_reported_) drop_block();
  while (step(input, event) == Step::again) {
  }
}

Decoder::Step Decoder::step(MutableByteView& input, Event& event) {
  switch (state_) {
    case State::header:
      return handle_header(input, event);
    case State::payload:
      return handle_payload(input, event);
    case State::ended:
      break;
  }
  input = {};  // RFC 6455 §5.5.1, §7.1.7: what follows is not processed
  return Step::done;
}

// --- Frame headers --------------------------------------------------------------------------------------------------

Decoder::Step Decoder::handle_header(MutableByteView& input, Event& event) {
  if (text_invalid_) return fail(Error::invalid_utf8_text, event);
  if (input.size() < 2) return Step::done;
  if (const auto error = check_first_bytes(input[0], input[1])) return fail(*error, event);
  if (input.size() < frame_header_bytes(input[1])) return Step::done;
  const FrameHeader header = decode_frame_header(input.data());
  if (const auto error = check_length(header, input[1])) return fail(*error, event);
  if (is_control(header.opcode)) return handle_control_frame(header, input, event);
  return handle_data_frame(header, input, event);
}

std::optional<Error> Decoder::check_first_bytes(std::uint8_t first, std::uint8_t second) const {
  const auto opcode = static_cast<Opcode>(first & kOpcodeBits);
  const bool masked = (second & kMaskBit) != 0;
  if ((first & kRsv1Bit) != 0) {
    if (const auto error = check_rsv1(opcode)) return error;
  }
  if ((first & kRsv2Bit) != 0) return Error::rsv2_set;
  if ((first & kRsv3Bit) != 0) return Error::rsv3_set;
  if (is_reserved(opcode)) return Error::reserved_opcode;
  if (is_control(opcode)) {
    if ((first & kFinBit) == 0) return Error::fragmented_control_frame;
  } else if (const auto error = check_sequence(opcode)) {
    return error;
  }
  if (role_ == Role::server && !masked) return Error::unmasked_client_frame;
  if (role_ == Role::client && masked) return Error::masked_server_frame;
  if (is_control(opcode) && (second & kLengthBits) > kControlPayloadBytesMax) return Error::control_frame_too_long;
  return std::nullopt;
}

std::optional<Error> Decoder::check_rsv1(Opcode opcode) const {
  if (inflater_ == nullptr) return Error::rsv1_without_deflate;
  if (opcode == Opcode::continuation) return Error::rsv1_on_continuation;
  if (is_control(opcode)) return Error::rsv1_on_control_frame;
  return std::nullopt;
}

std::optional<Error> Decoder::check_sequence(Opcode opcode) const {
  if (opcode == Opcode::continuation) {
    if (!message_under_way_) return Error::unexpected_continuation;
  } else if (message_under_way_) {
    return Error::expected_continuation;
  }
  return std::nullopt;
}

// Parts are not kept, so neither limit is needed; inflated bytes are counted as they come out.
std::optional<Error> Decoder::check_limits(const FrameHeader& header) const {
  if (parts_) return std::nullopt;
  if (message_under_way_ && fragment_count_ >= limits_.message_fragments_max) return Error::too_many_fragments;
  const bool compressed = message_under_way_ ? message_compressed_ : header.rsv1;
  if (!compressed && header.payload_length > limits_.message_bytes_max - block_used_bytes_)
    return Error::message_too_big;
  return std::nullopt;
}

// --- Control frames -------------------------------------------------------------------------------------------------

Decoder::Step Decoder::handle_control_frame(const FrameHeader& header, MutableByteView& input, Event& event) {
  const auto size = static_cast<std::size_t>(header.payload_length);
  if (input.size() - header.header_bytes < size) return Step::done;
  take_front(input, header.header_bytes);
  const MutableByteView payload = take_front(input, size);
  mask(payload, header.masking_key);
  event.payload = payload;
  if (header.opcode == Opcode::close) return handle_close(payload, event);
  event.kind = header.opcode == Opcode::ping ? Event::Kind::ping : Event::Kind::pong;
  return Step::done;
}

Decoder::Step Decoder::handle_close(ByteView payload, Event& event) {
  event.close_code = close_code::kNoStatus;
  if (payload.size() == 1) return fail(Error::close_payload_one_byte, event);
  if (!payload.empty()) {
    event.close_code = static_cast<std::uint16_t>(payload[0] << 8 | payload[1]);
    event.payload = payload.subspan(2);
    if (!core::is_valid_close_code(event.close_code)) return fail(Error::invalid_close_code, event);
    if (!codec::is_utf8(event.payload)) return fail(Error::invalid_utf8_close_reason, event);
  }
  event.kind = Event::Kind::close;
  state_ = State::ended;
  drop_block();
  return Step::done;
}

// --- Data frames ----------------------------------------------------------------------------------------------------

Decoder::Step Decoder::handle_data_frame(const FrameHeader& header, MutableByteView& input, Event& event) {
  if (const auto error = check_limits(header)) return fail(*error, event);
  const bool is_message = header.fin && !message_under_way_ && !header.rsv1 && !parts_;
  if (is_message) {
    if (header.payload_length <= input.size() - header.header_bytes) return handle_whole_message(header, input, event);
    if (header.payload_length < kDirectBytes) return Step::done;
  }
  take_front(input, header.header_bytes);
  begin_frame(header);
  return Step::again;
}

Decoder::Step Decoder::handle_whole_message(const FrameHeader& header, MutableByteView& input, Event& event) {
  take_front(input, header.header_bytes);
  const MutableByteView payload = take_front(input, static_cast<std::size_t>(header.payload_length));
  report_whole(payload, header.masking_key, header.opcode, event);
  return Step::done;
}

void Decoder::begin_frame(const FrameHeader& header) {
  if (!message_under_way_) {
    message_under_way_ = true;
    message_kind_ = kind_of(header.opcode);
    message_compressed_ = header.rsv1;
    fragment_count_ = 0;
  }
  ++fragment_count_;
  frame_fin_ = header.fin;
  frame_bytes_left_ = header.payload_length;
  masking_key_ = header.masking_key;
  state_ = State::payload;
}

Decoder::Step Decoder::fail(Error error, Event& event) {
  event = {};
  event.kind = Event::Kind::failed;
  event.error = error;
  state_ = State::ended;
  drop_block();
  return Step::done;
}

}  // namespace plait::ws
