#include "wire/encode.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "support/vectors.hpp"
#include "wire/stamp.hpp"

namespace plait::wire {
namespace {

using test::string_member;

MessageId id_from(std::string text) {
  std::erase(text, '-');
  const auto bytes = test::from_hex(text);
  MessageId id{};
  std::copy(bytes.begin(), bytes.end(), id.begin());
  return id;
}

WallTime at(std::int64_t milliseconds) { return WallTime{std::chrono::milliseconds{milliseconds}}; }

const Head kHead{Form::member, id_from("0195ddf0-4a2b-7001-8203-040506070809"), at(1'771'728'600'123), "c\"1"};
constexpr std::string_view kTail =
    R"(,"id":"0195ddf0-4a2b-7001-8203-040506070809","ts":"2026-02-22T02:50:00.123Z","cid":"c\"1","v":1})";

template <class Control>
std::string encoded(const Control& control, const Head& head = kHead) {
  std::string out;
  encode(out, head, control);
  return out;
}

TEST(WirePublication, Vectors) {  // spec/protocol.md §2.1, §2.2
  const test::VectorFile file{"envelope.json"};
  int count = 0;
  for (const codec::JsonValue vector : file.array("publications")) {
    Publication publication;
    publication.topic = Bytes::copy_of(string_member(vector, "topic"));
    publication.position = {static_cast<std::uint32_t>(*vector.find("epoch").as_uint64()),
                            *vector.find("offset").as_uint64()};
    publication.payload = Bytes::copy_of(string_member(vector, "payload"));
    publication.priority = static_cast<Priority>(*vector.find("priority").as_uint64());
    publication.id = id_from(std::string{string_member(vector, "id")});
    publication.time = at(*vector.find("time").as_int64());
    std::string out;
    encode(out, string_member(vector, "form") == "prefix" ? Form::prefix : Form::member, publication);
    EXPECT_EQ(out, string_member(vector, "text")) << string_member(vector, "name");
    ++count;
  }
  EXPECT_GE(count, 4);
}

TEST(WireControl, EveryMessageHasItsHeadAndTail) {
  Head without_cid = kHead;
  without_cid.cid = {};
  EXPECT_EQ(encoded(Pong{}, without_cid), R"({"c":"WSE","t":"PONG","p":{"server_timestamp":1771728600123})" +
                                              std::string{kTail}.replace(kTail.find(R"(,"cid")"), 13, ""));
  Head prefixed = kHead;
  prefixed.form = Form::prefix;
  EXPECT_EQ(encoded(Pong{}, prefixed), R"(WSE{"t":"PONG","p":{"server_timestamp":1771728600123})" + std::string{kTail});
}

TEST(WireControl, Error) {  // spec/protocol.md §5
  EXPECT_EQ(encoded(ErrorMessage{ErrorCode::rate_limited, "slow \"down\"", true, 0.25}),
            R"({"c":"WSE","t":"error","p":{"code":"RATE_LIMITED","message":"slow \"down\"","recoverable":true,)"
            R"("retry_after":0.25})" +
                std::string{kTail});
}

TEST(WireControl, Published) {  // spec/protocol.md §4.4
  EXPECT_EQ(encoded(Published{"a", {0x1F, 7}}),
            R"({"c":"WSE","t":"published","p":{"topic":"a","epoch":"0000001f","offset":7})" + std::string{kTail});
}

TEST(WireControl, Gap) {  // spec/protocol.md §4.5
  EXPECT_EQ(encoded(GapNotice{"a", Position{1, 9}, 3}),
            R"({"c":"WSE","t":"gap","p":{"topic":"a","epoch":"00000001","offset":9,"missed":3})" + std::string{kTail});
  EXPECT_EQ(encoded(GapNotice{"a*", {}, 3}),
            R"({"c":"WSE","t":"gap","p":{"topic":"a*","missed":3})" + std::string{kTail});
}

TEST(WireControl, LatencyIsNeverNegative) {  // spec/protocol.md §4.1
  EXPECT_NE(encoded(Pong{"1771728600100", 1771728600100.0}).find(R"("latency":23)"), std::string::npos);
  EXPECT_NE(encoded(Pong{"1771728700000", 1771728700000.0}).find(R"("latency":0)"), std::string::npos);
}

TEST(WireControl, SubscriptionUpdate) {  // spec/protocol.md §4.2
  std::vector<TopicResult> results(3);
  results[0].topic = "a";
  results[0].position = Position{1, 2};
  results[0].recover = true;
  results[0].recovered = true;
  results[0].replayed = 2;
  results[1].topic = "b*";
  results[1].already_subscribed = true;
  results[2].topic = "c d";
  results[2].error = ErrorCode::invalid_subscription;
  results[2].reason = "not a valid topic or pattern";
  EXPECT_EQ(
      encoded(SubscriptionUpdate{true, results, 100, 2}),
      R"({"c":"WSE","t":"subscription_update","p":{"action":"subscribe","success":false,"message":"some topics failed",)"
      R"("topics":["a","b*"],"success_topics":["a","b*"],)"
      R"("failed_topics":[{"topic":"c d","error":"not a valid topic or pattern","code":"INVALID_SUBSCRIPTION"}],)"
      R"("already_subscribed":["b*"],"subscription_limits":{"max_topics":100,"current_topics":2},)"
      R"("recovery":{"a":{"epoch":"00000001","offset":2,"recovered":true,"count":2}},)"
      R"("timestamp":"2026-02-22T02:50:00.123Z"})" +
          std::string{kTail});
}

TEST(WireStamp, TimeIsRfc3339InUtc) {
  const auto text = [](std::int64_t milliseconds) {
    std::string out;
    append_time(out, at(milliseconds));
    return out;
  };
  EXPECT_EQ(text(0), "1970-01-01T00:00:00.000Z");
  EXPECT_EQ(text(951'782'399'999), "2000-02-28T23:59:59.999Z");
  EXPECT_EQ(text(951'782'400'000), "2000-02-29T00:00:00.000Z");
  EXPECT_EQ(text(4'102'444'799'999), "2099-12-31T23:59:59.999Z");
}

TEST(WireStamp, IdsAreUuidsOfVersion7) {  // RFC 9562 §5.7
  int refills = 0;
  IdSource ids{[&](MutableByteView bytes) {
    ++refills;
    std::fill(bytes.begin(), bytes.end(), std::uint8_t{0xFF});
  }};
  std::string text;
  append_id(text, ids.next(at(0x0195'DDF0'4A2B)));
  EXPECT_EQ(text, "0195ddf0-4a2b-7fff-bfff-ffffffffffff");
  for (int i = 0; i < 63; ++i) ids.next(at(0));
  EXPECT_EQ(refills, 1);
  ids.next(at(0));
  EXPECT_EQ(refills, 2);
}

}  // namespace
}  // namespace plait::wire
