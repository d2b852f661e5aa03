// Ring: a bounded queue between two threads, one of which only pushes and one of which only takes. No lock.
//
// Its memory grows with what waits: entries stand in chunks of 64, linked in order. The producer appends chunks and
// takes back those that the consumer has left, so a queue that is never long uses two of them again and again and
// allocates nothing; there is one ring for each pair of loops, and most are never long. An unused ring has no chunk at
// all.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <utility>

#include "core/assert.hpp"

namespace plait::hub {

/// Entries that cost no more than their place.
struct Weightless {
  template <class T>
  std::size_t operator()(const T&) const {
    return 0;
  }
};

template <class T, class Weight = Weightless>
class Ring {
 public:
  static constexpr std::size_t kChunkEntries = 64;

  /// Holds `capacity` entries.
  explicit Ring(std::size_t capacity) : capacity_(capacity) {}
  Ring(const Ring&) = delete;
  Ring& operator=(const Ring&) = delete;
  ~Ring() {
    while (oldest_ != nullptr) delete std::exchange(oldest_, oldest_->next);
  }

  /// Producer: entries that can be pushed now. At least exact when below `wanted`, else perhaps an older, smaller
  /// value.
  std::size_t room(std::size_t wanted) {
    const std::size_t tail = tail_.load(std::memory_order_relaxed);
    if (capacity_ - (tail - known_head_) < wanted) known_head_ = head_.load(std::memory_order_acquire);
    return capacity_ - (tail - known_head_);
  }
  /// Producer: do the entries that wait weigh less than `limit` together?
  [[nodiscard]] bool weighs_less_than(std::size_t limit) {
    if (pushed_weight_ - known_taken_weight_ >= limit) {
      known_taken_weight_ = taken_weight_.load(std::memory_order_relaxed);
    }
    return pushed_weight_ - known_taken_weight_ < limit;
  }
  /// Producer: there must be room.
  void push(T&& entry) {
    PLAIT_ASSERT(room(1) > 0, "push into a full ring");
    const std::size_t tail = tail_.load(std::memory_order_relaxed);
    if (tail % kChunkEntries == 0) append_chunk();
    pushed_weight_ += Weight{}(entry);
    newest_->entries[tail % kChunkEntries] = std::move(entry);
    tail_.store(tail + 1, std::memory_order_release);
  }
  /// Producer: entries that there is memory for now.
  [[nodiscard]] std::size_t allocated() const { return chunk_count_ * kChunkEntries; }

  /// Consumer: entries that wait now.
  [[nodiscard]] std::size_t waiting() const {
    return tail_.load(std::memory_order_acquire) - head_.load(std::memory_order_relaxed);
  }
  /// Consumer: the oldest entry; waiting() must not be zero.
  T take() {
    const std::size_t head = head_.load(std::memory_order_relaxed);
    if (head % kChunkEntries == 0) reading_ = head == 0 ? first_ : reading_->next;
    T entry = std::move(reading_->entries[head % kChunkEntries]);
    taken_weight_.store(taken_weight_.load(std::memory_order_relaxed) + Weight{}(entry), std::memory_order_relaxed);
    head_.store(head + 1, std::memory_order_release);
    return entry;
  }

 private:
  struct Chunk {
    std::array<T, kChunkEntries> entries{};
    Chunk* next = nullptr;
  };

  // What is written here is seen by the consumer with the next tail_.
  void append_chunk() {
    Chunk* chunk = reclaim_chunk();
    if (chunk == nullptr) {
      chunk = new Chunk;
      ++chunk_count_;
    }
    chunk->next = nullptr;
    if (newest_ == nullptr) {
      first_ = oldest_ = chunk;
    } else {
      newest_->next = chunk;
    }
    newest_ = chunk;
  }

  // The consumer still reads the link of a chunk whose last entry it took, so it has left the chunk only when it has
  // taken from the next one. Keeps one such chunk and frees the others.
  Chunk* reclaim_chunk() {
    Chunk* kept = nullptr;
    known_head_ = head_.load(std::memory_order_acquire);
    while (known_head_ > oldest_end_) {
      if (kept != nullptr) {
        delete kept;
        --chunk_count_;
      }
      kept = std::exchange(oldest_, oldest_->next);
      oldest_end_ += kChunkEntries;
    }
    return kept;
  }

  const std::size_t capacity_;
  std::size_t pushed_weight_ = 0;                 // by the producer, ever
  std::size_t known_taken_weight_ = 0;            // the producer's last look at taken_weight_
  alignas(64) std::atomic<std::size_t> tail_{0};  // written by the producer, as all that follows up to head_
  std::size_t known_head_ = 0;                    // the last look at head_
  Chunk* newest_ = nullptr;
  Chunk* oldest_ = nullptr;
  std::size_t oldest_end_ = kChunkEntries;  // the position behind oldest_'s last entry
  std::size_t chunk_count_ = 0;
  Chunk* first_ = nullptr;                        // written once, before the first tail_
  alignas(64) std::atomic<std::size_t> head_{0};  // written by the consumer, as what follows
  Chunk* reading_ = nullptr;
  std::atomic<std::size_t> taken_weight_{0};  // ever
};

}  // namespace plait::hub
