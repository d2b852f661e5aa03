// BufferPool: the blocks that messages larger than one read, leftovers and backlogs live in.
//
// glibc gives blocks above 128 KiB back to the kernel when they are freed and faults every page in again when they are
// next used: 256 page faults for a 1 MiB message. So each loop keeps a bounded number of freed blocks by size class
// (powers of two from 256 bytes) and hands them out again. One pool belongs to one loop's thread.
//
// Blocks may outlive their pool: a user keeps what Message::share() gave after the client or server is gone. So what
// they refer to, the Core, lives until the last of them is back; from the pool's end on it only counts them.
#pragma once

#include <plait/bytes.hpp>

#include <array>
#include <atomic>
#include <cstddef>
#include <memory>

namespace plait::core {

/// What the blocks of Block::make() are destroyed by.
void free_block(Block* block);

class BufferPool {
 public:
  static constexpr std::size_t kSmallest = 256;
  static constexpr std::size_t kClasses = 16;  ///< 256 B … 8 MiB; larger blocks are never kept

  /// Keeps at most `kept_bytes_max` bytes of freed blocks.
  explicit BufferPool(std::size_t kept_bytes_max = std::size_t{32} << 20);
  BufferPool(const BufferPool&) = delete;
  BufferPool& operator=(const BufferPool&) = delete;
  ~BufferPool();

  /// A block of at least `capacity` bytes, uninitialised, with one reference. Its release() brings it back here, on
  /// this thread; after the pool's end it frees the block, on any thread.
  Block* take(std::size_t capacity);
  /// Before `block`, of any origin, is shared between threads: it will be freed instead of coming back to its pool.
  static void let_go(Block& block);

  [[nodiscard]] std::size_t kept_bytes() const { return core_->kept_bytes; }

 private:
  struct Core {
    std::array<Block*, kClasses> free{};  // linked through Block::owner while free
    std::size_t kept_bytes = 0;
    std::size_t kept_bytes_max = 0;
    std::size_t taken_count = 0;               // blocks that refer to this, while the pool lives
    std::atomic<std::size_t> orphan_count{0};  // those that were left when it died; 0: it lives
  };

  static void recycle(Block* block);
  static void keep(Core& core, Block* block);
  static void forget_one(Core* core);

  std::unique_ptr<Core> core_;
};

}  // namespace plait::core
