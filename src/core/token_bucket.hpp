// TokenBucket: at most `capacity` tokens at once and `refill` a second on average. The time is passed in.
#pragma once

#include <algorithm>
#include <chrono>

#include "core/timer.hpp"

namespace plait::core {

class TokenBucket {
 public:
  /// A capacity of 0 never refuses.
  TokenBucket(double capacity, double refill_per_second, TimePoint now)
      : capacity_(capacity), refill_(refill_per_second), tokens_(capacity), filled_(now) {}

  /// Takes `count` tokens if there are as many.
  [[nodiscard]] bool try_take(TimePoint now, double count = 1) {
    if (capacity_ <= 0) return true;
    fill(now);
    if (tokens_ < count) return false;
    tokens_ -= count;
    return true;
  }
  /// Seconds until try_take() gets a token again, from the time it was last called at; 0 also if it never does.
  [[nodiscard]] double retry_after() const {
    return tokens_ >= 1 || refill_ <= 0 || capacity_ < 1 ? 0 : (1 - tokens_) / refill_;
  }

 private:
  void fill(TimePoint now) {
    if (now <= filled_) return;
    tokens_ = std::min(capacity_, tokens_ + refill_ * std::chrono::duration<double>(now - filled_).count());
    filled_ = now;
  }

  double capacity_;
  double refill_;
  double tokens_;
  TimePoint filled_;
};

}  // namespace plait::core
