#include "transport/tcp/output_queue.hpp"

#include <algorithm>

namespace plait::transport {
namespace {

constexpr std::size_t kCompactAt = 256;  // written segments that are kept before they are erased
/// The newest segments wait as they came: a connection that is blocked for a moment pays nothing for copies.
constexpr std::size_t kUnsettledMax = 8;
/// A reference to less than this part of its block is copied: it would keep all of the block.
constexpr std::size_t kBlockPartMin = 4;
constexpr std::size_t kCopiesBytes = std::size_t{16} << 10;

}  // namespace

// A block that has nothing in it yet is no segment to keep.
void OutputQueue::push(const std::uint8_t* data, std::size_t size, Block* block) {
  if (back_.size > 0) {
    earlier_.push_back(back_);
  } else if (back_.block != nullptr) {
    back_.block->release();
  }
  back_ = {data, size, block};
}

void OutputQueue::grow(std::size_t size) {
  Block* block = pool_.take(std::max(size, block_bytes_));
  block_bytes_ = std::min(block_bytes_ * 2, kBlockBytesMax);
  push(block->data(), 0, block);
  tail_ = block->data();
  tail_end_ = block->data() + block->capacity;
}

// Behind a piece that is not copied, small ones go on in the block that the last small one is in: a frame's header in
// front of each large payload would cost a block otherwise.
Block* OutputQueue::keep_tail() const {
  if (tail_ == nullptr) return nullptr;
  back_.block->retain();
  return back_.block;
}

void OutputQueue::put_tail_back(Block* block) {
  if (block != nullptr) push(tail_, 0, block);
}

void OutputQueue::push_shared(Block& block, ByteView data) {
  if (data.empty()) return;
  bytes_ += data.size();
  if (back_.size == 0 && !earlier_.empty()) {
    Segment& last = earlier_.back();
    if (last.block == &block && last.data + last.size == data.data()) {
      last.size += data.size();
      return;
    }
  }
  Block* const tail = keep_tail();
  block.retain();
  push(data.data(), data.size(), &block);
  put_tail_back(tail);
  if (waits_) copy_small_references();
}

void OutputQueue::append_borrowed(ByteView data) {
  if (data.empty()) return;
  Block* const tail = keep_tail();
  push(data.data(), data.size(), nullptr);
  bytes_ += data.size();
  borrows_ = true;
  put_tail_back(tail);
}

void OutputQueue::own_borrowed() {
  if (!borrows_) return;
  borrows_ = false;
  for (std::size_t i = head_; i < earlier_.size(); ++i) own(earlier_[i]);
  own(back_);
}

void OutputQueue::settle() {
  own_borrowed();
  waits_ = !empty();
}

void OutputQueue::copy_small_references() {
  std::size_t end = std::max(head_, settled_);
  if (earlier_.size() - end < kUnsettledMax) return;
  for (std::size_t i = end; i < earlier_.size(); ++i) {
    Segment segment = earlier_[i];
    if (segment.block != nullptr && segment.size < segment.block->capacity / kBlockPartMin) {
      segment = copy_of(segment);
      if (end > head_ && earlier_[end - 1].data + earlier_[end - 1].size == segment.data &&
          earlier_[end - 1].block == segment.block) {
        earlier_[end - 1].size += segment.size;
        segment.block->release();
        continue;
      }
    }
    earlier_[end++] = segment;
  }
  earlier_.erase(earlier_.begin() + static_cast<std::ptrdiff_t>(end), earlier_.end());
  settled_ = end;
}

// One behind the other, in a block with others.
OutputQueue::Segment OutputQueue::copy_of(const Segment& segment) {
  if (copies_ == nullptr || segment.size > copies_->capacity - copies_used_) {
    drop_copies();
    copies_ = pool_.take(std::max(segment.size, kCopiesBytes));
  }
  std::uint8_t* const data = copies_->data() + copies_used_;
  std::copy_n(segment.data, segment.size, data);
  copies_used_ += segment.size;
  copies_->retain();
  segment.block->release();
  return {data, segment.size, copies_};
}

void OutputQueue::drop_copies() {
  if (copies_ == nullptr) return;
  copies_->release();
  copies_ = nullptr;
  copies_used_ = 0;
}

void OutputQueue::own(Segment& segment) {
  if (segment.block != nullptr || segment.size == 0) return;
  segment.block = pool_.take(segment.size);
  std::copy_n(segment.data, segment.size, segment.block->data());
  segment.data = segment.block->data();
}

std::size_t OutputQueue::fill(std::span<iovec> vectors) const {
  std::size_t count = 0;
  const auto add = [&](const Segment& segment) {
    if (segment.size == 0 || count == vectors.size()) return;
    vectors[count++] = {const_cast<std::uint8_t*>(segment.data), segment.size};  // NOLINT(*-const-cast): iovec's type
  };
  for (std::size_t i = head_; i < earlier_.size() && count < vectors.size(); ++i) add(earlier_[i]);
  add(back_);
  return count;
}

ByteView OutputQueue::front() const {
  const Segment& first = head_ < earlier_.size() ? earlier_[head_] : back_;
  return {first.data, first.size};
}

void OutputQueue::consume_segments(std::size_t count) {
  bytes_ -= count;
  if (bytes_ == 0) return clear();
  while (count > 0) {
    Segment& segment = head_ < earlier_.size() ? earlier_[head_] : back_;
    const std::size_t step = std::min(count, segment.size);
    segment.data += step;
    segment.size -= step;
    count -= step;
    if (segment.size > 0) break;
    if (segment.block != nullptr) segment.block->release();
    ++head_;  // bytes are left, so this was not the last one
  }
  if (head_ == earlier_.size()) {
    earlier_.clear();
    drop_copies();
    head_ = settled_ = 0;
  } else if (head_ >= kCompactAt && head_ > earlier_.size() / 2) {
    earlier_.erase(earlier_.begin(), earlier_.begin() + static_cast<std::ptrdiff_t>(head_));
    settled_ -= std::min(settled_, head_);
    head_ = 0;
  }
}

void OutputQueue::clear() {
  for (std::size_t i = head_; i < earlier_.size(); ++i) {
    if (earlier_[i].block != nullptr) earlier_[i].block->release();
  }
  if (back_.block != nullptr) back_.block->release();
  earlier_.clear();
  drop_copies();
  back_ = {};
  head_ = settled_ = 0;
  bytes_ = 0;
  borrows_ = waits_ = false;
  block_bytes_ = kFirstBlockBytes;
  end_tail();
}

}  // namespace plait::transport
