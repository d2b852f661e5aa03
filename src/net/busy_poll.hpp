// BusyPollBudget: how long a loop may spin before it blocks. Pure; the durations are passed in.
//
// A spin pays when the next event comes within the budget, because waking a halted CPU costs about 22 µs. It hurts when
// the peer needs this very CPU: then the event can only come after the spin is over. The two look alike from outside
// (after the spin both wake at once), so only the spin's own success counts:
//   found work     the budget doubles, up to the maximum
//   found nothing  it halves, and below the floor it is zero: no more spinning
//   preempted      it is zero at once: others want this CPU
// A dead budget is tried again, at the maximum, after a quick block: one within twice the maximum, because a block also
// takes its own wake-up. A peer that only answers once this thread blocks fails that trial too, so the number of quick
// blocks that the next trial needs doubles each time (up to kBlocksMax, where trials cost such a ping-pong under 1 %).
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace plait::net {

/// What servers and clients cap their loops' spins at.
inline constexpr std::chrono::steady_clock::duration kBusyPollMax = std::chrono::microseconds{50};

class BusyPollBudget {
 public:
  using Duration = std::chrono::steady_clock::duration;
  static constexpr int kFloorDivisor = 8;
  static constexpr std::uint32_t kBlocksMax = 4096;

  /// Spins are at most `max` long; zero never spins.
  explicit BusyPollBudget(Duration max) : max_(max), current_(max) {}

  [[nodiscard]] bool enabled() const { return max_ > Duration::zero(); }
  /// How long the next spin may take.
  [[nodiscard]] Duration current() const { return current_; }

  /// After a spin; `took` is its real duration: much more than the budget means that this thread was preempted, and
  /// that what it found came late because of the spin.
  void spin_ended(bool found_work, Duration took) {
    if (took > 2 * current_) return die();
    if (!found_work) {
      current_ /= 2;
      if (current_ < max_ / kFloorDivisor) die();
      return;
    }
    current_ = std::min(max_, current_ * 2);
    blocks_needed_ = std::max<std::uint32_t>(1, blocks_needed_ / 2);
  }
  /// After a block without a spin before it that ended with an event after `took`.
  void block_found_work(Duration took) {
    if (current_ > Duration::zero() || took > 2 * max_) return;
    if (++quick_blocks_ >= blocks_needed_) current_ = max_;
  }

 private:
  void die() {
    current_ = Duration::zero();
    quick_blocks_ = 0;
    blocks_needed_ = std::min(kBlocksMax, blocks_needed_ * 2);
  }

  Duration max_;
  Duration current_;
  std::uint32_t quick_blocks_ = 0;
  std::uint32_t blocks_needed_ = 1;
};

}  // namespace plait::net
