#include "codec/json_writer.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "codec/json.hpp"

namespace plait::codec {
namespace {

TEST(JsonWriter, PutsCommasAndColonsInPlace) {
  std::string out;
  JsonWriter writer{out};
  writer.begin_object().member("a", 1).key("b").begin_array().value("x").value(true).null().begin_object();
  writer.end_object().end_array().member("c", std::string{"y"}).key("d").raw("{\"z\":0}").end_object();
  EXPECT_EQ(out, R"({"a":1,"b":["x",true,null,{}],"c":"y","d":{"z":0}})");
}

TEST(JsonWriter, AppendsToWhatIsThere) {
  std::string out = "WSE";
  JsonWriter{out}.begin_object().end_object();
  EXPECT_EQ(out, "WSE{}");
}

TEST(JsonWriter, EscapesWhatMustBeEscapedAndNothingElse) {
  std::string out;
  append_json_string(out, std::string_view("\"\\/\b\f\n\r\t\x01\x1f\x7f\0\xC3\xA9", 14));
  EXPECT_EQ(out, "\"\\\"\\\\/\\b\\f\\n\\r\\t\\u0001\\u001f\x7f\\u0000\xC3\xA9\"");
}

TEST(JsonWriter, WhatIsNoUtf8IsReplaced) {
  std::string out;
  JsonWriter{out}
      .begin_array()
      .value("na\xFFme")
      .value("\xC3\xA9\xC3")
      .value("\xED\xA0\x80\xF0\x9F\x98\x80\"")
      .end_array();
  EXPECT_EQ(out,
            "[\"na\xEF\xBF\xBDme\",\"\xC3\xA9\xEF\xBF\xBD\","
            "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xF0\x9F\x98\x80\\\"\"]");
}

TEST(JsonWriter, EveryByteOfAsciiReadsBack) {
  JsonParser parser;
  for (char character = 0; character < 0x7F; ++character) {
    const std::string text = {'a', character, 'b'};
    std::string out;
    append_json_string(out, text);
    const auto value = parser.parse(out);
    ASSERT_TRUE(value) << out;
    EXPECT_EQ(value->as_string(), text);
  }
}

TEST(JsonWriter, WritesIntegersToTheirLimits) {
  std::string out;
  JsonWriter writer{out};
  writer.begin_array().value(std::numeric_limits<std::int64_t>::min()).value(std::numeric_limits<std::uint64_t>::max());
  writer.value(std::uint8_t{7}).value(-1).end_array();
  EXPECT_EQ(out, "[-9223372036854775808,18446744073709551615,7,-1]");
}

TEST(JsonWriter, DoublesReadBackAsThemselves) {
  JsonParser parser;
  for (double number : {0.1, 1.0 / 3, 5e-324, 1.7976931348623157e308, -0.0, 1e21, 123456789.125, 18446744073709551616.0,
                        -123456789012345683968.0, 999999999999999.0, 1e15}) {
    std::string out;
    JsonWriter{out}.value(number);
    const auto value = parser.parse(out);
    ASSERT_TRUE(value) << out;
    EXPECT_EQ(value->as_double(), number) << out;
  }
  std::string out;
  JsonWriter{out}.value(0.1);
  EXPECT_EQ(out, "0.1");
}

TEST(JsonWriter, WritesNullForWhatJsonHasNot) {
  std::string out;
  JsonWriter{out}.begin_array().value(std::nan("")).value(HUGE_VAL).value(-HUGE_VAL).end_array();
  EXPECT_EQ(out, "[null,null,null]");
}

}  // namespace
}  // namespace plait::codec
