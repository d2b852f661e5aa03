// A timer that rings at an interval for as long as it lives.
#pragma once

#include <plait/limits.hpp>

#include "core/bounded.hpp"
#include "core/executor.hpp"

namespace plait::messaging {

class MonitorClock : private core::Timer {
 public:
  /// `executor` may be null: then it never rings. Rings at once, too, that is in the loop's next turn.
  MonitorClock(core::Executor* executor, Duration interval) : executor_(executor), interval_(core::bounded(interval)) {
    if (executor_ == nullptr) return;
    begin_ = executor_->now();
    executor_->schedule(*this, begin_);
  }

  [[nodiscard]] Duration now() const { return executor_ == nullptr ? Duration{} : executor_->now() - begin_; }

 protected:
  virtual void on_ring(Duration time, Duration late) = 0;

 private:
  void on_timer(core::TimePoint now) override {
    const Duration late = rung_ ? now - deadline() : Duration{};  // a server may have been made long before it runs
    rung_ = true;
    executor_->schedule(*this, now + interval_);
    on_ring(now - begin_, late);
  }

  core::Executor* executor_;
  Duration interval_;
  core::TimePoint begin_{};
  bool rung_ = false;
};

}  // namespace plait::messaging
