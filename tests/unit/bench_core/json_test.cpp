#include "bench/json.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace plait::bench {
namespace {

TEST(BenchJson, WhatIsWrittenIsReadBack) {
  Json inner;
  inner.set("values", Json::array_of({1, -2.5, 1e300}));
  Json json;
  json.set("name", "a \"quoted\" \\ line\nbreak µ");
  json.set("flag", true);
  json.set("nothing", Json{});
  json.set("inner", inner);
  for (const int indent : {0, 2}) {
    const auto read = Json::parse(json.dump(indent));
    ASSERT_TRUE(read);
    EXPECT_EQ((*read)["name"].text_or(""), "a \"quoted\" \\ line\nbreak µ");
    EXPECT_TRUE((*read)["flag"].bool_or(false));
    EXPECT_TRUE((*read)["nothing"].is_null());
    EXPECT_EQ((*read)["inner"]["values"].numbers(), (std::vector<double>{1, -2.5, 1e300}));
    EXPECT_EQ(read->dump(), json.dump());
  }
}

TEST(BenchJson, EscapesOfRfc8259Section7) {
  const auto read = Json::parse(R"(["\u00b5\u20ac\/\t\b"])");
  ASSERT_TRUE(read);
  EXPECT_EQ(read->items()[0].text_or(""), "µ€/\t\b");
}

TEST(BenchJson, InfinityHasNoJson) { EXPECT_EQ(Json{std::numeric_limits<double>::infinity()}.dump(), "null"); }

TEST(BenchJson, EveryTruncationIsAnErrorThatSaysWhy) {
  const std::string whole = R"({"a":[1,{"b":"c\n"},true],"d":null})";
  ASSERT_TRUE(Json::parse(whole));
  for (std::size_t cut = 0; cut < whole.size(); ++cut) {
    const auto read = Json::parse(whole.substr(0, cut));
    ASSERT_FALSE(read) << cut;
    EXPECT_GT(read.error().message.size(), std::string_view{"JSON: "}.size());
  }
}

TEST(BenchJson, TextBehindTheDocumentIsAnError) { EXPECT_FALSE(Json::parse("{} {}")); }

TEST(BenchJson, NestingIsBounded) {
  EXPECT_TRUE(Json::parse(std::string(60, '[') + std::string(60, ']')));
  EXPECT_FALSE(Json::parse(std::string(70, '[') + std::string(70, ']')));
}

TEST(BenchJson, AbsentMembersAreNull) {
  EXPECT_TRUE(Json{}["a"]["b"].is_null());
  EXPECT_EQ(Json{3.0}["a"].number_or(7), 7);
}

}  // namespace
}  // namespace plait::bench
