#include "net/busy_poll.hpp"

#include <gtest/gtest.h>

namespace plait::net {
namespace {

using namespace std::chrono_literals;

void miss_until_dead(BusyPollBudget& budget) {
  for (int i = 0; i < 10 && budget.current() > 0s; ++i) budget.spin_found_nothing(budget.current());
  ASSERT_EQ(budget.current(), 0s);
}

TEST(BusyPollBudget, ZeroNeverSpins) {
  BusyPollBudget budget{0s};
  EXPECT_FALSE(budget.enabled());
  EXPECT_EQ(budget.current(), 0s);
}

TEST(BusyPollBudget, HalvesWhenNothingIsFoundAndDoublesWhenWorkIs) {
  BusyPollBudget budget{48us};
  EXPECT_EQ(budget.current(), 48us);
  budget.spin_found_nothing(48us);
  EXPECT_EQ(budget.current(), 24us);
  budget.spin_found_nothing(24us);
  EXPECT_EQ(budget.current(), 12us);
  budget.spin_found_work();
  EXPECT_EQ(budget.current(), 24us);
  budget.spin_found_work();
  budget.spin_found_work();
  EXPECT_EQ(budget.current(), 48us) << "never above the maximum";
}

TEST(BusyPollBudget, DiesBelowTheFloor) {
  BusyPollBudget budget{48us};
  budget.spin_found_nothing(48us);
  budget.spin_found_nothing(24us);
  budget.spin_found_nothing(12us);
  EXPECT_EQ(budget.current(), 6us) << "the floor is an eighth";
  budget.spin_found_nothing(6us);
  EXPECT_EQ(budget.current(), 0s);
}

TEST(BusyPollBudget, DiesAtOnceWhenPreempted) {
  BusyPollBudget budget{50us};
  budget.spin_found_nothing(100us);
  EXPECT_EQ(budget.current(), 25us) << "twice the budget may be noise";
  budget.spin_found_nothing(51us);
  EXPECT_EQ(budget.current(), 0s);
}

TEST(BusyPollBudget, ComesBackAfterQuickBlocksOnly) {
  BusyPollBudget budget{50us};
  miss_until_dead(budget);
  for (int i = 0; i < 100; ++i) budget.block_found_work(51us);
  EXPECT_EQ(budget.current(), 0s);
  budget.block_found_work(50us);
  budget.block_found_work(50us);
  EXPECT_EQ(budget.current(), 50us);
}

TEST(BusyPollBudget, EachFailedTrialNeedsTwiceAsManyQuickBlocks) {
  BusyPollBudget budget{50us};
  std::uint32_t expected = 1;
  for (int trial = 0; trial < 15; ++trial) {
    miss_until_dead(budget);
    expected = std::min(BusyPollBudget::kBlocksMax, expected * 2);
    for (std::uint32_t i = 1; i < expected; ++i) budget.block_found_work(8us);
    ASSERT_EQ(budget.current(), 0s) << trial;
    budget.block_found_work(8us);
    ASSERT_EQ(budget.current(), 50us) << trial;
  }
  EXPECT_EQ(expected, BusyPollBudget::kBlocksMax);
}

TEST(BusyPollBudget, SuccessMakesTheNextTrialComeSooner) {
  BusyPollBudget budget{50us};
  miss_until_dead(budget);
  for (int i = 0; i < 2; ++i) budget.block_found_work(8us);
  miss_until_dead(budget);
  for (int i = 0; i < 4; ++i) budget.block_found_work(8us);
  ASSERT_EQ(budget.current(), 50us);
  budget.spin_found_work();
  budget.spin_found_work();
  miss_until_dead(budget);
  budget.block_found_work(8us);
  ASSERT_EQ(budget.current(), 0s);
  budget.block_found_work(8us);
  EXPECT_EQ(budget.current(), 50us);
}

/// A peer on the same CPU answers only once this thread blocks: what the trials cost of a ping-pong of 12 µs a turn.
TEST(BusyPollBudget, CostsLessThanOnePercentWhenThePeerNeedsThisCpu) {
  BusyPollBudget budget{50us};
  BusyPollBudget::Duration spun{0};
  BusyPollBudget::Duration worked{0};
  for (int turn = 0; turn < 1'000'000; ++turn) {
    if (budget.current() > 0s) {
      spun += budget.current();
      budget.spin_found_nothing(budget.current());
    } else {
      budget.block_found_work(6us);
    }
    worked += 12us;
  }
  EXPECT_LT(spun * 100, worked);
}

}  // namespace
}  // namespace plait::net
