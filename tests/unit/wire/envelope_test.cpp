#include "wire/envelope.hpp"

#include <gtest/gtest.h>

#include <string>

#include "support/vectors.hpp"

namespace plait::wire {
namespace {

using test::string_member;

TEST(WireEnvelope, ValidVectors) {  // spec/protocol.md §2
  const test::VectorFile file{"envelope.json"};
  EnvelopeDecoder decoder;
  int count = 0;
  for (const codec::JsonValue vector : file.array("valid")) {
    const std::string_view name = string_member(vector, "name");
    const std::string message{string_member(vector, "message")};
    const auto envelope = decoder.decode(message);
    ++count;
    ASSERT_TRUE(envelope) << name << ": " << name_of(envelope.error());
    EXPECT_EQ(envelope->form, string_member(vector, "form") == "prefix" ? Form::prefix : Form::member) << name;
    EXPECT_EQ(envelope->type, string_member(vector, "type")) << name;
    EXPECT_EQ(envelope->cid, string_member(vector, "cid")) << name;
    EXPECT_EQ(static_cast<std::uint64_t>(envelope->priority), vector.find("priority").as_uint64()) << name;
    const codec::JsonValue payload = vector.find("payload");
    EXPECT_EQ(static_cast<bool>(envelope->payload), !payload.is_null()) << name;
    EXPECT_EQ(envelope->payload ? envelope->payload.raw() : "", payload.as_string().value_or("")) << name;
  }
  EXPECT_GT(count, 20);
}

TEST(WireEnvelope, InvalidVectors) {  // spec/protocol.md §2
  const test::VectorFile file{"envelope.json"};
  EnvelopeDecoder decoder;
  int count = 0;
  for (const codec::JsonValue vector : file.array("invalid")) {
    const std::string_view name = string_member(vector, "name");
    std::vector<std::uint8_t> bytes;
    if (const auto hex = vector.find("hex").as_string()) bytes = test::from_hex(*hex);
    const std::string message{bytes.empty() ? string_member(vector, "message") : as_text(bytes)};
    const auto envelope = decoder.decode(message);
    ++count;
    ASSERT_FALSE(envelope) << name;
    EXPECT_EQ(name_of(envelope.error()), string_member(vector, "error")) << name;
    EXPECT_EQ(decoder.cid(), vector.find("cid").as_string().value_or("")) << name;
  }
  EXPECT_GT(count, 30);
}

TEST(WireErrors, EveryRuleHasANameAndACode) {
  for (int i = 0; i <= static_cast<int>(Error::publication_invalid); ++i) {
    const auto error = static_cast<Error>(i);
    EXPECT_FALSE(name_of(error).empty()) << i;
    EXPECT_FALSE(name_of(code_of(error)).empty()) << i;
  }
  for (int i = 0; i <= static_cast<int>(ErrorCode::overloaded); ++i) {
    EXPECT_FALSE(name_of(static_cast<ErrorCode>(i)).empty()) << i;
  }
}

}  // namespace
}  // namespace plait::wire
