#include "frames/open.hpp"

#include <gtest/gtest.h>

#include "frames/frame.hpp"
#include "support/vectors.hpp"

namespace plait::frames {
namespace {

using test::from_hex;
using test::string_member;

// The payload of the only frame in `bytes`.
ByteView payload_of(const std::vector<std::uint8_t>& bytes) {
  const auto head = decode_head(bytes);
  EXPECT_TRUE(head && head->has_value());
  return ByteView{bytes}.subspan((*head)->head_bytes);
}

TEST(OpenRequest, Vectors) {  // spec/frames.md §3.1
  const test::VectorFile file{"frames.json"};
  int count = 0;
  for (const codec::JsonValue vector : file.array("open_requests")) {
    const std::string_view name = string_member(vector, "name");
    const auto payload = from_hex(string_member(vector, "payload"));
    const auto request = decode_open_request(payload, Limits{});
    ++count;
    if (const auto error = vector.find("error").as_string()) {
      ASSERT_FALSE(request) << name;
      EXPECT_EQ(name_of(request.error()), *error) << name;
      continue;
    }
    ASSERT_TRUE(request) << name << ": " << name_of(request.error());
    EXPECT_EQ(request->path, string_member(vector, "path")) << name;
    EXPECT_EQ(request->authority, string_member(vector, "authority")) << name;
    EXPECT_EQ(request->token, string_member(vector, "token")) << name;
    std::vector<std::string_view> subprotocols;
    for (const codec::JsonValue value : vector.find("subprotocols").elements())
      subprotocols.push_back(*value.as_string());
    EXPECT_EQ(request->subprotocols, subprotocols) << name;
    core::VectorSink out;
    encode_open(*request, out);
    EXPECT_EQ(test::to_hex(payload_of(out.bytes)), string_member(vector, "payload")) << name;
  }
  EXPECT_GT(count, 20);
}

TEST(OpenResponse, Vectors) {  // spec/frames.md §3.2
  const test::VectorFile file{"frames.json"};
  int count = 0;
  for (const codec::JsonValue vector : file.array("open_responses")) {
    const std::string_view name = string_member(vector, "name");
    const auto payload = from_hex(string_member(vector, "payload"));
    std::vector<std::string> offered;
    for (const codec::JsonValue value : vector.find("offered").elements()) offered.emplace_back(*value.as_string());
    const auto response = decode_open_response(payload, offered);
    ++count;
    if (const auto error = vector.find("error").as_string()) {
      ASSERT_FALSE(response) << name;
      EXPECT_EQ(name_of(response.error()), *error) << name;
      continue;
    }
    ASSERT_TRUE(response) << name << ": " << name_of(response.error());
    EXPECT_EQ(response->status, vector.find("status").as_uint64()) << name;
    EXPECT_EQ(response->subprotocol, string_member(vector, "subprotocol")) << name;
    EXPECT_EQ(response->reason, string_member(vector, "reason")) << name;
    core::VectorSink out;
    encode_open(*response, out);
    EXPECT_EQ(test::to_hex(payload_of(out.bytes)), string_member(vector, "payload")) << name;
  }
  EXPECT_GT(count, 10);
}

TEST(OpenRequest, EveryPrefixIsRefused) {
  core::VectorSink out;
  encode_open(OpenRequest{"/wse?x=1", "example.org", "token", {"a", "b"}}, out);
  const ByteView payload = payload_of(out.bytes);
  ASSERT_TRUE(decode_open_request(payload, Limits{}));
  for (std::size_t cut = 0; cut < payload.size(); ++cut) {
    const auto request = decode_open_request(payload.first(cut), Limits{});
    ASSERT_FALSE(request) << cut;
    EXPECT_EQ(request.error(), cut < kMagic.size() ? Error::bad_magic : Error::open_truncated) << cut;
  }
}

TEST(OpenRequest, WholeFrameIsBoundedWhereEachFieldIsNot) {
  Limits limits;
  limits.subprotocols_max = 1000;
  OpenRequest request{"/", "", "", {}};
  const std::string subprotocol(kSubprotocolBytesMax, 's');
  request.subprotocols.assign(248, subprotocol);
  EXPECT_TRUE(check_request(request, limits));
  request.subprotocols.assign(249, subprotocol);
  const auto checked = check_request(request, limits);
  ASSERT_FALSE(checked);
  EXPECT_EQ(checked.error(), Error::open_too_big);
}

}  // namespace
}  // namespace plait::frames
