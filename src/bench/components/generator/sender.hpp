// Sender and BatchQueue: what one connection has still to send, and when what it has sent left.
#pragma once

#include "bench/components/generator/endpoint.hpp"
#include "bench/components/generator/frames.hpp"

#include <cstdint>
#include <vector>

namespace plait::bench {

/// Sends messages of a FrameCycle: all that are owed leave in one call, as far as the socket takes them.
class Sender {
 public:
  explicit Sender(const FrameCycle& cycle) : cycle_(&cycle) {}

  void owe(std::size_t messages) { owed_bytes_ += messages * cycle_->frame_bytes(); }
  [[nodiscard]] bool is_idle() const { return owed_bytes_ == 0; }
  [[nodiscard]] std::size_t owed_bytes() const { return owed_bytes_; }
  void flush(Endpoint& endpoint) {
    while (owed_bytes_ > 0) {
      const std::size_t sent = endpoint.write(cycle_->slice(at_, owed_bytes_));
      if (sent == 0) return;
      at_ = (at_ + sent) % cycle_->cycle_bytes();
      owed_bytes_ -= sent;
    }
  }

 private:
  const FrameCycle* cycle_;
  std::size_t at_ = 0;
  std::size_t owed_bytes_ = 0;
};

/// A queue of (time, count): when the messages in flight were sent, oldest first.
class BatchQueue {
 public:
  void push(std::uint64_t time, std::size_t count) { batches_.push_back({time, count}); }

  /// Takes `count` messages off the front; calls visit(time, how_many) for each batch that they came from. Answers how
  /// many there were not.
  template <class Visit>
  [[nodiscard]] std::size_t pop(std::size_t count, Visit visit) {
    while (count > 0 && head_ < batches_.size()) {
      Batch& front = batches_[head_];
      const std::size_t part = count < front.count ? count : front.count;
      visit(front.time, part);
      front.count -= part;
      count -= part;
      if (front.count == 0) ++head_;
    }
    if (head_ == batches_.size()) {
      batches_.clear();
      head_ = 0;
    } else if (head_ > 1024) {
      batches_.erase(batches_.begin(), batches_.begin() + static_cast<long>(head_));
      head_ = 0;
    }
    return count;
  }

 private:
  struct Batch {
    std::uint64_t time;
    std::size_t count;
  };
  std::vector<Batch> batches_;
  std::size_t head_ = 0;
};

}  // namespace plait::bench
