// The public Timer, on a loop that turns by hand.
#include <plait/executor.hpp>

#include <gtest/gtest.h>

#include <memory>
#include <stdexcept>
#include <vector>

#include "support/fake_executor.hpp"

namespace plait {
namespace {

using namespace std::chrono_literals;

class TimerTest : public testing::Test {
 protected:
  void pass(Duration time) {
    for (Duration left = time; left > 0ms; left -= 1ms) executor_.advance(1ms);
  }

  test::FakeExecutor executor_;
  int calls_ = 0;
  Timer timer_{executor_, [this] { ++calls_; }};
};

TEST_F(TimerTest, CallsOnceAfterItsDelay) {
  EXPECT_FALSE(timer_.is_set());
  timer_.after(100ms);
  EXPECT_TRUE(timer_.is_set());
  pass(99ms);
  EXPECT_EQ(calls_, 0);
  pass(10ms);
  EXPECT_EQ(calls_, 1);
  EXPECT_FALSE(timer_.is_set());
  pass(1s);
  EXPECT_EQ(calls_, 1);
}

// 50 ms is no multiple of the wheel's 8: each call is late by a little, and the sum of that stays as little.
TEST_F(TimerTest, LatenessDoesNotAddUp) {
  timer_.every(50ms);
  pass(10s + 8ms);
  EXPECT_EQ(calls_, 200);
  timer_.cancel();
  pass(1s);
  EXPECT_EQ(calls_, 200);
}

TEST_F(TimerTest, CallsThatALateLoopHasMissedAreLeftOut) {
  timer_.every(50ms);
  executor_.advance(1s);
  EXPECT_EQ(calls_, 1);
  pass(58ms);
  EXPECT_EQ(calls_, 2);
}

TEST_F(TimerTest, WhatIsSetAnewTakesThePlaceOfWhatWasBefore) {
  timer_.every(10ms);
  timer_.after(1s);
  pass(990ms);
  EXPECT_EQ(calls_, 0);
  pass(2s);
  EXPECT_EQ(calls_, 1);
  timer_.after(Duration::max());
  pass(1s);
  EXPECT_EQ(calls_, 1);
}

TEST_F(TimerTest, MayBeSetAnewCancelledAndDestroyedFromInsideItsFunction) {
  std::unique_ptr<Timer> timer;
  std::vector<int> seen;
  const auto kept = std::make_shared<int>(7);
  timer = std::make_unique<Timer>(executor_, [&, kept] {
    seen.push_back(static_cast<int>(seen.size()));
    if (seen.size() == 1) return timer->after(30ms);
    if (seen.size() == 2) return timer->every(20ms);
    if (seen.size() < 5) return;
    timer.reset();
    seen.push_back(*kept);  // the function lasts until it returns
  });
  timer->every(10ms);
  pass(1s);
  EXPECT_EQ(seen, (std::vector<int>{0, 1, 2, 3, 4, 7}));
}

TEST_F(TimerTest, GoesOnWhenItsFunctionThrows) {
  Timer throwing{executor_, [this] {
                   ++calls_;
                   throw std::runtime_error{"user"};
                 }};
  throwing.every(10ms);
  pass(100ms);
  EXPECT_GE(calls_, 5);
}

TEST(TimerOfAnExecutor, MayOutliveIt) {
  auto executor = std::make_unique<test::FakeExecutor>();
  Timer timer{*executor, [] {}};
  timer.every(10ms);
  executor.reset();
  EXPECT_FALSE(timer.is_set());
}

}  // namespace
}  // namespace plait
