// The state machine of the receiving side. There are three ways for a message's payload:
//
//   whole    the frame is the message and stands in the caller's buffer: unmasked and reported there. The hot path.
//   gathered in block_: the rest of a large frame is still to come, or there are several frames.
//   streamed parts as they come, and the inflater's output, which is gathered in block_ or reported in parts.
//
// A block for a declared but unsent payload is a way to exhaust memory: 100,000 peers that declare 16 MiB would cost
// 1.6 TB. So up to kFirstBlockBytes is allocated at once, and beyond that the block doubles only as bytes arrive: a
// peer makes the decoder hold at most max(kFirstBlockBytes, 2 × what it sent).
#include "ws/decoder.hpp"

#include <algorithm>
#include <cstring>

#include "codec/deflate.hpp"
#include "core/assert.hpp"
#include "ws/mask.hpp"

namespace plait::ws {
namespace {

constexpr std::size_t kFirstBlockBytes = std::size_t{1} << 20;
// Compressed payload is unmasked and inflated by so many bytes at a time, which stay in the first-level cache.
constexpr std::size_t kInflateStepBytes = 4096;
// Blocks that messages are inflated into start here.
constexpr std::size_t kInflateBlockBytes = 4096;
// And this is how much of one is reported as a part.
constexpr std::size_t kInflatePartBytes = std::size_t{64} << 10;

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

std::optional<Error> error_of(codec::Inflater::Status status) {
  switch (status) {
    case codec::Inflater::Status::corrupt:
      return Error::inflate_corrupt;
    case codec::Inflater::Status::truncated:
      return Error::inflate_truncated;
    case codec::Inflater::Status::bomb:
      return Error::inflate_bomb;
    default:
      return std::nullopt;
  }
}

MessageKind kind_of(Opcode opcode) { return opcode == Opcode::text ? MessageKind::text : MessageKind::binary; }

MutableByteView take_front(MutableByteView& input, std::size_t size) {
  const MutableByteView front = input.first(size);
  input = input.subspan(size);
  return front;
}

}  // namespace

Decoder::Decoder(const Options& options, const Limits& limits, core::BufferPool& pool)
    : limits_(limits), pool_(pool), inflater_(options.inflater), role_(options.role), parts_(options.parts) {}

Decoder::~Decoder() { drop_block(); }

Event Decoder::next(MutableByteView& input) {
  if (block_reported_) drop_block();
  Event event;
  while (step(input, event) == Step::again) {
  }
  return event;
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
  if (header.masked) mask(payload, header.masking_key);
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
    if (!is_valid_close_code(event.close_code)) return fail(Error::invalid_close_code, event);
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
  if (header.masked) mask(payload, header.masking_key);
  event.message_kind = kind_of(header.opcode);
  if (header.opcode == Opcode::text && !codec::is_utf8(payload)) return fail(Error::invalid_utf8_text, event);
  event.kind = Event::Kind::message;
  event.payload = payload;
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

Decoder::Step Decoder::handle_payload(MutableByteView& input, Event& event) {
  if (message_compressed_) return inflate(input, event);
  if (parts_) return report_part(input, event);
  return gather(input, event);
}

// The bytes at the front of the frame's rest have been taken.
void Decoder::advance(std::size_t count) {
  frame_bytes_left_ -= count;
  masking_key_ = rotate_key(masking_key_, count);
}

bool Decoder::accept_text(ByteView piece, bool last) {
  if (message_kind_ != MessageKind::text) return true;
  return utf8_.add(piece) && (!last || utf8_.finish());
}

Decoder::Step Decoder::report_part(MutableByteView& input, Event& event) {
  const MutableByteView piece = take_front(input, frame_bytes_in(input));
  mask(piece, masking_key_);
  advance(piece.size());
  const bool frame_end = frame_bytes_left_ == 0;
  const bool last = frame_end && frame_fin_;
  if (!accept_text(piece, last)) return fail(Error::invalid_utf8_text, event);
  if (frame_end) state_ = State::header;
  if (last) message_under_way_ = false;
  if (piece.empty() && !last) return frame_end ? Step::again : Step::done;
  event.kind = Event::Kind::part;
  event.message_kind = message_kind_;
  event.payload = piece;
  event.last = last;
  return Step::done;
}

Decoder::Step Decoder::gather(MutableByteView& input, Event& event) {
  while (!input.empty() && frame_bytes_left_ > 0 && !text_invalid_) {
    const MutableByteView free = direct_buffer();
    const MutableByteView piece = take_front(input, std::min(free.size(), input.size()));
    mask_copy(free.data(), piece, masking_key_);
    take_gathered(free.first(piece.size()));
  }
  if (text_invalid_) return fail(Error::invalid_utf8_text, event);
  if (frame_bytes_left_ > 0) return Step::done;
  state_ = State::header;
  if (!frame_fin_) return Step::again;
  if (!accept_text({}, true)) return fail(Error::invalid_utf8_text, event);
  return report_message(event);
}

// `piece` has been added to the block, unmasked.
void Decoder::take_gathered(ByteView piece) {
  block_used_bytes_ += piece.size();
  advance(piece.size());
  text_invalid_ = !accept_text(piece, false);
}

MutableByteView Decoder::direct_buffer() {
  const bool gathering = state_ == State::payload && !message_compressed_ && !parts_;
  if (!gathering || frame_bytes_left_ == 0 || text_invalid_) return {};
  const auto left = static_cast<std::size_t>(frame_bytes_left_);  // checked against message_bytes_max
  const MutableByteView free = room(left, limits_.message_bytes_max);
  return free.first(std::min(free.size(), left));
}

void Decoder::commit_direct(std::size_t count) {
  PLAIT_ASSERT(count <= frame_bytes_left_ && block_ != nullptr, "commit_direct: more than direct_buffer() offered");
  const MutableByteView piece{block_->data() + block_used_bytes_, count};
  mask(piece, masking_key_);
  take_gathered(piece);
}

// --- permessage-deflate ---------------------------------------------------------------------------------------------

Decoder::Step Decoder::inflate(MutableByteView& input, Event& event) {
  const MutableByteView piece = input.first(std::min(frame_bytes_in(input), kInflateStepBytes));
  const bool last = frame_fin_ && piece.size() == frame_bytes_left_;
  if (piece.empty() && !last && !inflater_->output_pending()) return pause_inflating();
  const MutableByteView output = inflate_room();
  mask(piece, masking_key_);
  const auto progress = inflater_->inflate(piece, output, last);
  advance(progress.consumed);
  take_front(input, progress.consumed);
  mask(piece.subspan(progress.consumed), masking_key_);  // back to what it was: it will be presented again
  block_used_bytes_ += progress.produced;
  const bool message_end = progress.status == codec::Inflater::Status::message_end;
  if (!accept_text(output.first(progress.produced), message_end)) return fail(Error::invalid_utf8_text, event);
  if (!parts_ && block_used_bytes_ > limits_.message_bytes_max) return fail(Error::message_too_big, event);
  if (const auto error = error_of(progress.status)) return fail(*error, event);
  if (message_end) return report_message(event);
  return parts_ && block_used_bytes_ > 0 ? report_block(event, Event::Kind::part, false) : Step::again;
}

// The input or the frame is used up, and its output has been taken.
Decoder::Step Decoder::pause_inflating() {
  if (frame_bytes_left_ > 0) return Step::done;
  state_ = State::header;
  return Step::again;
}

// One byte more than a message may have, so that a message that is too big shows.
MutableByteView Decoder::inflate_room() {
  if (parts_) return room(kInflatePartBytes, kInflatePartBytes);
  const std::size_t bound = std::max(limits_.message_bytes_max, limits_.message_bytes_max + 1);
  return room(std::min(kInflateBlockBytes, bound - block_used_bytes_), bound);
}

// --- The block ------------------------------------------------------------------------------------------------------

std::size_t Decoder::frame_bytes_in(MutableByteView input) const {
  return static_cast<std::size_t>(std::min<std::uint64_t>(frame_bytes_left_, input.size()));
}

// The free part of the block, never empty; `wanted` bytes are known to follow, the block never needs more than `bound`.
MutableByteView Decoder::room(std::size_t wanted, std::size_t bound) {
  const std::size_t capacity = block_ == nullptr ? 0 : block_->capacity;
  const std::size_t ahead = std::min(wanted + block_used_bytes_, kFirstBlockBytes);
  if (block_used_bytes_ == capacity || ahead > capacity) grow(std::min(std::max(ahead, 2 * capacity), bound));
  return {block_->data() + block_used_bytes_, std::min(block_->capacity, bound) - block_used_bytes_};
}

void Decoder::grow(std::size_t capacity) {
  Block* larger = pool_.take(capacity);
  if (block_ != nullptr) {
    std::memcpy(larger->data(), block_->data(), block_used_bytes_);
    block_->release();
  }
  block_ = larger;
}

void Decoder::drop_block() {
  if (block_ != nullptr) block_->release();
  block_ = nullptr;
  block_used_bytes_ = 0;
  block_reported_ = false;
}

// --- Ends -----------------------------------------------------------------------------------------------------------

Decoder::Step Decoder::report_message(Event& event) {
  state_ = State::header;
  message_under_way_ = false;
  return report_block(event, parts_ ? Event::Kind::part : Event::Kind::message, true);
}

Decoder::Step Decoder::report_block(Event& event, Event::Kind kind, bool last) {
  event.kind = kind;
  event.message_kind = message_kind_;
  event.last = last;
  if (block_ == nullptr) return Step::done;  // an empty message
  event.storage = Message::Storage::block;
  event.block = block_;
  event.payload = {block_->data(), block_used_bytes_};
  block_reported_ = true;
  return Step::done;
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
