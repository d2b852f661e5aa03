#include "bench/components/echo/recorder.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace plait::bench {
namespace {

// What the published client computes: sorted(rtts)[int(0.95 * len(rtts)) - 1], where index -1 is the last element.
std::uint64_t as_python(std::vector<std::uint64_t> samples) {
  std::sort(samples.begin(), samples.end());
  const auto index = static_cast<std::ptrdiff_t>(0.95 * static_cast<double>(samples.size())) - 1;
  return index < 0 ? samples.back() : samples[static_cast<std::size_t>(index)];
}

TEST(PublishedP95, IsTheElementThatThePublishedClientPicks) {
  std::mt19937_64 random{5};
  for (std::size_t count = 1; count <= 2000; ++count) {
    std::vector<std::uint64_t> samples(count);
    for (auto& sample : samples) sample = random() % 1'000'000;
    const std::uint64_t expected = as_python(samples);
    EXPECT_EQ(published_p95(samples), expected) << count << " samples";
  }
}

TEST(PublishedP95, LiesOneBelowTheNearestRank) {
  std::vector<std::uint64_t> samples{10, 20, 30, 40, 50, 60, 70, 80, 90, 100};
  EXPECT_EQ(published_p95(samples), 90U);  // nearest rank: 100
}

EchoRecorder recorder_of(const std::vector<std::uint64_t>& round_trips, std::size_t samples_max) {
  EchoRecorder recorder{samples_max};
  std::uint64_t previous = EchoRecorder::kNoPrevious;
  for (const auto rtt : round_trips) recorder.record(rtt, previous);
  return recorder;
}

TEST(EchoRecorder, KeepsEverySampleWhileThereIsRoom) {
  EXPECT_EQ(recorder_of({5, 1, 3, 2, 4}, 5).exact_p95(), 4U);
  EXPECT_EQ(recorder_of({5, 1, 3, 2, 4}, 4).exact_p95(), std::nullopt);
  EXPECT_EQ(recorder_of({}, 4).exact_p95(), std::nullopt);
}

TEST(EchoRecorder, CountsInTheHistogramBeyondTheRoom) {
  const auto recorder = recorder_of({5, 1, 3, 2, 4}, 2);
  EXPECT_EQ(recorder.histogram().count(), 5U);
  EXPECT_DOUBLE_EQ(recorder.histogram().mean(), 3);
}

TEST(EchoRecorder, JitterIsTheMeanDifferenceOfNeighbours) {
  EXPECT_DOUBLE_EQ(recorder_of({100, 110, 90, 90}, 0).jitter(), 10);  // 10, 20, 0
  EXPECT_DOUBLE_EQ(recorder_of({100}, 0).jitter(), 0);
}

TEST(EchoRecorder, TheFirstOfAConnectionHasNoNeighbour) {
  EchoRecorder recorder{0};
  std::uint64_t first_connection = EchoRecorder::kNoPrevious;
  std::uint64_t second_connection = EchoRecorder::kNoPrevious;
  recorder.record(100, first_connection);
  recorder.record(500, second_connection);
  recorder.record(104, first_connection);
  recorder.record(502, second_connection);
  EXPECT_DOUBLE_EQ(recorder.jitter(), 3);
}

TEST(EchoRecorder, MergeJoinsSamplesAndJitter) {
  auto all = recorder_of({1, 2}, 8);
  all.merge(recorder_of({30, 40, 50}, 8));
  EXPECT_EQ(all.histogram().count(), 5U);
  EXPECT_EQ(all.exact_p95(), 40U);
  EXPECT_DOUBLE_EQ(all.jitter(), 7);
}

TEST(EchoRecorder, MergeWithOneThatRanOutOfRoomIsNotExact) {
  auto all = recorder_of({1, 2}, 8);
  all.merge(recorder_of({30, 40, 50}, 2));
  EXPECT_EQ(all.exact_p95(), std::nullopt);
  all.merge(recorder_of({7}, 2));
  EXPECT_EQ(all.exact_p95(), std::nullopt);
  EXPECT_EQ(all.histogram().count(), 6U);
}

}  // namespace
}  // namespace plait::bench
