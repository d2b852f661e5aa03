#include "http/fields.hpp"
#include "http/grammar.hpp"

#include <gtest/gtest.h>

namespace plait::http {
namespace {

TEST(HttpFields, NamesAreFoundWithoutCase) {
  Fields fields;
  fields.add("Upgrade", "websocket");
  fields.add("UPGRADE", "h2c");
  EXPECT_EQ(fields.find("upgrade"), "websocket");
  EXPECT_EQ(fields.count("uPgRaDe"), 2U);
  EXPECT_EQ(fields.find("Upgrad"), std::nullopt);
  EXPECT_EQ(fields.count("Upgrades"), 0U);
}

TEST(HttpFields, ComparisonFoldsLettersOnly) {
  EXPECT_TRUE(equals_ignoring_case("aZ-09_", "Az-09_"));
  EXPECT_FALSE(equals_ignoring_case("[", "{"));
  EXPECT_FALSE(equals_ignoring_case("@", "`"));
  EXPECT_FALSE(equals_ignoring_case("\xc3\x84", "\xc3\xa4"));
  EXPECT_TRUE(equals_ignoring_case("", ""));
}

TEST(HttpFields, Rfc9110Section5_6_1Lists) {
  Fields fields;
  fields.add("Connection", "keep-alive ,\tUpgrade,,");
  fields.add("connection", "TE");
  EXPECT_TRUE(fields.has_token("Connection", "upgrade"));
  EXPECT_TRUE(fields.has_token("Connection", "Keep-Alive"));
  EXPECT_TRUE(fields.has_token("Connection", "te"));
  EXPECT_FALSE(fields.has_token("Connection", "keep"));
  EXPECT_FALSE(fields.has_token("Upgrade", "upgrade"));
}

TEST(HttpFields, ListsAreMadeInTheirOrder) {
  EXPECT_EQ(encode_list({}), "");
  EXPECT_EQ(encode_list({"b"}), "b");
  EXPECT_EQ(encode_list({"b", "a", "b"}), "b, a, b");
}

TEST(HttpFields, Rfc6750Section2_1Tokens) {
  EXPECT_EQ(bearer_token("Bearer abc.def"), "abc.def");
  EXPECT_EQ(bearer_token(" bEARER   abc "), "abc");
  EXPECT_EQ(bearer_token("Basic abc"), "");
  EXPECT_EQ(bearer_token("Bearerabc"), "");
  EXPECT_EQ(bearer_token("Bearer"), "");
  EXPECT_EQ(bearer_token(""), "");
}

}  // namespace
}  // namespace plait::http
