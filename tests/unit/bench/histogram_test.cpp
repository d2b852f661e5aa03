#include "bench/components/histogram.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>
#include <sstream>
#include <vector>

namespace plait::bench {
namespace {

constexpr double kPrecision = 1.0 / 1024;

// Nearest rank in integers, so that the test does not share the histogram's rounding.
std::uint64_t exact_percentile(const std::vector<std::uint64_t>& sorted, std::size_t hundredths) {
  const std::size_t rank = (hundredths * sorted.size() + 9999) / 10'000;
  return sorted[std::max<std::size_t>(rank, 1) - 1];
}

std::vector<std::uint64_t> log_uniform_values(std::size_t count, std::uint64_t seed) {
  std::mt19937_64 random{seed};
  std::uniform_real_distribution<double> exponent{0, std::log(static_cast<double>(Histogram::kValueMax))};
  std::vector<std::uint64_t> values(count);
  for (auto& value : values) {
    value = std::clamp<std::uint64_t>(static_cast<std::uint64_t>(std::exp(exponent(random))), Histogram::kValueMin,
                                      Histogram::kValueMax);
  }
  return values;
}

TEST(Histogram, EmptyHasNoValues) {
  const Histogram histogram;
  EXPECT_EQ(histogram.count(), 0U);
  EXPECT_EQ(histogram.min(), 0U);
  EXPECT_EQ(histogram.max(), 0U);
  EXPECT_EQ(histogram.mean(), 0);
  EXPECT_EQ(histogram.stddev(), 0);
  EXPECT_EQ(histogram.percentile(99), 0U);
}

TEST(Histogram, EveryValueBelow2048IsExact) {
  Histogram histogram;
  for (std::uint64_t value = 1; value < 2048; ++value) histogram.record(value);
  for (std::uint64_t value = 1; value < 2048; ++value) {
    EXPECT_EQ(histogram.percentile(100.0 * static_cast<double>(value) / 2047), value);
  }
}

TEST(Histogram, CellsMeetWithoutGapOrOverlapAtEveryDoubling) {
  for (unsigned bit = 1; (std::uint64_t{1} << bit) < Histogram::kValueMax; ++bit) {
    const std::uint64_t boundary = std::uint64_t{1} << bit;
    Histogram histogram;
    histogram.record(boundary - 1);
    histogram.record(boundary);
    EXPECT_EQ(histogram.percentile(50), boundary - 1) << "2^" << bit;
  }
}

TEST(Histogram, PercentilesAgreeWithTheSortedValuesToThreeDigits) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    auto values = log_uniform_values(5000, seed);
    Histogram histogram;
    for (const auto value : values) histogram.record(value);
    std::sort(values.begin(), values.end());
    for (const unsigned p : {0U, 100U, 5000U, 9000U, 9500U, 9900U, 9990U, 9999U, 10'000U}) {
      const auto exact = static_cast<double>(exact_percentile(values, p));
      const auto read = static_cast<double>(histogram.percentile(p / 100.0));
      EXPECT_GE(read, exact) << "seed " << seed << " p" << p;
      EXPECT_LE(read, exact * (1 + kPrecision)) << "seed " << seed << " p" << p;
    }
    EXPECT_EQ(histogram.min(), values.front());
    EXPECT_EQ(histogram.max(), values.back());
  }
}

TEST(Histogram, MeanIsExactAndStddevToThreeDigits) {
  const auto values = log_uniform_values(5000, 7);
  Histogram histogram;
  for (const auto value : values) histogram.record(value);
  const double mean = std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
  double squares = 0;
  for (const auto value : values) squares += std::pow(static_cast<double>(value) - mean, 2);
  EXPECT_NEAR(histogram.mean(), mean, mean * 1e-9);
  const double stddev = std::sqrt(squares / static_cast<double>(values.size()));
  EXPECT_NEAR(histogram.stddev(), stddev, stddev * kPrecision);
}

TEST(Histogram, ValuesOutsideTheRangeCountAsTheNearestInside) {
  Histogram histogram;
  histogram.record(0);
  histogram.record(Histogram::kValueMax + 1);
  histogram.record(~std::uint64_t{0});
  EXPECT_EQ(histogram.count(), 3U);
  EXPECT_EQ(histogram.min(), Histogram::kValueMin);
  EXPECT_EQ(histogram.max(), Histogram::kValueMax);
  EXPECT_EQ(histogram.percentile(50), Histogram::kValueMax);
}

TEST(Histogram, MergeEqualsRecordingEverythingInOne) {
  const auto values = log_uniform_values(2000, 3);
  Histogram all;
  Histogram even;
  Histogram odd;
  for (std::size_t i = 0; i < values.size(); ++i) {
    all.record(values[i]);
    (i % 2 == 0 ? even : odd).record(values[i]);
  }
  even.merge(odd);
  even.merge(Histogram{});
  EXPECT_EQ(even.count(), all.count());
  EXPECT_EQ(even.min(), all.min());
  EXPECT_EQ(even.max(), all.max());
  EXPECT_NEAR(even.mean(), all.mean(), all.mean() * 1e-9);
  for (double p = 0; p <= 100; p += 0.5) EXPECT_EQ(even.percentile(p), all.percentile(p));
}

TEST(Histogram, MergeIntoAnEmptyOneKeepsTheMinimum) {
  Histogram from;
  from.record(500);
  Histogram into;
  into.merge(from);
  EXPECT_EQ(into.min(), 500U);
}

TEST(Histogram, CountRecordsSeveralAtOnce) {
  Histogram histogram;
  histogram.record(10, 99);
  histogram.record(1000);
  histogram.record(5000, 0);
  EXPECT_EQ(histogram.percentile(99), 10U);
  EXPECT_EQ(histogram.percentile(99.1), 1000U);
  EXPECT_EQ(histogram.max(), 1000U);
}

TEST(Histogram, DistributionListsIncreasingQuantilesThatEndAtOne) {
  Histogram histogram;
  for (const auto value : log_uniform_values(1000, 11)) histogram.record(value);
  std::istringstream text{histogram.distribution(1000)};
  std::string line;
  std::getline(text, line);
  EXPECT_EQ(line, "       Value     Percentile TotalCount 1/(1-Percentile)");
  double quantile = 0;
  double value = 0;
  std::uint64_t seen = 0;
  std::size_t lines = 0;
  while (std::getline(text, line) && line.rfind('#', 0) != 0) {
    double next_value = 0;
    double next_quantile = 0;
    if (std::istringstream row{line}; row >> next_value >> next_quantile >> seen) {
      EXPECT_GT(next_quantile, quantile);
      EXPECT_GE(next_value, value);
      quantile = next_quantile;
      value = next_value;
      ++lines;
    }
  }
  EXPECT_EQ(quantile, 1);
  EXPECT_EQ(seen, 1000U);
  EXPECT_GT(lines, 20U);
  EXPECT_NEAR(value, static_cast<double>(histogram.max()) / 1000, 0.001);
}

}  // namespace
}  // namespace plait::bench
