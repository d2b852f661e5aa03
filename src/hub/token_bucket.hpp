// TokenBucket: at most `capacity` messages at once and `refill` a second on average. The time is passed in.
#pragma once

#include <algorithm>
#include <chrono>

#include "core/timer.hpp"

namespace plait::hub {

class TokenBucket {
 public:
  /// A capacity of 0 never refuses.
  TokenBucket(double capacity, double refill_per_second, core::TimePoint now)
      : capacity_(capacity), refill_(refill_per_second), tokens_(capacity), filled_(now) {}

  /// Takes a token if there is one.
  [[nodiscard]] bool try_take(core::TimePoint now) {
    if (capacity_ <= 0) return true;
    fill(now);
    if (tokens_ < 1) return false;
    tokens_ -= 1;
    return true;
  }
  /// Seconds until try_take() succeeds again, from the time it was last called at; 0 also if it never does.
  [[nodiscard]] double retry_after() const {
    return tokens_ >= 1 || refill_ <= 0 || capacity_ < 1 ? 0 : (1 - tokens_) / refill_;
  }

 private:
  void fill(core::TimePoint now) {
    if (now <= filled_) return;
    tokens_ = std::min(capacity_, tokens_ + refill_ * std::chrono::duration<double>(now - filled_).count());
    filled_ = now;
  }

  double capacity_;
  double refill_;
  double tokens_;
  core::TimePoint filled_;
};

}  // namespace plait::hub
