#include "bench/components/units.hpp"

#include <gtest/gtest.h>

namespace plait::bench {
namespace {

using namespace std::chrono_literals;

TEST(Rate, NamesThreeUnitsOfTheSameRate) {
  const Rate rate{1024 * 1024 * 10, 1s};
  EXPECT_DOUBLE_EQ(rate.mebibytes(), 10);
  EXPECT_DOUBLE_EQ(rate.megabytes(), 10.48576);
  EXPECT_DOUBLE_EQ(rate.gigabits(), 0.08388608);
}

// 1024 bytes × 2000 in 60.39 ms was published as "32.34 MB/s": one way, and MiB.
TEST(Rate, ReproducesThePublishedRow) {
  const Rate rate{std::uint64_t{1024} * 2000, 60'390us};
  EXPECT_NEAR(rate.mebibytes(), 32.34, 0.01);
  EXPECT_NEAR(rate.megabytes(), 33.91, 0.01);
}

TEST(Rate, ZeroTimeIsNoRate) {
  EXPECT_EQ(Rate(100, 0ns).bytes_per_second, 0);
  EXPECT_EQ(per_second(100, 0ns), 0);
}

TEST(PerSecond, Counts) { EXPECT_DOUBLE_EQ(per_second(500, 250ms), 2000); }

}  // namespace
}  // namespace plait::bench
