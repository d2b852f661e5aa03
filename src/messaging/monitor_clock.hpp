// A timer that rings at an interval for as long as it lives.
#pragma once

#include <plait/limits.hpp>

#include <functional>
#include <utility>

#include "core/bounded.hpp"
#include "core/executor.hpp"

namespace plait::messaging {

class MonitorClock final : private core::Timer {
 public:
  /// Told the time since the clock began, and how much later than planned it is.
  using OnRing = std::function<void(Duration time, Duration late)>;

  /// `executor` may be null: then it never rings. Rings at once, too, that is in the loop's next turn.
  MonitorClock(core::Executor* executor, Duration interval, OnRing on_ring)
      : executor_(executor), interval_(core::bounded(interval)), on_ring_(std::move(on_ring)) {
    if (executor_ == nullptr) return;
    begin_ = executor_->now();
    executor_->schedule(*this, begin_);
  }

 private:
  void on_timer(core::TimePoint now) override {
    const Duration late = rung_ ? now - deadline() : Duration{};  // a server may have been made long before it runs
    rung_ = true;
    executor_->schedule(*this, now + interval_);
    on_ring_(now - begin_, late);
  }

  core::Executor* const executor_;
  const Duration interval_;
  const OnRing on_ring_;
  core::TimePoint begin_{};
  bool rung_ = false;
};

}  // namespace plait::messaging
