#include "bench/json_text.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace plait::bench {
namespace {

TEST(BenchJsonText, MembersStandOnLinesOfTheirOwn) {
  Value inner;
  inner.add("values", array_of({1, -2.5, 1e300}));
  inner.add("pairs", Value::array({Value::object({{"a", 1}, {"b", Value::array({1, 2})}})}));
  Value json;
  json.add("name", "a \"quoted\" line\nbreak µ");
  json.add("nothing", Value{});
  json.add("inner", inner);
  EXPECT_EQ(json_text(json, 1), R"({
 "name": "a \"quoted\" line\nbreak µ",
 "nothing": null,
 "inner": {
  "values": [1, -2.5, 1e+300],
  "pairs": [{"a":1,"b":[1,2]}]
 }
})");
  EXPECT_EQ(json_text(json), R"({"name":"a \"quoted\" line\nbreak µ","nothing":null,"inner":)"
                             R"({"values":[1,-2.5,1e+300],"pairs":[{"a":1,"b":[1,2]}]}})");
}

TEST(BenchJsonText, InfinityHasNoJson) { EXPECT_EQ(json_text(std::numeric_limits<double>::infinity()), "null"); }

TEST(BenchJsonText, AnErrorsTextNeedNotBeUtf8) { EXPECT_EQ(json_text("a\xff"), "\"a\xef\xbf\xbd\""); }

TEST(BenchJsonText, NumbersAreReadBack) {
  EXPECT_EQ(numbers_of(array_of({1, -2.5})), (std::vector<double>{1, -2.5}));
  EXPECT_TRUE(numbers_of("text").empty());
}

}  // namespace
}  // namespace plait::bench
