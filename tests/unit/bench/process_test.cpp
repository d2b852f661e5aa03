#include "bench/components/process.hpp"

#include <gtest/gtest.h>

namespace plait::bench {
namespace {

constexpr std::chrono::seconds kPatience{20};

TEST(BenchProcess, WhatCannotRunOnItsCpuDoesNotRun) {
  auto process = Process::start({"true"}, 1'000'000);
  ASSERT_TRUE(process);
  ASSERT_TRUE(process->has_ended(kPatience));
  EXPECT_EQ(process->exit_status(), 127);
  EXPECT_EQ(process->errors(), "cannot run on its CPU: Invalid argument");
}

TEST(BenchProcess, WhatCannotBeExecutedSaysWhy) {
  auto process = Process::start({"/nonexistent/program"}, std::nullopt);
  ASSERT_TRUE(process);
  ASSERT_TRUE(process->has_ended(kPatience));
  EXPECT_EQ(process->exit_status(), 127);
  EXPECT_EQ(process->errors(), "No such file or directory");
}

}  // namespace
}  // namespace plait::bench
