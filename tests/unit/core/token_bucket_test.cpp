#include "core/token_bucket.hpp"

#include <gtest/gtest.h>

namespace plait::core {
namespace {

using std::chrono::milliseconds;

TEST(TokenBucket, TakesItsCapacityAtOnceAndThenItsRefill) {
  TimePoint now{};
  TokenBucket bucket{3, 10, now};
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(bucket.try_take(now));
  EXPECT_FALSE(bucket.try_take(now));
  EXPECT_DOUBLE_EQ(bucket.retry_after(), 0.1);
  EXPECT_FALSE(bucket.try_take(now += milliseconds{99}));
  EXPECT_TRUE(bucket.try_take(now += milliseconds{1}));
  EXPECT_FALSE(bucket.try_take(now));
}

TEST(TokenBucket, TakesSeveralAtOnceOrNone) {
  TokenBucket bucket{5, 1, {}};
  EXPECT_TRUE(bucket.try_take({}, 3));
  EXPECT_FALSE(bucket.try_take({}, 3));
  EXPECT_TRUE(bucket.try_take({}, 2));
}

TEST(TokenBucket, NeverHoldsMoreThanItsCapacity) {
  TimePoint now{};
  TokenBucket bucket{2, 10, now};
  now += milliseconds{60'000};
  EXPECT_TRUE(bucket.try_take(now));
  EXPECT_TRUE(bucket.try_take(now));
  EXPECT_FALSE(bucket.try_take(now));
}

TEST(TokenBucket, WhatNeverHoldsATokenNamesNoTime) {
  TokenBucket unfilled{1, 0, {}};
  EXPECT_TRUE(unfilled.try_take({}));
  EXPECT_FALSE(unfilled.try_take({}));
  EXPECT_EQ(unfilled.retry_after(), 0);
  TokenBucket small{0.5, 10, {}};
  EXPECT_FALSE(small.try_take({}));
  EXPECT_EQ(small.retry_after(), 0);
}

TEST(TokenBucket, CapacityZeroNeverRefuses) {
  TokenBucket bucket{0, 0, {}};
  for (int i = 0; i < 1000; ++i) EXPECT_TRUE(bucket.try_take({}));
}

}  // namespace
}  // namespace plait::core
