#include "core/buffer_pool.hpp"

#include <bit>
#include <cstdlib>

namespace plait::core {
namespace {

std::size_t size_class_of(std::size_t capacity) {
  if (capacity <= BufferPool::kSmallest) return 0;
  return static_cast<std::size_t>(std::bit_width(capacity - 1)) - 8;
}

void free_block(Block* block) {
  block->~Block();
  std::free(block);  // NOLINT(cppcoreguidelines-no-malloc)
}

}  // namespace

BufferPool::~BufferPool() {
  for (Block* block : free_) {
    while (block != nullptr) {
      auto* next = static_cast<Block*>(block->owner);
      free_block(block);
      block = next;
    }
  }
}

Block* BufferPool::take(std::size_t capacity) {
  const std::size_t size_class = size_class_of(capacity);
  if (size_class >= kClasses) return Block::make(capacity);
  Block* block = free_[size_class];
  if (block != nullptr) {
    free_[size_class] = static_cast<Block*>(block->owner);
    kept_bytes_ -= block->capacity;
    block->reference_count.store(1, std::memory_order_relaxed);
  } else {
    block = Block::make(kSmallest << size_class);
  }
  block->size_class = static_cast<std::uint32_t>(size_class);
  block->destroy = recycle;
  block->owner = this;
  return block;
}

void BufferPool::recycle(Block* block) { static_cast<BufferPool*>(block->owner)->keep(block); }

void BufferPool::keep(Block* block) {
  if (block->capacity > kept_bytes_max_ - kept_bytes_) return free_block(block);
  block->owner = free_[block->size_class];
  free_[block->size_class] = block;
  kept_bytes_ += block->capacity;
}

}  // namespace plait::core
