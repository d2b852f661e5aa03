#include "net/alarm.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <memory>

#include "unit/net/support.hpp"

namespace plait::net {
namespace {

using namespace test;

/// One that counts, and can do something besides.
struct Bell {
  explicit Bell(Loop& loop) : alarm(loop, [this] { ring(); }) {}
  void ring() {
    ++rung;
    if (then) then();
  }
  int rung = 0;
  std::function<void()> then;
  Alarm alarm;
};

struct Alarms : testing::Test {
  Loop loop = Loop{};
  void SetUp() override { ASSERT_TRUE(loop.open()); }
};

TEST_F(Alarms, RingOnceAndNeverEarly) {
  Bell bell{loop};
  const auto deadline = loop.now() + 3ms;
  bell.alarm.set(deadline);
  while (bell.rung == 0) loop.run_once(1h);
  EXPECT_GE(std::chrono::steady_clock::now(), deadline);
  loop.run_once(20ms);
  EXPECT_EQ(bell.rung, 1);
}

TEST_F(Alarms, TheLastDeadlineHolds) {
  Bell later{loop};
  Bell sooner{loop};
  Bell never{loop};
  const auto soon = loop.now() + 5ms;
  later.alarm.set(soon);
  later.alarm.set(soon + 1h);
  sooner.alarm.set(soon + 1h);
  loop.run_once(1ms);  // which sets the timer
  sooner.alarm.set(soon);
  never.alarm.set(soon);
  never.alarm.clear();
  while (sooner.rung == 0) loop.run_once(1h);
  EXPECT_EQ(later.rung, 0);
  EXPECT_EQ(never.rung, 0);
}

TEST_F(Alarms, OneThatIsDueDoesNotWait) {
  Bell bell{loop};
  bell.alarm.set(core::TimePoint{});
  while (bell.rung == 0) loop.run_once(1h);
}

TEST_F(Alarms, RingInEveryTurnThatIsLateEnough) {
  Bell bell{loop};
  bell.alarm.set(loop.now());
  loop.run_once(0ms);
  EXPECT_EQ(bell.rung, 1);
}

TEST_F(Alarms, OneThatIsAlwaysDueKeepsNoneWaiting) {
  Bell greedy{loop};
  Bell other{loop};
  greedy.then = [&] { greedy.alarm.set(core::TimePoint{}); };
  greedy.alarm.set(core::TimePoint{});
  other.alarm.set(core::TimePoint{});
  loop.run_once(0ms);
  EXPECT_EQ(greedy.rung, 1);
  EXPECT_EQ(other.rung, 1);
}

TEST_F(Alarms, ARingMayMakeAndDestroyOthers) {
  Bell first{loop};
  auto doomed = std::make_unique<Bell>(loop);
  std::unique_ptr<Bell> made;
  doomed->then = [] { FAIL() << "destroyed before its turn"; };
  first.then = [&] {
    doomed.reset();
    made = std::make_unique<Bell>(loop);
    made->alarm.set(core::TimePoint{});
  };
  first.alarm.set(core::TimePoint{});
  doomed->alarm.set(core::TimePoint{});
  loop.run_once(0ms);
  EXPECT_EQ(first.rung, 1);
  while (made->rung == 0) loop.run_once(1h);
}

// As with the wheel's timers, whichever is first wakes the loop.
TEST_F(Alarms, RingBesideTimers) {
  Bell bell{loop};
  bool expired = false;
  CallingTimer timer{[&](core::TimePoint) { expired = true; }};
  loop.schedule(timer, loop.now() + 1h);
  bell.alarm.set(loop.now() + 2ms);
  while (bell.rung == 0) loop.run_once(1h);
  EXPECT_FALSE(expired);
  loop.schedule(timer, loop.now() + 2ms);
  bell.alarm.set(loop.now() + 1h);
  while (!expired) loop.run_once(1h);
  EXPECT_EQ(bell.rung, 1);
}

TEST(SpinningAlarms, EndASpinOfHours) {
  const auto loop = Loop::make({.busy_poll = 100h});
  ASSERT_TRUE(loop);
  Bell bell{**loop};
  for (int i = 1; i <= 3; ++i) {
    bell.alarm.set((*loop)->now() + 1ms);
    while (bell.rung < i) (*loop)->run_once(100h);
  }
}

}  // namespace
}  // namespace plait::net
