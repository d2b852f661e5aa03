#include "frames/decoder.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include "core/assert.hpp"
#include "frames/open.hpp"

namespace plait::frames {
namespace {

// Allocated at once for what a frame announces; beyond that a block doubles as bytes arrive.
constexpr std::size_t kFirstBlockBytes = std::size_t{1} << 20;

}  // namespace

Decoder::Decoder(const Options& options, const Limits& limits, core::BufferPool& pool)
    : options_(options), limits_(limits), pool_(pool), state_(options.opening ? State::opening : State::open) {}

Decoder::~Decoder() {
  drop(gathered_);
  drop(reported_);
}

void Decoder::drop(Block*& block) {
  if (block != nullptr) block->release();
  block = nullptr;
}

Event Decoder::next(ByteView& input) {
  drop(reported_);
  while (state_ != State::ended) {
    const std::size_t left_before = input.size();
    const bool in_data_before = in_data_;
    if (auto event = step(input)) return *event;
    if (input.size() == left_before && in_data_ == in_data_before) return {};
  }
  input = {};
  return {};
}

// One frame, or one piece of one. nullopt: `input` ran out, or what was taken from it makes no event yet.
std::optional<Event> Decoder::step(ByteView& input) {
  if (in_data_) return continue_data(input);
  if (state_ == State::opening && !input.empty() && input[0] != static_cast<std::uint8_t>(FrameType::open)) {
    return fail(Error::open_expected);
  }
  const auto decoded = decode_head(input);
  if (!decoded) return fail(decoded.error());
  if (!decoded->has_value()) return std::nullopt;
  const FrameHead& head = **decoded;
  if (const auto broken = check_head(head)) return fail(*broken);
  switch (head.type) {
    case FrameType::text:
      return begin_data(MessageKind::text, true, head, input);
    case FrameType::binary:
      return begin_data(MessageKind::binary, true, head, input);
    case FrameType::part:
      return begin_part(head, input);
    default:
      return take_small(head, input);
  }
}

// The rules that type and length alone can break: checked before the payload arrives and before memory is taken.
std::optional<Error> Decoder::check_head(const FrameHead& head) const {
  const std::size_t message_room = limits_.message_bytes_max - gathered_bytes_;
  switch (head.type) {
    case FrameType::open:
      if (state_ == State::open) return Error::open_repeated;
      if (head.payload_bytes > kOpenBytesMax) return Error::open_too_big;
      break;
    case FrameType::text:
    case FrameType::binary:
      if (in_message_) return Error::message_interrupted;
      if (!options_.parts && head.payload_bytes > limits_.message_bytes_max) return Error::message_too_big;
      break;
    case FrameType::part:
      if (head.payload_bytes == 0) return Error::part_without_flags;
      if (!options_.parts && head.payload_bytes - 1 > message_room) return Error::message_too_big;
      if (!options_.parts && part_count_ >= limits_.message_fragments_max) return Error::too_many_parts;
      break;
    default:
      if (head.payload_bytes > kControlBytesMax) return Error::control_too_big;
  }
  return std::nullopt;
}

// open, ping, pong, close: reported whole, from the caller's buffer.
std::optional<Event> Decoder::take_small(const FrameHead& head, ByteView& input) {
  if (input.size() - head.head_bytes < head.payload_bytes) return std::nullopt;
  Event event;
  event.payload = input.subspan(head.head_bytes, head.payload_bytes);
  input = input.subspan(head.head_bytes + head.payload_bytes);
  switch (head.type) {
    case FrameType::open:
      state_ = State::open;
      event.kind = Event::Kind::open;
      return event;
    case FrameType::ping:
      event.kind = Event::Kind::ping;
      return event;
    case FrameType::pong:
      event.kind = Event::Kind::pong;
      return event;
    default:
      return close_event(event.payload);
  }
}

Event Decoder::close_event(ByteView payload) {
  const auto close = decode_close(payload);
  if (!close) return fail(close.error());
  state_ = State::ended;
  Event event;
  event.kind = Event::Kind::close;
  event.close_code = close->code;
  event.payload = as_bytes(close->reason);
  return event;
}

std::optional<Event> Decoder::begin_part(FrameHead head, ByteView& input) {
  if (input.size() == head.head_bytes) return std::nullopt;
  const std::uint8_t flags = input[head.head_bytes];
  if ((flags & ~(part_flag::kLast | part_flag::kBinary)) != 0) return fail(Error::part_flags_reserved);
  const MessageKind kind = (flags & part_flag::kBinary) != 0 ? MessageKind::binary : MessageKind::text;
  if (in_message_ && kind != kind_) return fail(Error::part_kind_changed);
  head.head_bytes += 1;
  head.payload_bytes -= 1;
  return begin_data(kind, (flags & part_flag::kLast) != 0, head, input);
}

// A frame with data begins. It waits in the caller's buffer, is reported from there, or goes into a block.
std::optional<Event> Decoder::begin_data(MessageKind kind, bool last, const FrameHead& head, ByteView& input) {
  const bool whole_message = last && !in_message_ && !options_.parts;
  const bool arrived = input.size() - head.head_bytes >= head.payload_bytes;
  if (whole_message && !arrived && head.payload_bytes < kDirectBytes) return std::nullopt;

  kind_ = kind;
  input = input.subspan(head.head_bytes);
  if (whole_message && arrived) {
    const ByteView data = input.first(head.payload_bytes);
    input = input.subspan(head.payload_bytes);
    return message_event(data, Message::Storage::receive_buffer);
  }
  last_ = last;
  in_data_ = true;
  data_left_ = head.payload_bytes;
  ++part_count_;
  if (!options_.parts) gather(gathered_bytes_ + std::min<std::uint64_t>(head.payload_bytes, kFirstBlockBytes));
  return continue_data(input);
}

std::optional<Event> Decoder::continue_data(ByteView& input) {
  const ByteView data = input.first(std::min<std::uint64_t>(input.size(), data_left_));
  if (data.empty() && data_left_ > 0) return std::nullopt;
  input = input.subspan(data.size());
  data_left_ -= data.size();
  if (data_left_ == 0) {
    in_data_ = false;
    in_message_ = !last_;
  }
  if (options_.parts) return part_event(data);
  gather(gathered_bytes_ + data.size());
  if (!data.empty()) std::memcpy(gathered_->data() + gathered_bytes_, data.data(), data.size());
  gathered_bytes_ += data.size();
  if (in_data_ || in_message_) return std::nullopt;
  return message_event({gathered_->data(), gathered_bytes_}, Message::Storage::block);
}

Event Decoder::part_event(ByteView data) {
  const bool ends = !in_data_ && !in_message_;
  if (kind_ == MessageKind::text && (!utf8_.add(data) || (ends && !utf8_.finish()))) return fail(Error::text_not_utf8);
  if (ends) part_count_ = 0;
  Event event;
  event.kind = Event::Kind::part;
  event.message_kind = kind_;
  event.last = ends;
  event.payload = data;
  return event;
}

Event Decoder::message_event(ByteView data, Message::Storage storage) {
  if (kind_ == MessageKind::text && !codec::is_utf8(data)) return fail(Error::text_not_utf8);
  Event event;
  event.kind = Event::Kind::message;
  event.message_kind = kind_;
  event.storage = storage;
  event.payload = data;
  if (storage == Message::Storage::block) {
    reported_ = event.block = std::exchange(gathered_, nullptr);
    gathered_bytes_ = 0;
    part_count_ = 0;
  }
  return event;
}

Event Decoder::fail(Error error) {
  state_ = State::ended;
  in_data_ = false;
  drop(gathered_);
  Event event;
  event.kind = Event::Kind::failed;
  event.error = error;
  return event;
}

// Makes room for `bytes` in the message's block. check_head has bounded `bytes`.
// What is announced is not believed: a block doubles when that much has arrived.
void Decoder::gather(std::size_t bytes) {
  if (gathered_ != nullptr && bytes <= gathered_->capacity) return;
  const std::size_t doubled = gathered_ == nullptr ? 0 : std::min(gathered_->capacity * 2, limits_.message_bytes_max);
  Block* larger = pool_.take(std::max(bytes, doubled));
  if (gathered_bytes_ > 0) std::memcpy(larger->data(), gathered_->data(), gathered_bytes_);
  drop(gathered_);
  gathered_ = larger;
}

MutableByteView Decoder::direct_buffer() {
  if (!in_data_ || gathered_ == nullptr) return {};
  if (gathered_bytes_ == gathered_->capacity) gather(gathered_bytes_ + 1);
  const std::size_t free = gathered_->capacity - gathered_bytes_;
  return {gathered_->data() + gathered_bytes_, std::min<std::size_t>(free, data_left_)};
}

void Decoder::commit_direct(std::size_t count) {
  PLAIT_ASSERT(in_data_ && gathered_ != nullptr && count <= data_left_, "more than direct_buffer() offered");
  gathered_bytes_ += count;
  data_left_ -= count;
}

}  // namespace plait::frames
