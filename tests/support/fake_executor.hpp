// FakeExecutor: a loop that turns by hand.
#pragma once

#include <deque>
#include <functional>
#include <utility>

#include "core/executor.hpp"

namespace plait::test {

class FakeExecutor final : public core::Executor {
 public:
  void post(std::function<void()> task) override { tasks_.push_back(std::move(task)); }
  [[nodiscard]] core::TimePoint now() const override { return now_; }
  void schedule(core::Timer& timer, core::TimePoint deadline) override { wheel_.schedule(timer, deadline); }

  /// Runs what was posted before the call. True if that was anything.
  bool run_posted() {
    const std::size_t count = tasks_.size();
    for (std::size_t i = 0; i < count; ++i) {
      const auto task = std::move(tasks_.front());
      tasks_.pop_front();
      task();
    }
    return count > 0;
  }
  void advance(core::TimePoint::duration time) {
    now_ += time;
    wheel_.advance(now_);
  }
  [[nodiscard]] std::size_t posted_count() const { return tasks_.size(); }
  [[nodiscard]] bool has_timers() const { return wheel_.next_deadline().has_value(); }

 private:
  std::deque<std::function<void()>> tasks_;
  core::TimePoint now_{};
  core::TimerWheel wheel_{core::TimePoint{}};
};

}  // namespace plait::test
