// Gaps: how many holes short STREAM frames have left in what has come of a stream. ngtcp2 keeps some 80 bytes for each,
// so a peer that sends every second byte makes us keep a multiple of what it sends.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <vector>

namespace plait::quic {

/// Counts from above, and forgets a hole once all in front of it has come: a peer whose packets are lost leaves one for
/// each loss, until what was lost comes again.
class Gaps {
 public:
  [[nodiscard]] std::uint64_t count() const { return ends_ == nullptr ? 0 : ends_->size(); }
  /// A short frame has come that does not stand right behind the frame before it.
  void handle_frame(std::uint64_t offset, std::uint64_t end) {
    if (end <= delivered_) return;
    if (offset != reach_ && offset > delivered_) add(offset);
    reach_ = std::max(reach_, end);
  }
  /// All below `end` has come. How many gaps are no more.
  std::uint64_t fill(std::uint64_t end) {
    delivered_ = end;
    const std::uint64_t before = count();
    if (before == 0) return 0;
    ends_->erase(ends_->begin(), std::ranges::upper_bound(*ends_, end));
    const std::uint64_t after = count();
    if (after == 0) ends_.reset();
    return before - after;
  }

 private:
  using Ends = std::vector<std::uint64_t>;

  void add(std::uint64_t offset) {
    if (ends_ == nullptr) ends_ = std::make_unique<Ends>();
    const auto place = std::ranges::lower_bound(*ends_, offset);
    if (place == ends_->end() || *place != offset) ends_->insert(place, offset);
  }

  std::uint64_t delivered_ = 0;
  std::uint64_t reach_ = 0;     // the furthest end of those frames
  std::unique_ptr<Ends> ends_;  // of the holes, in order: where those frames begin; null while there are none
};

}  // namespace plait::quic
