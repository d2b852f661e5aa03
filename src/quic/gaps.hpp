// Gaps: how many holes short STREAM frames have left in what has come of a stream. ngtcp2 keeps some 80 bytes for each,
// so a peer that sends every second byte makes us keep a multiple of what it sends.
#pragma once

#include <algorithm>
#include <cstdint>
#include <utility>

namespace plait::quic {

/// Counts from above, and forgets as holes are filled: a peer whose packets are lost leaves one for each loss, until
/// what was lost comes again.
class Gaps {
 public:
  [[nodiscard]] std::uint64_t count() const { return count_; }
  /// A short frame has come that does not stand right behind the frame before it.
  void handle_frame(std::uint64_t offset, std::uint64_t end) {
    if (end <= delivered_) return;
    if (offset != reach_) ++count_;
    reach_ = std::max(reach_, end);
    // Each costs a byte that is missing and one that is there.
    count_ = std::min(count_, (reach_ - delivered_) / 2);
  }
  /// All below `end` has come. How many gaps are no more.
  std::uint64_t fill(std::uint64_t end) {
    delivered_ = end;
    return delivered_ >= reach_ ? std::exchange(count_, 0) : 0;
  }

 private:
  std::uint64_t delivered_ = 0;
  std::uint64_t reach_ = 0;  // the furthest end of those frames
  std::uint64_t count_ = 0;
};

}  // namespace plait::quic
