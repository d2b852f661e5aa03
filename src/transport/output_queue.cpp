#include "transport/output_queue.hpp"

#include <algorithm>

namespace plait::transport {
namespace {

constexpr std::size_t kCompactAt = 256;  // written segments that are kept before they are erased

}  // namespace

void OutputQueue::grow(std::size_t size) {
  Block* block = pool_.take(std::max(size, block_bytes_));
  block_bytes_ = std::min(block_bytes_ * 2, kBlockBytesMax);
  segments_.push_back({block->data(), 0, block});
  tail_ = block->data();
  tail_end_ = block->data() + block->capacity;
}

void OutputQueue::push_shared(Block& block, ByteView data) {
  if (data.empty()) return;
  block.retain();
  segments_.push_back({data.data(), data.size(), &block});
  bytes_ += data.size();
  end_tail();
}

void OutputQueue::append_borrowed(ByteView data) {
  if (data.empty()) return;
  // The next small piece goes on behind this one, in the block that the last small piece is in.
  Block* block = tail_ == nullptr ? nullptr : segments_.back().block;
  segments_.push_back({data.data(), data.size(), nullptr});
  bytes_ += data.size();
  borrows_ = true;
  if (block == nullptr) return;
  block->retain();
  segments_.push_back({tail_, 0, block});
}

void OutputQueue::own_borrowed() {
  if (!borrows_) return;
  borrows_ = false;
  for (std::size_t i = head_; i < segments_.size(); ++i) {
    Segment& segment = segments_[i];
    if (segment.block != nullptr || segment.size == 0) continue;
    segment.block = pool_.take(segment.size);
    std::copy_n(segment.data, segment.size, segment.block->data());
    segment.data = segment.block->data();
  }
}

std::size_t OutputQueue::fill(std::span<iovec> vectors) const {
  std::size_t count = 0;
  for (std::size_t i = head_; i < segments_.size() && count < vectors.size(); ++i) {
    const Segment& segment = segments_[i];
    if (segment.size == 0) continue;
    vectors[count++] = {const_cast<std::uint8_t*>(segment.data), segment.size};  // NOLINT(*-const-cast): iovec's type
  }
  return count;
}

ByteView OutputQueue::front() const {
  for (std::size_t i = head_; i < segments_.size(); ++i) {
    if (segments_[i].size > 0) return {segments_[i].data, segments_[i].size};
  }
  return {};
}

void OutputQueue::consume_segments(std::size_t count) {
  bytes_ -= count;
  while (count > 0) {
    Segment& segment = segments_[head_];
    const std::size_t step = std::min(count, segment.size);
    segment.data += step;
    segment.size -= step;
    count -= step;
    if (segment.size > 0) break;
    if (count == 0 && head_ + 1 == segments_.size()) break;
    if (segment.block != nullptr) segment.block->release();
    ++head_;
  }
  if (bytes_ == 0) return clear();
  if (head_ >= kCompactAt && head_ > segments_.size() / 2) {
    segments_.erase(segments_.begin(), segments_.begin() + static_cast<std::ptrdiff_t>(head_));
    head_ = 0;
  }
}

void OutputQueue::clear() {
  for (std::size_t i = head_; i < segments_.size(); ++i) {
    if (segments_[i].block != nullptr) segments_[i].block->release();
  }
  segments_.clear();
  head_ = 0;
  bytes_ = 0;
  borrows_ = false;
  block_bytes_ = kFirstBlockBytes;
  end_tail();
}

}  // namespace plait::transport
