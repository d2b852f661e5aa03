#include "core/buffer_pool.hpp"

#include <bit>
#include <cstdlib>
#include <utility>

namespace plait::core {
namespace {

std::size_t size_class_of(std::size_t capacity) {
  if (capacity <= BufferPool::kSmallest) return 0;
  return static_cast<std::size_t>(std::bit_width(capacity - 1)) - 8;
}

}  // namespace

void free_block(Block* block) {
  block->~Block();
  std::free(block);  // NOLINT(cppcoreguidelines-no-malloc)
}

BufferPool::BufferPool(std::size_t kept_bytes_max) : core_(std::make_unique<Core>()) {
  core_->kept_bytes_max = kept_bytes_max;
}

BufferPool::~BufferPool() {
  for (Block* block : core_->free) {
    while (block != nullptr) {
      auto* next = static_cast<Block*>(block->owner);
      free_block(block);
      block = next;
    }
  }
  if (core_->taken_count == 0) return;
  Core* core = core_.release();  // forget_one() deletes it
  core->orphan_count.store(core->taken_count, std::memory_order_release);
}

Block* BufferPool::take(std::size_t capacity) {
  const std::size_t size_class = size_class_of(capacity);
  if (size_class >= kClasses) return Block::make(capacity);
  Block* block = core_->free[size_class];
  if (block != nullptr) {
    core_->free[size_class] = static_cast<Block*>(block->owner);
    core_->kept_bytes -= block->capacity;
    block->reference_count.store(1, std::memory_order_relaxed);
  } else {
    block = Block::make(kSmallest << size_class);
  }
  ++core_->taken_count;
  block->size_class = static_cast<std::uint32_t>(size_class);
  block->destroy = recycle;
  block->owner = core_.get();
  return block;
}

void BufferPool::let_go(Block& block) {
  block.destroy = free_block;
  if (auto* core = static_cast<Core*>(std::exchange(block.owner, nullptr))) forget_one(core);
}

void BufferPool::recycle(Block* block) {
  auto* core = static_cast<Core*>(block->owner);
  if (core->orphan_count.load(std::memory_order_acquire) == 0) {
    --core->taken_count;
    return keep(*core, block);
  }
  free_block(block);
  forget_one(core);
}

void BufferPool::keep(Core& core, Block* block) {
  if (block->capacity > core.kept_bytes_max - core.kept_bytes) return free_block(block);
  block->owner = core.free[block->size_class];
  core.free[block->size_class] = block;
  core.kept_bytes += block->capacity;
}

void BufferPool::forget_one(Core* core) {
  if (core->orphan_count.load(std::memory_order_acquire) == 0) {
    --core->taken_count;
  } else if (core->orphan_count.fetch_sub(1, std::memory_order_acq_rel) == 1) {
    const std::unique_ptr<Core> last{core};
  }
}

}  // namespace plait::core
