// Ring: a bounded queue between two threads, one of which only pushes and one of which only takes. No lock, and no
// allocation after construction.
#pragma once

#include <atomic>
#include <bit>
#include <cstddef>
#include <utility>
#include <vector>

#include "core/assert.hpp"

namespace plait::hub {

template <class T>
class Ring {
 public:
  /// Holds at least `capacity` entries (rounded up to a power of two).
  explicit Ring(std::size_t capacity) : slots_(std::bit_ceil(capacity)) {}

  /// Producer: entries that can be pushed now. At least exact when below `wanted`, else perhaps an older, smaller
  /// value.
  std::size_t room(std::size_t wanted) {
    const std::size_t tail = tail_.load(std::memory_order_relaxed);
    if (slots_.size() - (tail - known_head_) < wanted) known_head_ = head_.load(std::memory_order_acquire);
    return slots_.size() - (tail - known_head_);
  }
  /// Producer: there must be room.
  void push(T&& entry) {
    PLAIT_ASSERT(room(1) > 0, "push into a full ring");
    const std::size_t tail = tail_.load(std::memory_order_relaxed);
    slots_[tail & (slots_.size() - 1)] = std::move(entry);
    tail_.store(tail + 1, std::memory_order_release);
  }

  /// Consumer: entries that wait now.
  [[nodiscard]] std::size_t waiting() const {
    return tail_.load(std::memory_order_acquire) - head_.load(std::memory_order_relaxed);
  }
  /// Consumer: the oldest entry; waiting() must not be zero.
  T take() {
    const std::size_t head = head_.load(std::memory_order_relaxed);
    T entry = std::move(slots_[head & (slots_.size() - 1)]);
    head_.store(head + 1, std::memory_order_release);
    return entry;
  }

 private:
  std::vector<T> slots_;
  alignas(64) std::atomic<std::size_t> tail_{0};  // written by the producer
  std::size_t known_head_ = 0;                    // the producer's last look at head_
  alignas(64) std::atomic<std::size_t> head_{0};  // written by the consumer
};

}  // namespace plait::hub
