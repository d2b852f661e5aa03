// What plait pub makes of what it is given.
#include "client/json_argument.hpp"

#include <gtest/gtest.h>

#include <string>

namespace plait::client {
namespace {

std::string published(std::string_view text) {
  const auto json = json_argument(text);
  return json ? *json : "error: " + json.error().message;
}

std::string refusal(std::string_view text) {
  const auto json = json_argument(text);
  return json ? "none" : json.error().message;
}

TEST(JsonArgument, JsonStaysAndTextBecomesAString) {
  EXPECT_EQ(published(R"({"a": [1, 2]})"), R"({"a": [1, 2]})");
  EXPECT_EQ(published("42"), "42");
  EXPECT_EQ(published("two \"words\""), R"("two \"words\"")");
  EXPECT_EQ(published(""), R"("")");
  EXPECT_EQ(published("[2026-01-31 12:00:00.123] a line of a log"), R"("[2026-01-31 12:00:00.123] a line of a log")");
  EXPECT_EQ(published("18446744073709551616"), R"("18446744073709551616")") << "a word";
}

// It was published as a JSON string, and the command succeeded.
TEST(JsonArgument, JsonBeyondALimitIsNoText) {
  EXPECT_NE(refusal(R"( {"id":18446744073709551616} )").find("outside 64 bits"), std::string::npos);
  EXPECT_NE(refusal("[18446744073709551616]\n").find("outside 64 bits"), std::string::npos);
  EXPECT_NE(refusal(std::string(65, '[') + std::string(65, ']')).find("too deeply"), std::string::npos);
}

// It was called "not UTF-8".
TEST(JsonArgument, WhatIsTooLargeIsCalledThat) {
  constexpr std::size_t kBytesMax = std::size_t{16} << 20;
  EXPECT_NE(refusal(std::string(kBytesMax + 1, 'x')).find("too large"), std::string::npos);
  EXPECT_NE(refusal(std::string(kBytesMax, 'x')).find("too large"), std::string::npos) << "with its quotes";
  EXPECT_NE(refusal("\xFF").find("not UTF-8"), std::string::npos);
}

}  // namespace
}  // namespace plait::client
