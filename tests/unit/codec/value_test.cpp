// plait::Value, and its two formats (spec/messaging.md §1).
#include <gtest/gtest.h>
#include <plait/value.hpp>

#include <cmath>
#include <random>

#include "support/allocations.hpp"
#include "support/vectors.hpp"

namespace plait {
namespace {

std::string encoded(Format format, const Value& value) {
  std::string out;
  EXPECT_TRUE(encode(format, value, out));
  return out;
}

Result<Value, FormatError> decode_hex(std::string_view hex) { return decode(Format::msgpack, test::from_hex(hex)); }

Value nested(std::size_t depth) {
  Value value;
  for (std::size_t i = 0; i < depth; ++i) value = Value::array({std::move(value)});
  return value;
}

TEST(Value, KindsAndNumbers) {
  EXPECT_TRUE(Value{}.is_null());
  EXPECT_EQ(Value{true}.as_bool(), true);
  EXPECT_EQ(Value{1}.as_bool(), std::nullopt);
  EXPECT_EQ(Value{-1}.as_int64(), -1);
  EXPECT_EQ(Value{-1}.as_uint64(), std::nullopt);
  EXPECT_EQ(Value{UINT64_MAX}.as_uint64(), UINT64_MAX);
  EXPECT_EQ(Value{UINT64_MAX}.as_int64(), std::nullopt);
  EXPECT_EQ(Value{std::uint64_t{7}}, Value{7}) << "one number has one form";
  EXPECT_EQ(Value{7}.as_double(), 7.0);
  EXPECT_EQ(Value{7.0}.as_int64(), std::nullopt);
  EXPECT_EQ(*Value{"text"}.as_string(), "text");
  EXPECT_EQ(Value{"text"}.as_binary(), nullptr);
}

TEST(Value, LookupsChainWithoutChecks) {
  const Value value = Value::object({{"a", Value::array({1, Value::object({{"b", "c"}})})}, {"a2", 1}, {"a2", 2}});
  EXPECT_EQ(*value.find("a").at(1).find("b").as_string(), "c");
  EXPECT_TRUE(value.find("x").at(9).find("y").is_null());
  EXPECT_EQ(value.find("a2").as_int64(), 2) << "the last of several";
  EXPECT_EQ(Value{}.add("n", 1).add("m", 2).as_object()->size(), 2U);
}

TEST(ValueDeathTest, OnlyAnObjectHasMembers) { EXPECT_DEATH(Value{1}.add("a", 2), "only an object has members"); }

TEST(ValueVectors, BothFormats) {
  const test::VectorFile file{"messaging.json"};
  for (const codec::JsonValue vector : file.array("values")) {
    const auto name = test::string_member(vector, "name");
    const auto packed = test::from_hex(test::string_member(vector, "msgpack"));
    const auto value = decode(Format::msgpack, packed);
    ASSERT_TRUE(value) << name;
    EXPECT_EQ(test::to_hex(as_bytes(encoded(Format::msgpack, *value))), test::to_hex(packed)) << name;
    const auto json = vector.find("json").as_string();
    std::string text;
    const auto written = encode(Format::json, *value, text);
    ASSERT_EQ(written.has_value(), json.has_value()) << name;
    if (!json) continue;
    EXPECT_EQ(text, *json) << name;
    const auto again = decode(Format::json, as_bytes(*json));
    ASSERT_TRUE(again) << name;
    EXPECT_EQ(*again, *value) << name;
  }
}

TEST(ValueVectors, InvalidMsgpack) {
  const test::VectorFile file{"messaging.json"};
  for (const codec::JsonValue vector : file.array("invalid_msgpack")) {
    const auto name = test::string_member(vector, "name");
    const auto value = decode_hex(test::string_member(vector, "msgpack"));
    ASSERT_FALSE(value) << name;
    EXPECT_EQ(describe(value.error()), test::string_member(vector, "error")) << name;
  }
}

TEST(ValueMsgpack, EveryTruncationOfAValueIsMalformed) {
  const Value value = Value::object(
      {{"list", Value::array({1, -200, 1.5, UINT64_MAX, nullptr, false, "text"})}, {"raw", Value::Binary(300, 1)}});
  const std::string whole = encoded(Format::msgpack, value);
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const auto cut = decode(Format::msgpack, as_bytes(whole).first(size));
    ASSERT_FALSE(cut) << size;
    EXPECT_EQ(cut.error(), FormatError::malformed) << size;
  }
  EXPECT_EQ(*decode(Format::msgpack, as_bytes(whole)), value);
}

TEST(ValueMsgpack, CountsThatAreClaimedAllocateNothing) {
  for (const char* hex : {"ddffffffff", "dfffffffff", "dbffffffff", "c6ffffffff", "ddffffffff01"}) {
    const auto bytes = test::from_hex(hex);
    test::start_counting();
    const auto value = decode(Format::msgpack, bytes);
    const auto allocations = test::stop_counting();
    EXPECT_FALSE(value) << hex;
    EXPECT_LE(allocations.bytes_max, 2048U) << hex;
  }
}

TEST(ValueFormats, SixtyFourLevelsAndNotOneMore) {
  for (const Format format : {Format::json, Format::msgpack}) {
    EXPECT_EQ(*decode(format, as_bytes(encoded(format, nested(64)))), nested(64));
    std::string out = "kept";
    const auto written = encode(format, nested(65), out);
    ASSERT_FALSE(written);
    EXPECT_EQ(written.error(), FormatError::too_deep);
    EXPECT_EQ(out, "kept");
  }
  std::string packed;
  for (int i = 0; i < 65; ++i) packed += "91";
  const auto deeper = decode_hex(packed + "c0");
  ASSERT_FALSE(deeper);
  EXPECT_EQ(deeper.error(), FormatError::too_deep);
  for (const std::string_view innermost : {"", "1"}) {
    const std::string text = std::string(65, '[').append(innermost) + std::string(65, ']');
    const auto deep = decode(Format::json, as_bytes(text));
    ASSERT_FALSE(deep) << innermost;
    EXPECT_EQ(deep.error(), FormatError::too_deep) << innermost;
    EXPECT_TRUE(decode(Format::json, as_bytes(text).subspan(1, text.size() - 2))) << innermost;
  }
  EXPECT_EQ(decode_hex(packed.substr(2) + "90").error(), FormatError::too_deep) << "an empty innermost counts";
  EXPECT_TRUE(decode_hex(packed.substr(4) + "90"));
}

TEST(ValueFormats, WhatAFormatCannotSay) {
  std::string out;
  EXPECT_EQ(encode(Format::json, Value::Binary{1}, out).error(), FormatError::unrepresentable);
  EXPECT_EQ(encode(Format::json, "\xff", out).error(), FormatError::not_utf8);
  EXPECT_EQ(encode(Format::msgpack, Value::object({{"\xff", 1}}), out).error(), FormatError::not_utf8);
  EXPECT_EQ(out, "");
  EXPECT_EQ(encoded(Format::json, NAN), "null");
  EXPECT_TRUE(std::isnan(*decode(Format::msgpack, as_bytes(encoded(Format::msgpack, NAN)))->as_double()));
}

Value random_value(std::mt19937& random, int depth) {
  switch (random() % (depth == 0 ? 6U : 8U)) {
    case 0:
      return {};
    case 1:
      return (random() & 1) != 0;
    case 2:
      return static_cast<std::int64_t>(std::uint64_t{random()} << (random() % 33)) * ((random() & 1) != 0 ? 1 : -1);
    case 3:
      return std::uint64_t{random()} << 32 | random();
    case 4:
      return (static_cast<double>(random()) + 0.5) / 8.0;  // JSON knows no whole doubles
    case 5:
      return std::string(random() % 40, 'x');
    case 6: {
      Value::Array elements;
      for (auto i = random() % 5; i > 0; --i) elements.push_back(random_value(random, depth - 1));
      return elements;
    }
    default: {
      Value::Object members;
      for (auto i = random() % 5; i > 0; --i) {
        members.push_back({std::to_string(random()), random_value(random, depth - 1)});
      }
      return members;
    }
  }
}

TEST(ValueFormats, WhatIsWrittenReadsBackTheSame) {
  std::mt19937 random{1};  // NOLINT(cert-msc32-c,cert-msc51-cpp)
  for (int i = 0; i < 2000; ++i) {
    const Value value = random_value(random, 5);
    for (const Format format : {Format::json, Format::msgpack}) {
      const auto again = decode(format, as_bytes(encoded(format, value)));
      ASSERT_TRUE(again);
      ASSERT_EQ(*again, value) << encoded(Format::json, value);
    }
  }
}

}  // namespace
}  // namespace plait
