#include "bench/statistics.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>
#include <utility>

namespace plait::bench {
namespace {

TEST(BenchStatistics, MedianOfOddAndEvenCounts) {
  EXPECT_DOUBLE_EQ(summarize(std::vector<double>{5, 1, 3}).median, 3);
  EXPECT_DOUBLE_EQ(summarize(std::vector<double>{5, 1, 3, 4}).median, 3.5);
  EXPECT_DOUBLE_EQ(summarize(std::vector<double>{7}).median, 7);
}

TEST(BenchStatistics, SummaryOfNothingIsZero) {
  const Summary summary = summarize({});
  EXPECT_EQ(summary.count, 0U);
  EXPECT_EQ(summary.median, 0);
  EXPECT_EQ(summary.stddev, 0);
}

TEST(BenchStatistics, StandardDeviationIsTheSamples) {
  const Summary summary = summarize(std::vector<double>{2, 4, 4, 4, 5, 5, 7, 9});
  EXPECT_DOUBLE_EQ(summary.mean, 5);
  EXPECT_NEAR(summary.stddev, 2.13809, 1e-5);
  EXPECT_DOUBLE_EQ(summary.min, 2);
  EXPECT_DOUBLE_EQ(summary.max, 9);
  EXPECT_EQ(summarize(std::vector<double>{3}).stddev, 0);
}

std::vector<double> first_numbers(std::size_t count) {
  std::vector<double> values(count);
  std::iota(values.begin(), values.end(), 1.0);
  return values;
}

// Ranks from tables of the sign test, two-sided 5 %: what is outside at each end is its critical value.
TEST(BenchStatistics, TheIntervalOfTheMedianIsThatOfTheSignTest) {
  const std::vector<std::pair<std::size_t, double>> lows{{1, 1},  {5, 1},  {6, 1},   {8, 1},    {9, 2},
                                                         {15, 4}, {25, 8}, {60, 22}, {100, 40}, {5000, 2431}};
  for (const auto& [count, low] : lows) {
    const Summary summary = summarize(first_numbers(count));
    EXPECT_DOUBLE_EQ(summary.low, low) << count;
    EXPECT_DOUBLE_EQ(summary.high, static_cast<double>(count) + 1 - low) << count;
  }
}

TEST(BenchStatistics, RatiosPairRoundsNotMedians) {
  // The ratio of the medians is 2.2.
  const std::vector<double> ours{220, 220, 55};
  const std::vector<double> theirs{100, 200, 50};
  EXPECT_THAT(paired_ratios(ours, theirs),
              testing::ElementsAre(testing::DoubleEq(2.2), testing::DoubleEq(1.1), testing::DoubleEq(1.1)));
}

TEST(BenchStatistics, RoundsThatOneSideLacksAreLeftOut) {
  EXPECT_EQ(paired_ratios(std::vector<double>{1, 2, 3}, std::vector<double>{1, 2}).size(), 2U);
  EXPECT_TRUE(paired_ratios(std::vector<double>{1}, std::vector<double>{0}).empty());
  EXPECT_TRUE(paired_ratios(std::vector<double>{0}, std::vector<double>{1}).empty());
}

}  // namespace
}  // namespace plait::bench
