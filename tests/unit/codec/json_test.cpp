#include "codec/json.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <vector>

#include "support/allocations.hpp"

namespace plait::codec {
namespace {

constexpr std::string_view kEnvelope =
    R"({"c":"WSE","t":"publish","p":{"topic":"prices","data":{"symbol":"ABC","price":12.50,"tags":["a", "b" ]}},)"
    R"("id":"0190a4b2-7c1d-7e3f-8a5b-1c2d3e4f5a6b","ts":"2026-01-02T03:04:05.678Z","seq":42,"v":1})";

JsonError error_of(std::string_view text) {
  JsonParser parser;
  const auto result = parser.parse(text);
  EXPECT_FALSE(result) << text;
  return result ? JsonError{} : result.error();
}

bool accepts(std::string_view text) {
  JsonParser parser;
  return parser.parse(text).has_value();
}

TEST(Json, ReadsAnEnvelope) {
  JsonParser parser;
  const auto value = parser.parse(kEnvelope);
  ASSERT_TRUE(value);
  EXPECT_EQ(value->kind(), JsonKind::object);
  EXPECT_EQ(value->find("t").as_string(), "publish");
  EXPECT_EQ(value->find("seq").as_int64(), 42);
  EXPECT_EQ(value->find("p").find("data").find("price").as_double(), 12.5);
  EXPECT_FALSE(value->find("absent"));
  EXPECT_FALSE(value->find("absent").find("further"));
}

TEST(Json, RawIsTheExactTextOfEveryKindOfValue) {
  JsonParser parser;
  const std::string text =
      " { \"a\" : \"x\\u0041\\\" \" , \"b\":-1.50e+2 ,\"c\":[ 1 ,{} , [] ] , \"d\" : true\n,\"e\":null\t} ";
  const auto value = parser.parse(text);
  ASSERT_TRUE(value);
  EXPECT_EQ(value->raw(), text.substr(1, text.size() - 2));
  EXPECT_EQ(value->find("a").raw(), "\"x\\u0041\\\" \"");
  EXPECT_EQ(value->find("a").as_string(), "xA\" ");
  EXPECT_EQ(value->find("b").raw(), "-1.50e+2");
  EXPECT_EQ(value->find("c").raw(), "[ 1 ,{} , [] ]");
  EXPECT_EQ(value->find("d").raw(), "true");
  EXPECT_EQ(value->find("e").raw(), "null");
  std::vector<std::string_view> elements;
  for (const JsonValue element : value->find("c").elements()) elements.push_back(element.raw());
  EXPECT_EQ(elements, (std::vector<std::string_view>{"1", "{}", "[]"}));
}

TEST(Json, RawPointsIntoTheCallersText) {
  JsonParser parser;
  const auto value = parser.parse(kEnvelope);
  ASSERT_TRUE(value);
  EXPECT_EQ(value->find("p").raw().data(), kEnvelope.data() + kEnvelope.find("{\"topic\""));
}

TEST(Json, RawOfAScalarTextLeavesOutTheWhiteSpace) {
  JsonParser parser;
  EXPECT_EQ(parser.parse(" 12.0 \n")->raw(), "12.0");
  EXPECT_EQ(parser.parse("\"a b\"")->raw(), "\"a b\"");
}

TEST(Json, MembersComeInTheOrderOfTheText) {
  JsonParser parser;
  const auto value = parser.parse(R"({"z":1,"a":[{"deep":2}],"":3})");
  ASSERT_TRUE(value);
  std::string names;
  for (const auto [name, member] : value->members()) names += std::string{name} + "=" + std::string{member.raw()} + ";";
  EXPECT_EQ(names, R"(z=1;a=[{"deep":2}];=3;)");
}

TEST(Json, TheLastOfSeveralMembersWithOneNameCounts) {
  JsonParser parser;
  EXPECT_EQ(parser.parse(R"({"a":1,"b":0,"a":2})")->find("a").as_int64(), 2);
  EXPECT_EQ(parser.parse(R"({"a":1,"\u0061":3})")->find("a").as_int64(), 3);
}

TEST(Json, IntegersAreExactOrRefused) {
  JsonParser parser;
  const auto value = parser.parse("[-9223372036854775808,9223372036854775807,18446744073709551615,1.0,-1]");
  ASSERT_TRUE(value);
  std::vector<JsonValue> numbers;
  for (const JsonValue element : value->elements()) numbers.push_back(element);
  ASSERT_EQ(numbers.size(), 5U);
  EXPECT_EQ(numbers[0].as_int64(), std::numeric_limits<std::int64_t>::min());
  EXPECT_EQ(numbers[0].as_uint64(), std::nullopt);
  EXPECT_EQ(numbers[1].as_int64(), std::numeric_limits<std::int64_t>::max());
  EXPECT_EQ(numbers[1].as_uint64(), 9223372036854775807U);
  EXPECT_EQ(numbers[2].as_int64(), std::nullopt);
  EXPECT_EQ(numbers[2].as_uint64(), std::numeric_limits<std::uint64_t>::max());
  EXPECT_EQ(numbers[3].as_int64(), std::nullopt);
  EXPECT_EQ(numbers[3].as_double(), 1.0);
  EXPECT_EQ(numbers[4].as_double(), -1.0);
  EXPECT_EQ(error_of("[18446744073709551616]"), JsonError::bad_number);
  EXPECT_EQ(error_of("[1e999]"), JsonError::bad_number);
}

TEST(Json, AQuestionOfTheWrongKindHasNoAnswer) {
  JsonParser parser;
  const auto value = parser.parse(R"({"s":"1","b":true,"n":null})");
  ASSERT_TRUE(value);
  EXPECT_EQ(value->find("s").as_int64(), std::nullopt);
  EXPECT_EQ(value->find("b").as_string(), std::nullopt);
  EXPECT_EQ(value->find("b").as_bool(), true);
  EXPECT_TRUE(value->find("n").is_null());
  EXPECT_EQ(value->find("n").as_bool(), std::nullopt);
  EXPECT_EQ(JsonValue{}.kind(), JsonKind::absent);
  EXPECT_EQ(JsonValue{}.as_double(), std::nullopt);
  EXPECT_EQ(JsonValue{}.raw(), "");
  for (const JsonValue element : value->elements()) FAIL() << element.raw();
}

// The samples follow RFC 8259's grammar section by section.
TEST(JsonRfc8259, Section2AcceptsAnyValueAsAText) {
  for (std::string_view text : {"0", "-0", "\"\"", "true", "false", "null", "[]", "{}", " [ ] ", "\t{\r\n}"}) {
    EXPECT_TRUE(accepts(text)) << text;
  }
}

TEST(JsonRfc8259, Section2RefusesBadStructure) {
  for (std::string_view text :
       {"[1,]",      "[,1]", "[1 2]", "{\"a\" 1}", "{\"a\":1,}", "{1:2}",     "{a:1}",    "[",       "]",
        "{",         "}",    "[1]]",  "{}{}",      "1 2",        "[\"a\":1]", "{\"a\":}", "{\"a\"}", "[1}",
        "{\"a\":1]", ",",    ":",     "'a'",       "[a]",        "/**/1",     "\f[]"}) {
    JsonParser parser;
    EXPECT_FALSE(parser.parse(text)) << text;
  }
  EXPECT_EQ(error_of("[1,]"), JsonError::bad_structure);
  EXPECT_EQ(error_of("{}{}"), JsonError::bad_structure);
  EXPECT_EQ(error_of("[1"), JsonError::bad_structure);
}

TEST(JsonRfc8259, Section2RefusesAnEmptyText) {
  EXPECT_EQ(error_of(""), JsonError::empty);
  EXPECT_EQ(error_of(" \n\t"), JsonError::empty);
}

TEST(JsonRfc8259, Section3RefusesOtherLiterals) {
  for (std::string_view text : {"[True]", "[nul]", "[tru]", "[falsE]", "[nan]", "[truee]", "[nullx]"}) {
    EXPECT_FALSE(accepts(text)) << text;
  }
  EXPECT_EQ(error_of("[nul]"), JsonError::bad_literal);
  EXPECT_EQ(error_of("[trux]"), JsonError::bad_literal);
  EXPECT_EQ(error_of("[fals]"), JsonError::bad_literal);
}

TEST(JsonRfc8259, Section6RefusesMalformedNumbers) {
  for (std::string_view text : {"01", "-", "1.", "1e", "1e+", "-01", "0x10", "1.e1", "--1", "1..2"}) {
    EXPECT_EQ(error_of(std::string{"["} + std::string{text} + "]"), JsonError::bad_number) << text;
  }
  for (std::string_view text : {"+1", ".5", "Infinity"}) EXPECT_FALSE(accepts(text)) << text;
  for (std::string_view text : {"0", "-0", "0.0", "1e2", "1E+2", "1.5e-3", "-1"}) EXPECT_TRUE(accepts(text)) << text;
}

TEST(JsonRfc8259, Section7UnescapesStrings) {
  JsonParser parser;
  EXPECT_EQ(parser.parse(R"("\"\\\/\b\f\n\r\t")")->as_string(), "\"\\/\b\f\n\r\t");
  EXPECT_EQ(parser.parse(R"("\u00e9\uD834\uDD1E\u0000")")->as_string(),
            std::string_view("\xC3\xA9\xF0\x9D\x84\x9E\0", 7));
}

TEST(JsonRfc8259, Section7RefusesBadStrings) {
  EXPECT_EQ(error_of("[\"\\x\"]"), JsonError::bad_escape);
  EXPECT_EQ(error_of("[\"\\u12G4\"]"), JsonError::bad_escape);
  EXPECT_EQ(error_of("[\"\\uD800\"]"), JsonError::bad_escape);
  EXPECT_EQ(error_of("[\"\\uDC00\\uD800\"]"), JsonError::bad_escape);
  EXPECT_EQ(error_of("[\"a\nb\"]"), JsonError::control_character);
  EXPECT_EQ(error_of(std::string_view("[\"a\0b\"]", 7)), JsonError::control_character);
  EXPECT_EQ(error_of("[\"abc]"), JsonError::unclosed_string);
}

TEST(JsonRfc8259, Section8RefusesInvalidUtf8AndAByteOrderMark) {
  for (std::string_view text :
       {"[\"\xFF\"]", "[\"\xC0\xAF\"]", "[\"\xED\xA0\x80\"]", "[\"\xF4\x90\x80\x80\"]", "[\"\xE2\x82\"]"}) {
    EXPECT_EQ(error_of(text), JsonError::invalid_utf8);
  }
  EXPECT_EQ(error_of("\xEF\xBB\xBF[]"), JsonError::byte_order_mark);
}

TEST(JsonLimits, DepthIsBounded) {
  const auto nested = [](std::size_t depth) { return std::string(depth, '[') + "1" + std::string(depth, ']'); };
  EXPECT_TRUE(accepts(nested(kJsonDepthMax)));
  EXPECT_EQ(error_of(nested(kJsonDepthMax + 1)), JsonError::too_deep);
  EXPECT_EQ(error_of(nested(100'000)), JsonError::too_deep);
}

// simdjson does not count it.
TEST(JsonLimits, AnEmptyInnermostLevelCounts) {
  const auto arrays = [](std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); };
  const auto objects = [](std::size_t depth) {
    std::string text;
    for (std::size_t i = 1; i < depth; ++i) text += "{\"a\":";
    return text + "{}" + std::string(depth - 1, '}');
  };
  EXPECT_TRUE(accepts(arrays(kJsonDepthMax)));
  EXPECT_TRUE(accepts(objects(kJsonDepthMax)));
  EXPECT_EQ(error_of(arrays(kJsonDepthMax + 1)), JsonError::too_deep);
  EXPECT_EQ(error_of(objects(kJsonDepthMax + 1)), JsonError::too_deep);
  EXPECT_EQ(error_of("[[\"[\",1,-1,1.5,18446744073709551615,null," + arrays(kJsonDepthMax - 1) + "]]"),
            JsonError::too_deep)
      << "behind numbers and texts";
  EXPECT_TRUE(accepts("[[" + arrays(kJsonDepthMax - 2) + ',' + arrays(kJsonDepthMax - 2) + "],[[]]]"));
  EXPECT_EQ(error_of("[[" + arrays(kJsonDepthMax - 2) + "],1"), JsonError::bad_structure) << "and another rule is told";
}

TEST(JsonLimits, ADeepTextLeavesTheParserAsItWas) {
  JsonParser parser;
  const auto nested = [](std::size_t depth) { return std::string(depth, '[') + "[1]" + std::string(depth, ']'); };
  const std::string deepest = nested(kJsonDepthMax - 1);
  for (int i = 0; i < 2; ++i) {
    const auto value = parser.parse(deepest);
    ASSERT_TRUE(value);
    EXPECT_EQ(value->raw(), deepest);
    EXPECT_FALSE(parser.parse(nested(kJsonDepthMax)));
    EXPECT_FALSE(parser.parse(std::string(kJsonDepthMax + 1, '[') + std::string(kJsonDepthMax + 1, ']')));
    EXPECT_TRUE(parser.parse("[[]]"));
  }
}

TEST(JsonLimits, SizeIsBounded) {
  JsonParser parser{10};
  EXPECT_TRUE(parser.parse("\"12345678\""));
  const auto result = parser.parse("\"123456789\"");
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error(), JsonError::too_large);
}

TEST(JsonLimits, EveryPrefixOfATextIsRefusedCleanly) {
  JsonParser parser;
  for (std::size_t size = 0; size < kEnvelope.size(); ++size) {
    const std::vector<char> exact(kEnvelope.begin(), kEnvelope.begin() + static_cast<std::ptrdiff_t>(size));
    EXPECT_FALSE(parser.parse(std::string_view{exact.data(), size})) << size;
  }
}

TEST(JsonParser, SizesAroundItsBuffersParse) {
  JsonParser parser;
  for (std::size_t size : {1U, 31U, 32U, 63U, 64U, 65U, 4093U, 4094U, 4095U, 262'142U, 262'143U, 300'000U, 10U}) {
    const std::string text = "\"" + std::string(size, 'x') + "\"";
    const auto value = parser.parse(text);
    ASSERT_TRUE(value) << size;
    EXPECT_EQ(value->as_string(), std::string(size, 'x'));
    EXPECT_EQ(value->raw(), text);
  }
}

TEST(JsonParser, PresentPaddingSparesTheCopy) {
  JsonParser parser;
  std::string text{kEnvelope};
  text.append(kJsonPaddingBytes, '"');
  const auto value = parser.parse(std::string_view{text}.substr(0, kEnvelope.size()), JsonParser::Padding::present);
  ASSERT_TRUE(value);
  EXPECT_EQ(value->find("t").as_string(), "publish");
}

TEST(JsonParser, AllocatesNothingInSteadyState) {
  JsonParser parser;
  const auto parse = [&] {
    const auto value = parser.parse(kEnvelope);
    return value && value->find("p").find("data").raw().size() > 10 && value->find("t").as_string() == "publish";
  };
  EXPECT_TRUE(parse());
  test::start_counting();
  for (int i = 0; i < 1000; ++i) ASSERT_TRUE(parse());
  EXPECT_EQ(test::stop_counting().count, 0U);
}

TEST(JsonParser, ShrinkFreesTheBuffersOfLargeTextsAlone) {
  JsonParser parser;
  const auto allocations_of_the_second = [&](std::size_t size) {
    const std::string text = '"' + std::string(size, 'x') + '"';
    EXPECT_TRUE(parser.parse(text));
    parser.shrink();
    test::start_counting();
    EXPECT_TRUE(parser.parse(text));
    return test::stop_counting();
  };
  EXPECT_EQ(allocations_of_the_second(kJsonKeptBytes / 2).count, 0U);
  EXPECT_GT(allocations_of_the_second(2 * kJsonKeptBytes).bytes_max, 2 * kJsonKeptBytes);
  parser.shrink();
  parser.shrink();
  EXPECT_EQ(parser.parse("[1]")->raw(), "[1]");
}

// Two of its buffers stayed.
TEST(JsonParser, ShrinkFreesAllOfThem) {
  const std::string text = '[' + std::string(2 * kJsonKeptBytes, ' ') + ']';
  JsonParser parser;
  const auto largest_allocation = [&] {
    test::start_counting();
    EXPECT_TRUE(parser.parse(text)->raw().size() == text.size());
    return test::stop_counting().bytes_max;
  };
  EXPECT_GE(largest_allocation(), text.size());
  EXPECT_LT(largest_allocation(), text.size()) << "it is kept";
  parser.shrink();
  EXPECT_GE(largest_allocation(), text.size());
}

TEST(JsonParser, IsUsableAfterAnError) {
  JsonParser parser;
  EXPECT_FALSE(parser.parse("[1,"));
  EXPECT_EQ(parser.parse("[1]")->raw(), "[1]");
}

}  // namespace
}  // namespace plait::codec
