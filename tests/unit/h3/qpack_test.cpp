#include "h3/qpack.hpp"

#include <gtest/gtest.h>

#include <random>

#include "unit/h3/h3_testing.hpp"

namespace plait::h3 {
namespace {

SectionLimits within(std::size_t bytes_max) { return {.bytes_max = bytes_max, .fields_max = 100}; }
const SectionLimits kLimits = within(kFieldSectionBytesMax);

using Decoded = std::vector<std::pair<std::string, std::string>>;

Decoded lines_of(const FieldSection& section) {
  Decoded lines;
  for (const http::Field& field : section.lines()) lines.emplace_back(field.name, field.value);
  return lines;
}

// The payload of the HEADERS frame that encode_headers() makes.
Buffer encode(Qpack& qpack, const Decoded& lines) {
  std::vector<http::Field> fields;
  for (const auto& [name, value] : lines) fields.push_back({name, value});
  const Bytes whole = qpack.encode_headers(fields);
  HeaderReader header;
  ByteView rest = whole.view();
  EXPECT_TRUE(header.read(rest));
  EXPECT_EQ(header.type(), frame_type::kHeaders);
  EXPECT_EQ(header.length(), rest.size());
  return to_buffer(rest);
}

TEST(H3Qpack, Rfc9204AppendixB_1_LiteralWithNameReference) {
  Qpack qpack;
  const Buffer section = bytes_of({0x00, 0x00, 0x51, 0x0B}) + to_buffer("/index.html");
  const auto decoded = qpack.decode(section, kLimits);
  ASSERT_TRUE(decoded.has_value());
  EXPECT_EQ(lines_of(*decoded), (Decoded{{":path", "/index.html"}}));
}

TEST(H3Qpack, StaticIndexes) {
  Qpack qpack;
  const auto decoded = qpack.decode(bytes_of({0, 0, 0xD1, 0xD7, 0xC1, 0xD9}), kLimits);
  ASSERT_TRUE(decoded.has_value());
  EXPECT_EQ(lines_of(*decoded),
            (Decoded{{":method", "GET"}, {":scheme", "https"}, {":path", "/"}, {":status", "200"}}));
}

TEST(H3Qpack, RoundTrip) {
  Qpack qpack;
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE(seed);
  std::mt19937 random{seed};
  for (int round = 0; round < 300; ++round) {
    Decoded lines{{":status", "200"}, {"set-cookie", "a=b"}, {"authorization", "Bearer x"}};
    for (auto i = random() % 20; i > 0; --i) {
      std::string value(random() % (i == 1 ? 3000 : 60), ' ');
      for (char& c : value) c = static_cast<char>(random());
      lines.emplace_back("x-" + std::to_string(random() % 1000), value);
    }
    const Buffer section = encode(qpack, lines);
    EXPECT_EQ(section[0], 0) << "no dynamic table";
    const auto decoded = qpack.decode(section, within(std::size_t{1} << 20));
    ASSERT_TRUE(decoded.has_value());
    EXPECT_EQ(lines_of(*decoded), lines);
  }
}

TEST(H3Qpack, AFieldSectionOutlivesTheNextOneAndItsMove) {
  Qpack qpack;
  const Buffer first = encode(qpack, {{"x-first", "one"}});
  auto decoded = qpack.decode(first, kLimits);
  ASSERT_TRUE(qpack.decode(encode(qpack, {{"x-second", "two"}}), kLimits).has_value());
  FieldSection moved = *std::move(decoded);
  EXPECT_EQ(lines_of(moved), (Decoded{{"x-first", "one"}}));
  FieldSection assigned;
  assigned = std::move(moved);
  EXPECT_EQ(lines_of(assigned), (Decoded{{"x-first", "one"}}));
}

TEST(H3Qpack, Rfc9114Section4_2_1_ASplitCookieIsJoined) {
  Qpack qpack;
  const auto joined = [&](const Decoded& lines) {
    auto decoded = qpack.decode(encode(qpack, lines), kLimits);
    decoded->join_cookies();
    FieldSection moved = *std::move(decoded);
    FieldSection assigned;
    assigned = std::move(moved);
    return lines_of(assigned);
  };
  EXPECT_EQ(joined({{"a", "b"}, {"cookie", "c=d"}, {"e", "f"}, {"cookie", "g=h"}, {"cookie", "i=j"}}),
            (Decoded{{"a", "b"}, {"cookie", "c=d; g=h; i=j"}, {"e", "f"}}));
  for (const Decoded& lines : {Decoded{{"cookie", "c=d"}, {"a", "b"}}, Decoded{{"a", "b"}, {"a", "c"}}}) {
    EXPECT_EQ(joined(lines), lines);
  }
}

TEST(H3Qpack, TheLimitCountsNameValueAnd32) {
  Qpack qpack;
  const Buffer section = encode(qpack, {{"x-ab", "12345"}, {"x", "y"}});
  const std::size_t bytes = (4 + 5 + 32) + (1 + 1 + 32);
  EXPECT_TRUE(qpack.decode(section, within(bytes)).has_value());
  const auto beyond = qpack.decode(section, within(bytes - 1));
  ASSERT_FALSE(beyond.has_value());
  EXPECT_EQ(beyond.error(), Error::field_section_too_large);
  EXPECT_TRUE(qpack.decode(section, within(bytes)).has_value()) << "the coder goes on after a refusal";
}

TEST(H3Qpack, TheLimitOfFieldsCountsNoPseudoHeadersAndACookieOnce) {
  Qpack qpack;
  Decoded most{{":method", "GET"}, {":scheme", "https"}, {":authority", "a"}, {":path", "/"}, {":protocol", "b"}};
  for (int i = 0; i < 99; ++i) most.emplace_back("age", "0");
  for (int i = 0; i < 200; ++i) most.emplace_back("cookie", "");
  const auto decoded = qpack.decode(encode(qpack, most), kLimits);
  ASSERT_TRUE(decoded.has_value());
  EXPECT_EQ(lines_of(*decoded), most);
  for (const char* name : {"age", ":method"}) {
    Decoded beyond = most;
    beyond.emplace_back(name, "0");
    const auto refused = qpack.decode(encode(qpack, beyond), kLimits);
    ASSERT_FALSE(refused.has_value()) << name;
    EXPECT_EQ(refused.error(), Error::too_many_fields);
  }
  EXPECT_TRUE(qpack.decode(encode(qpack, most), kLimits).has_value()) << "the coder goes on after a refusal";
}

// A line is one byte on the wire: what comes behind the first too many is not even read, so no mistake in it is seen.
TEST(H3Qpack, NothingIsDecodedBehindTheLimitOfFields) {
  Qpack qpack;
  constexpr std::uint8_t kAge = 0xC2;  // of the static table
  Buffer section{0, 0};
  section.insert(section.end(), 101, kAge);
  section.insert(section.end(), 1600, 0xFF);  // cannot be decoded
  const auto refused = qpack.decode(section, kLimits);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error(), Error::too_many_fields);
}

TEST(H3Qpack, EveryTruncationIsRefused) {
  Qpack qpack;
  const Buffer section = encode(qpack, {{":path", "/index.html"}});
  for (std::size_t size = 0; size < section.size(); ++size) {
    const Buffer cut(section.begin(), section.begin() + static_cast<std::ptrdiff_t>(size));
    const auto decoded = qpack.decode(cut, kLimits);
    if (size == 2) {
      EXPECT_TRUE(decoded.has_value()) << "a prefix alone is an empty field section";
      continue;
    }
    ASSERT_FALSE(decoded.has_value()) << size;
    EXPECT_EQ(decoded.error(), Error::qpack_decompression_failed);
  }
}

TEST(H3Qpack, NoInputBreaksTheCoder) {
  Qpack qpack;
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE(seed);
  std::mt19937 random{seed};
  for (int round = 0; round < 3000; ++round) {
    Buffer section(random() % 40);
    for (std::uint8_t& byte : section) byte = static_cast<std::uint8_t>(random());
    if (section.size() > 2) section[0] = section[1] = 0;
    const auto decoded = qpack.decode(section, within(1000));
    if (!decoded) continue;
    std::size_t bytes = 0;
    for (const http::Field& field : decoded->lines()) bytes += field.name.size() + field.value.size() + 32;
    EXPECT_LE(bytes, 1000U);
  }
}

}  // namespace
}  // namespace plait::h3
