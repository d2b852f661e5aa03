// Payloads that are gathered in a block, inflated into one, or reported in parts.
//
// A block for a declared but unsent payload is a way to exhaust memory: 100,000 peers that declare 16 MiB would cost
// 1.6 TB. So up to kFirstBlockBytes is allocated at once, and beyond that the block doubles only as bytes arrive: a
// peer makes the decoder hold at most max(kFirstBlockBytes, 2 × what it sent).
#include <algorithm>
#include <cstring>

#include "codec/deflate.hpp"
#include "core/assert.hpp"
#include "ws/decoder.hpp"
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

}  // namespace

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

// --- Reports --------------------------------------------------------------------------------------------------------

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

}  // namespace plait::ws
