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
  EXPECT_EQ(published(R"(["[", 01])"), R"("[\"[\", 01]")") << "no JSON";
}

// It was published as a JSON string, and the command succeeded.
TEST(JsonArgument, JsonBeyondALimitIsNoText) {
  for (const char* text : {R"( {"id":18446744073709551616} )", "[18446744073709551616]\n", "18446744073709551616",
                           "-9223372036854775809", "1e400", " -1.5E+999 ", R"({"a\"1e":[0,"1e400",9e308,true]})"}) {
    EXPECT_NE(refusal(text).find("beyond 64-bit"), std::string::npos) << text;
  }
  EXPECT_NE(refusal(std::string(65, '[') + std::string(65, ']')).find("more than 64"), std::string::npos);
}

TEST(JsonArgument, TextWithALongNumberIsText) {
  for (const std::string text : {"1e400.5", "--12345678901234567890123", "01e400", "1e400 1e400", "1e400x", "[1e400}",
                                 "+1e400", "1e400.", "-1e400-", "1e400e", "12345678901234567890123e+"}) {
    EXPECT_EQ(published(text), '"' + text + '"');
  }
  EXPECT_EQ(published(R"("12345678901234567890123")"), R"("12345678901234567890123")") << "as the message says";
  EXPECT_EQ(published("[1e400, \"x"), R"("[1e400, \"x")");
}

// It was called "not UTF-8".
TEST(JsonArgument, WhatIsTooLargeIsCalledThat) {
  constexpr std::size_t kBytesMax = std::size_t{16} << 20;
  EXPECT_NE(refusal(std::string(kBytesMax + 1, 'x')).find("larger than 16 MiB"), std::string::npos);
  EXPECT_NE(refusal(std::string(kBytesMax, 'x')).find("larger than 16 MiB"), std::string::npos) << "with its quotes";
  EXPECT_NE(refusal("\xFF").find("not UTF-8"), std::string::npos);
}

}  // namespace
}  // namespace plait::client
