// OutputQueue: what one connection has to write, if it is not one piece, as a list of segments for one gathered write.
//
// Small pieces are copied together into blocks; large payloads are kept by reference. A connection has a queue only
// while something is to be written; OutputQueues hands out the queue that was used last, whose memory is still in the
// cache, so that gathering the answers of one read costs no allocation.
#pragma once

#include <plait/bytes.hpp>

#include <sys/uio.h>

#include <memory>
#include <span>
#include <vector>

#include "core/buffer_pool.hpp"
#include "core/byte_sink.hpp"

namespace plait::transport {

class alignas(64) OutputQueue final : public core::ByteSink {
 public:
  explicit OutputQueue(core::BufferPool& pool) : pool_(pool) {}
  OutputQueue(const OutputQueue&) = delete;
  OutputQueue& operator=(const OutputQueue&) = delete;
  ~OutputQueue() { clear(); }

  /// Room for `size` bytes at the end, or null if that would take memory.
  [[nodiscard]] std::uint8_t* try_reserve(std::size_t size) {
    return size <= static_cast<std::size_t>(tail_end_ - tail_) ? tail_ : nullptr;
  }
  /// Room for `size` bytes at the end; commit() what was written.
  MutableByteView reserve(std::size_t size) override {
    if (try_reserve(size) == nullptr) grow(size);
    return {tail_, size};
  }
  void commit(std::size_t size) override {
    tail_ += size;
    back_.size += size;
    bytes_ += size;
  }

  /// Keeps a reference to `block`; `data` lies in it. What follows the piece before it in memory joins that segment.
  void append_shared(Block& block, ByteView data) {
    if (back_.block == &block && back_.data + back_.size == data.data()) {
      end_tail();
      back_.size += data.size();
      bytes_ += data.size();
    } else {
      push_shared(block, data);
    }
  }
  /// Keeps only the view. own_borrowed() must be called before the memory changes.
  void append_borrowed(ByteView data);
  /// Copies what append_borrowed() left unwritten.
  void own_borrowed();
  /// The kernel takes no more: own_borrowed(), and until all is written small pieces of shared blocks are copied
  /// together but for the newest few, so that the blocks that are kept alive are a small multiple of bytes().
  void settle();
  /// Blocks are at least this large from now on (a TLS connection wants whole records in one block).
  void set_block_bytes_min(std::size_t size) { block_bytes_ = size; }

  [[nodiscard]] std::size_t bytes() const { return bytes_; }
  [[nodiscard]] bool empty() const { return bytes_ == 0; }
  /// The first segments, as many as fit.
  [[nodiscard]] std::size_t fill(std::span<iovec> vectors) const;
  /// The first segment; empty if there is none.
  [[nodiscard]] ByteView front() const;
  /// The first segment if it is all there is to write; else empty.
  [[nodiscard]] ByteView only_segment() const {
    if (!earlier_.empty()) return {};
    return {back_.data, back_.size};
  }
  /// Drops `count` bytes from the front.
  void consume(std::size_t count) {
    if (count == bytes_ && earlier_.empty() && tail_ != nullptr) return rewind();
    consume_segments(count);
  }
  void clear();
  /// An empty queue's block goes back to the pool if it is larger than `size`.
  void shrink(std::size_t size) {
    if (tail_ != nullptr && static_cast<std::size_t>(tail_end_ - back_.block->data()) > size) clear();
  }

 private:
  struct Segment {
    const std::uint8_t* data;
    std::size_t size;
    Block* block;  // null: borrowed, or no segment
  };

  void push(const std::uint8_t* data, std::size_t size, Block* block);
  void own(Segment& segment);
  void copy_small_references();
  [[nodiscard]] Segment copy_of(const Segment& segment);
  void drop_copies();
  void push_shared(Block& block, ByteView data);
  [[nodiscard]] Block* keep_tail() const;
  void put_tail_back(Block* block);
  void consume_segments(std::size_t count);
  /// All is written, and it was in one block of small pieces: the next pieces go there again. A block for a large piece
  /// goes back to the pool, which is bounded; queues are not.
  void rewind() {
    if (static_cast<std::size_t>(tail_end_ - back_.block->data()) > kBlockBytesMax) return clear();
    back_.data = tail_ = back_.block->data();
    back_.size = 0;
    bytes_ = 0;
    waits_ = false;
  }
  void grow(std::size_t size);
  void end_tail() { tail_ = tail_end_ = nullptr; }

  // The first cache line (of 64 bytes): all that a small piece touches. Mostly the last segment is the only one.
  std::size_t bytes_ = 0;
  Segment back_{};
  std::uint8_t* tail_ = nullptr;  // free part of the last segment's block
  std::uint8_t* tail_end_ = nullptr;
  core::BufferPool& pool_;
  std::vector<Segment> earlier_;
  std::size_t head_ = 0;  // first of these that is not consumed
  std::size_t block_bytes_ = kFirstBlockBytes;
  bool borrows_ = false;
  bool waits_ = false;       // since settle()
  std::size_t settled_ = 0;  // segments of earlier_ that copy_small_references() has seen
  Block* copies_ = nullptr;  // where it copies to
  std::size_t copies_used_ = 0;

  static constexpr std::size_t kFirstBlockBytes = std::size_t{16} << 10;
  static constexpr std::size_t kBlockBytesMax = std::size_t{256} << 10;
};

/// The queues of one loop that are not in use. Most recently used first.
class OutputQueues {
 public:
  explicit OutputQueues(core::BufferPool& pool) : pool_(pool) {}
  std::unique_ptr<OutputQueue> take() {
    if (free_.empty()) return std::make_unique<OutputQueue>(pool_);
    auto queue = std::move(free_.back());
    free_.pop_back();
    return queue;
  }
  /// `queue` must be empty.
  void give_back(std::unique_ptr<OutputQueue> queue) {
    queue->shrink(kKeptBlockBytesMax);
    if (free_.size() < kKeptMax) free_.push_back(std::move(queue));
  }

 private:
  static constexpr std::size_t kKeptMax = 1024;
  static constexpr std::size_t kKeptBlockBytesMax = std::size_t{64} << 10;
  core::BufferPool& pool_;
  std::vector<std::unique_ptr<OutputQueue>> free_;
};

}  // namespace plait::transport
