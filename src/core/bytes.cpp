#include <plait/bytes.hpp>
#include <plait/session.hpp>

#include <cstdlib>
#include <cstring>
#include <new>

#include "core/assert.hpp"
#include "core/buffer_pool.hpp"

namespace plait {

Block* Block::make(std::size_t capacity) {
  void* memory = std::malloc(sizeof(Block) + capacity);  // NOLINT(cppcoreguidelines-no-malloc)
  PLAIT_ASSERT(memory != nullptr, "out of memory");
  auto* block = new (memory) Block;
  block->capacity = capacity;
  block->destroy = core::free_block;
  return block;
}

void Block::retain() {
  if (shared_between_threads) {
    reference_count.fetch_add(1, std::memory_order_relaxed);
  } else {
    reference_count.store(reference_count.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  }
}

void Block::release() {
  std::uint32_t before;
  if (shared_between_threads) {
    before = reference_count.fetch_sub(1, std::memory_order_acq_rel);
  } else {
    before = reference_count.load(std::memory_order_relaxed);
    reference_count.store(before - 1, std::memory_order_relaxed);
  }
  if (before == 1) destroy(this);
}

Bytes Bytes::copy_of(ByteView data) {
  if (data.empty()) return {};
  Block* block = Block::make(data.size());
  std::memcpy(block->data(), data.data(), data.size());
  Bytes bytes;
  bytes.block_ = block;
  bytes.view_ = {block->data(), data.size()};
  return bytes;
}

Bytes Bytes::share(Block& block, ByteView data) {
  block.retain();
  Bytes bytes;
  bytes.block_ = &block;
  bytes.view_ = data;
  return bytes;
}

Bytes Bytes::slice(std::size_t offset, std::size_t count) const {
  Bytes part = *this;
  part.view_ = view_.subspan(offset, count);
  return part;
}

void Bytes::share_between_threads() {
  if (block_ == nullptr || block_->shared_between_threads) return;
  block_->shared_between_threads = true;
  core::BufferPool::let_go(*block_);  // another thread may drop the last reference: never back to a loop's pool
}

Block* Bytes::block() const { return block_; }

Message Message::shared(MessageKind kind, const Bytes& bytes) {
  if (bytes.empty()) return {kind, {}};
  return received(kind, bytes.view(), Storage::block, bytes.block());
}

Bytes Message::share() const {
  if (storage_ == Storage::block && block_ != nullptr) return Bytes::share(*block_, data_);
  return Bytes::copy_of(data_);
}

void MessageBurst::add(MessageKind kind, Bytes payload) {
  payload_bytes_ += payload.size();
  messages_.push_back({kind, std::move(payload)});
  frames_ = {};
}

void MessageBurst::clear() {
  messages_.clear();
  payload_bytes_ = 0;
  frames_ = {};
}

BurstStatus Session::send_burst(const MessageBurst& burst, SendOptions options) {
  BurstStatus result;
  for (; result.accepted < burst.size(); ++result.accepted) {
    result.status = send(burst[result.accepted], options);
    if (result.status == SendStatus::dropped || result.status == SendStatus::closed) break;
  }
  return result;
}

}  // namespace plait
