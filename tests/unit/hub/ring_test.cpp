#include "hub/ring.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <thread>

namespace plait::hub {
namespace {

TEST(Ring, KeepsOrderAroundItsEnd) {
  Ring<int> ring{4};
  int pushed = 0;
  int taken = 0;
  for (int round = 0; round < 100; ++round) {
    while (ring.room(1) > 0) ring.push(int{pushed++});
    EXPECT_EQ(ring.waiting(), 4u);
    for (int i = 0; i < 3; ++i) EXPECT_EQ(ring.take(), taken++);
  }
}

TEST(Ring, CapacityIsExact) {
  Ring<int> ring{5};
  EXPECT_EQ(ring.room(5), 5u);
  ring.push(1);
  EXPECT_EQ(ring.room(5), 4u);
  EXPECT_EQ(ring.take(), 1);
  EXPECT_EQ(ring.room(5), 5u);
}

TEST(Ring, WeightIsThatOfWhatWaits) {
  struct Itself {
    std::size_t operator()(int entry) const { return static_cast<std::size_t>(entry); }
  };
  Ring<int, Itself> ring{4};
  EXPECT_TRUE(ring.weighs_less_than(1));
  ring.push(10);
  ring.push(5);
  EXPECT_FALSE(ring.weighs_less_than(15));
  EXPECT_TRUE(ring.weighs_less_than(16));
  EXPECT_EQ(ring.take(), 10);
  EXPECT_FALSE(ring.weighs_less_than(5));
  EXPECT_TRUE(ring.weighs_less_than(6));
  EXPECT_EQ(ring.take(), 5);
  EXPECT_TRUE(ring.weighs_less_than(1));
}

TEST(Ring, UnusedRingHasNoMemory) {
  Ring<int> ring{std::size_t{1} << 40};
  EXPECT_EQ(ring.allocated(), 0u);
  ring.push(1);
  EXPECT_EQ(ring.allocated(), Ring<int>::kChunkEntries);
}

TEST(Ring, MemoryFollowsWhatWaits) {
  constexpr std::size_t kChunk = Ring<int>::kChunkEntries;
  Ring<int> ring{100 * kChunk};
  int pushed = 0;
  int taken = 0;
  const auto turn = [&](std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) ring.push(int{pushed++});
    while (ring.waiting() > 0) ASSERT_EQ(ring.take(), taken++);
  };
  for (int i = 0; i < 1000; ++i) turn(7);
  EXPECT_LE(ring.allocated(), 2 * kChunk);
  turn(100 * kChunk);
  EXPECT_LE(ring.allocated(), 101 * kChunk);
  turn(2 * kChunk);
  EXPECT_LE(ring.allocated(), 3 * kChunk) << "given back after a burst";
}

TEST(Ring, TwoThreadsKeepTheOrder) {
  constexpr std::size_t kEntries = 50'000;
  Ring<std::size_t> ring{1000};
  std::thread producer{[&] {
    for (std::size_t i = 0; i < kEntries;) {
      if (ring.room(1) > 0) {
        ring.push(std::size_t{i++});
      } else {
        std::this_thread::yield();
      }
    }
  }};
  std::size_t wrong = 0;
  for (std::size_t i = 0; i < kEntries;) {
    for (std::size_t left = ring.waiting(); left > 0; --left) wrong += ring.take() == i++ ? 0 : 1;
    std::this_thread::yield();
  }
  producer.join();
  EXPECT_EQ(wrong, 0u);
}

TEST(Ring, LetsGoOfWhatWasTaken) {
  Ring<std::shared_ptr<int>> ring{2};
  auto value = std::make_shared<int>(1);
  ring.push(std::shared_ptr<int>{value});
  EXPECT_EQ(value.use_count(), 2);
  ring.take().reset();
  EXPECT_EQ(value.use_count(), 1);
}

}  // namespace
}  // namespace plait::hub
