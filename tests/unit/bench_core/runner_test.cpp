#include "bench/runner.hpp"

#include <gtest/gtest.h>

namespace plait::bench {
namespace {

using namespace std::chrono_literals;

TEST(BenchRunner, TheGeneratorHasTimeForItsPlan) {
  Plan plan;
  plan.warmup_seconds = 0.2;
  plan.seconds = 300;
  EXPECT_EQ(generator_timeout(plan), 420'200ms);
  plan.seconds = 86'400;
  EXPECT_EQ(generator_timeout(plan), 86'520'200ms);
}

}  // namespace
}  // namespace plait::bench
