#include "bench/components/generator/replies.hpp"

#include "bench/components/opcodes.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

namespace plait::bench {

namespace {

constexpr std::size_t kControlBytesMax = 125;  // RFC 6455 §5.5

bool is_data(std::uint8_t opcode) { return opcode <= kOpcodeBinary; }

}  // namespace

std::size_t KnownReplies::count(ByteView bytes) {
  const std::size_t frame = frame_bytes_;
  std::size_t completed = 0;
  while (!bytes.empty()) {
    if (is_in_aside(bytes.front())) {
      bytes = bytes.subspan(skip_aside(bytes));
      continue;
    }
    if (within_frame_ == 0 && !verify_ && bytes.size() >= frame) {  // the case that must be cheap
      const std::size_t whole = matching_headers(bytes.first(bytes.size() / frame * frame));
      bytes = bytes.subspan(whole * frame);
      completed += whole;
      if (whole > 0) continue;
    }
    const ByteView piece = bytes.first(std::min(bytes.size(), frame - within_frame_));
    check(piece);
    within_frame_ += piece.size();
    bytes = bytes.subspan(piece.size());
    if (within_frame_ == frame) {
      within_frame_ = 0;
      index_ = (index_ + 1) % cycle_->period();
      ++completed;
    }
  }
  return completed;
}

bool KnownReplies::is_in_aside(std::uint8_t next) const {
  return within_aside_ > 0 || (within_frame_ == 0 && !aside_.empty() && next == aside_.front());
}

std::size_t KnownReplies::skip_aside(ByteView bytes) {
  const std::size_t part = std::min(bytes.size(), aside_.size() - within_aside_);
  broken_ = broken_ || std::memcmp(bytes.data(), aside_.data() + within_aside_, part) != 0;
  within_aside_ += part;
  if (within_aside_ == aside_.size()) {
    within_aside_ = 0;
    ++asides_;
  }
  return part;
}

/// How many answers, from the first on, begin as they must.
std::size_t KnownReplies::matching_headers(ByteView frames) const {
  const ByteView header = cycle_->reply_header();
  const std::size_t step = frame_bytes_;
  if (header.empty()) return frames.size() / step;
  const ByteView rest = header.subspan(2);  // of a frame's header: the extended payload length
  std::uint16_t expected = 0;
  std::memcpy(&expected, header.data(), sizeof expected);
  std::size_t at = 0;
  for (; at < frames.size(); at += step) {
    std::uint16_t start = 0;
    std::memcpy(&start, frames.data() + at, sizeof start);
    if (start != expected) break;
    if (!rest.empty() && std::memcmp(frames.data() + at + sizeof start, rest.data(), rest.size()) != 0) break;
  }
  return at / step;
}

void KnownReplies::check(ByteView piece) {
  const ByteView header = cycle_->reply_header();
  const ByteView payload = cycle_->payload(index_);
  check_part(piece, 0, header);
  if (!verify_) return;
  check_part(piece, header.size(), payload);
  check_part(piece, header.size() + payload.size(), cycle_->reply_trailer());
}

/// Compares what of `piece` falls on `expected`, which stands `at` bytes behind the answer's beginning.
void KnownReplies::check_part(ByteView piece, std::size_t at, ByteView expected) {
  const std::size_t begin = std::max(within_frame_, at);
  const std::size_t end = std::min(within_frame_ + piece.size(), at + expected.size());
  if (begin >= end) return;
  broken_ =
      broken_ || std::memcmp(piece.data() + (begin - within_frame_), expected.data() + (begin - at), end - begin) != 0;
}

std::size_t FrameScanner::header_bytes_needed() const {
  if (header_have_ < 2) return 2;
  const std::uint8_t length = header_[1] & 0x7F;
  return length == 126 ? 4 : length == 127 ? 10 : 2;
}

std::size_t FrameScanner::count(ByteView bytes) {
  std::size_t completed = 0;
  while (!broken_) {
    if (!in_payload_) {
      if (header_have_ == header_bytes_needed() && header_have_ >= 2) {
        begin_frame();
        continue;
      }
      if (bytes.empty()) break;
      header_[header_have_++] = bytes.front();
      bytes = bytes.subspan(1);
      continue;
    }
    const auto part = static_cast<std::size_t>(std::min<std::uint64_t>(payload_left_, bytes.size()));
    take_payload(bytes.first(part));
    bytes = bytes.subspan(part);
    payload_left_ -= part;
    if (payload_left_ > 0) break;
    completed += end_frame() ? 1 : 0;
  }
  return completed;
}

void FrameScanner::begin_frame() {
  const std::uint8_t opcode = header_[0] & 0x0F;
  broken_ = (header_[1] & 0x80) != 0 || (!is_data(opcode) && (opcode < kOpcodeClose || opcode > kOpcodePong));
  payload_left_ = header_[1] & 0x7F;
  if (header_have_ > 2) {
    payload_left_ = 0;
    for (std::size_t i = 2; i < header_have_; ++i) payload_left_ = payload_left_ << 8 | header_[i];
  }
  broken_ = broken_ || (!is_data(opcode) && payload_left_ > kControlBytesMax);
  if (opcode == kOpcodeText || opcode == kOpcodeBinary) current_.compressed = (header_[0] & 0x40) != 0;
  control_.clear();
  in_payload_ = true;
}

void FrameScanner::take_payload(ByteView part) {
  const bool data = is_data(header_[0] & 0x0F);
  if (data) payload_bytes_ += part.size();
  if (data && !keep_) return;
  auto& kept = data ? current_.payload : control_;
  kept.insert(kept.end(), part.begin(), part.end());
}

bool FrameScanner::end_frame() {
  const std::uint8_t opcode = header_[0] & 0x0F;
  const bool final = (header_[0] & 0x80) != 0;
  in_payload_ = false;
  header_have_ = 0;
  if (opcode == kOpcodePong && !awaited_pong_.empty() && control_ == awaited_pong_) has_pong_ = true;
  closed_ = closed_ || opcode == kOpcodeClose;
  if (!is_data(opcode) || !final) return false;
  if (keep_) messages_.push_back(std::exchange(current_, {}));
  return true;
}

std::vector<FrameScanner::Message> FrameScanner::take_messages() { return std::exchange(messages_, {}); }

}  // namespace plait::bench
