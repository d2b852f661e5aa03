#include <plait/result.hpp>

#include <gtest/gtest.h>

#include <string>
#include <utility>

namespace plait {
namespace {

// error() of a Result<void, int> that held none gave any number.
TEST(ResultDeathTest, WhatIsNotThereEndsTheProcess) {
  using Number = Result<int, int>;
  [[maybe_unused]] volatile int sink = 0;
  Number number = 1;
  Number none = err(2);
  EXPECT_DEATH(sink = number.error(), "");
  EXPECT_DEATH(sink = none.value(), "");
  EXPECT_DEATH(sink = *none, "");
  EXPECT_DEATH(sink = *std::as_const(none), "");
  EXPECT_DEATH(sink = *std::move(none), "");
  Result<void, int> done;
  EXPECT_DEATH(sink = done.error(), "");
}

TEST(Result, WhatIsThereIsGiven) {
  const Result<std::string, int> text = std::string{"text"};
  EXPECT_EQ(text.value(), "text");
  EXPECT_EQ(text->size(), 4U);
  EXPECT_EQ((Result<std::string, int>{err(7)}.error()), 7);
}

}  // namespace
}  // namespace plait
