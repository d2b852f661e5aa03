// BufferPool: the blocks that messages larger than one read, leftovers and backlogs live in.
//
// glibc gives blocks above 128 KiB back to the kernel when they are freed and faults every page in again when they are
// next used: 256 page faults for a 1 MiB message. So each loop keeps a bounded number of freed blocks by size class
// (powers of two from 256 bytes) and hands them out again. One pool belongs to one loop's thread.
#pragma once

#include <plait/bytes.hpp>

#include <array>
#include <cstddef>

namespace plait::core {

class BufferPool {
 public:
  static constexpr std::size_t kSmallest = 256;
  static constexpr std::size_t kClasses = 16;  ///< 256 B … 8 MiB; larger blocks are never kept

  /// Keeps at most `kept_bytes_max` bytes of freed blocks.
  explicit BufferPool(std::size_t kept_bytes_max = std::size_t{32} << 20) : kept_bytes_max_(kept_bytes_max) {}
  BufferPool(const BufferPool&) = delete;
  BufferPool& operator=(const BufferPool&) = delete;
  ~BufferPool();

  /// A block of at least `capacity` bytes, uninitialised, with one reference. Its release() brings it back here, on
  /// this thread; the pool must outlive it unless it was shared between threads.
  Block* take(std::size_t capacity);

  [[nodiscard]] std::size_t kept_bytes() const { return kept_bytes_; }

 private:
  static void recycle(Block* block);
  void keep(Block* block);

  std::array<Block*, kClasses> free_{};  // linked through Block::owner while free
  std::size_t kept_bytes_ = 0;
  std::size_t kept_bytes_max_;
};

}  // namespace plait::core
