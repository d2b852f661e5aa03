#include "core/timer.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <random>
#include <vector>

namespace plait::core {
namespace {

using namespace std::chrono_literals;

class RecordingTimer : public Timer {
 public:
  std::vector<TimePoint> fired;
  std::function<void()> then;

 protected:
  void on_timer(TimePoint now) override {
    fired.push_back(now);
    if (then) then();
  }
};

const TimePoint kStart{1h};

TEST(TimerWheel, ExpiresNeverEarlyAndAtMostOneTickLate) {
  std::mt19937 random{7};
  std::uniform_int_distribution<int> milliseconds{0, 20'000};
  TimerWheel wheel{kStart};
  std::vector<std::unique_ptr<RecordingTimer>> timers;
  for (int i = 0; i < 500; ++i) {
    timers.push_back(std::make_unique<RecordingTimer>());
    wheel.schedule(*timers.back(), kStart + std::chrono::milliseconds{milliseconds(random)});
  }
  for (auto time = kStart; time < kStart + 21s; time += 1ms) wheel.advance(time);
  for (const auto& timer : timers) {
    ASSERT_EQ(timer->fired.size(), 1U);
    EXPECT_GE(timer->fired[0], timer->deadline());
    EXPECT_LE(timer->fired[0], timer->deadline() + TimerWheel::kTick + 1ms);
  }
  EXPECT_EQ(wheel.next_deadline(), std::nullopt);
}

TEST(TimerWheel, CancelledTimerDoesNotExpire) {
  TimerWheel wheel{kStart};
  RecordingTimer timer;
  wheel.schedule(timer, kStart + 10ms);
  EXPECT_TRUE(timer.armed());
  timer.cancel();
  EXPECT_FALSE(timer.armed());
  wheel.advance(kStart + 1s);
  EXPECT_TRUE(timer.fired.empty());
}

TEST(TimerWheel, DestroyedTimerCancelsItself) {
  TimerWheel wheel{kStart};
  {
    RecordingTimer timer;
    wheel.schedule(timer, kStart + 10ms);
  }
  wheel.advance(kStart + 1s);
  EXPECT_EQ(wheel.next_deadline(), std::nullopt);
}

TEST(TimerWheel, TimerMayRescheduleItselfAndCancelItsNeighbours) {
  TimerWheel wheel{kStart};
  RecordingTimer first, second;
  wheel.schedule(second, kStart + 10ms);
  wheel.schedule(first, kStart + 10ms);  // the newest of a slot expires first
  first.then = [&] {
    second.cancel();
    if (first.fired.size() < 3) wheel.schedule(first, first.fired.back() + 10ms);
  };
  for (auto time = kStart; time < kStart + 1s; time += 1ms) wheel.advance(time);
  EXPECT_EQ(first.fired.size(), 3U);
  EXPECT_TRUE(second.fired.empty());
}

TEST(TimerWheel, AJumpOfManyTurnsExpiresEverythingOnce) {
  TimerWheel wheel{kStart};
  RecordingTimer near, far;
  wheel.schedule(near, kStart + 5ms);
  wheel.schedule(far, kStart + 60s);
  wheel.advance(kStart + 1h);
  EXPECT_EQ(near.fired.size(), 1U);
  EXPECT_EQ(far.fired.size(), 1U);
}

TEST(TimerWheel, NextDeadlineIsNeverMoreThanOneTickLate) {
  TimerWheel wheel{kStart};
  for (int milliseconds : {1, 7, 8, 9, 63, 64, 500, 511, 512, 513, 4095, 4096, 4097, 9000}) {
    RecordingTimer timer;
    const TimePoint deadline = kStart + std::chrono::milliseconds{milliseconds};
    wheel.schedule(timer, deadline);
    ASSERT_TRUE(wheel.next_deadline());
    EXPECT_LE(*wheel.next_deadline(), deadline + TimerWheel::kTick);
  }
}

// Further away than one turn it is asked for once a turn, and too early where another was cancelled.
TEST(TimerWheel, NextDeadlineIsNotEarlyWithinATurn) {
  for (int milliseconds : {8, 9, 500, 3000, 4000}) {
    TimerWheel wheel{kStart};
    RecordingTimer timer;
    const TimePoint deadline = kStart + std::chrono::milliseconds{milliseconds};
    wheel.schedule(timer, deadline);
    ASSERT_TRUE(wheel.next_deadline());
    EXPECT_GE(*wheel.next_deadline(), deadline - TimerWheel::kTick) << milliseconds;
  }
}

}  // namespace
}  // namespace plait::core
