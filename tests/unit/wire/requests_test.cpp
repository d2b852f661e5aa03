#include "wire/requests.hpp"

#include <gtest/gtest.h>

#include <ctime>
#include <string>

#include "support/vectors.hpp"

namespace plait::wire {
namespace {

using test::string_member;

TEST(WireSubscription, Vectors) {  // spec/protocol.md §4.2
  const test::VectorFile file{"envelope.json"};
  codec::JsonParser parser;
  int count = 0;
  for (const codec::JsonValue vector : file.array("subscriptions")) {
    const std::string_view name = string_member(vector, "name");
    const std::string text{string_member(vector, "payload")};
    const auto payload = parser.parse(text);
    ASSERT_TRUE(payload) << name;
    const auto request = decode_subscription(*payload);
    ++count;
    if (const auto error = vector.find("error").as_string()) {
      ASSERT_FALSE(request) << name;
      EXPECT_EQ(name_of(request.error()), *error) << name;
      continue;
    }
    ASSERT_TRUE(request) << name << ": " << name_of(request.error());
    EXPECT_EQ(request->action == SubscriptionRequest::Action::subscribe,
              string_member(vector, "action") == "subscribe");
    std::size_t i = 0;
    for (const codec::JsonValue topic : vector.find("topics").elements()) {
      ASSERT_LT(i, request->topics.size()) << name;
      EXPECT_EQ(request->topics[i].name, string_member(topic, "name")) << name;
      std::optional<Position> since;
      if (const auto epoch = topic.find("epoch").as_uint64()) {
        since = Position{static_cast<std::uint32_t>(*epoch), *topic.find("offset").as_uint64()};
      }
      EXPECT_EQ(request->topics[i].since, since) << name;
      ++i;
    }
    EXPECT_EQ(request->topics.size(), i) << name;
  }
  EXPECT_GT(count, 15);
}

TEST(WireSubscription, TopicsPerRequestAreLimited) {
  codec::JsonParser parser;
  for (const std::size_t topics : {kRequestTopicsMax, kRequestTopicsMax + 1}) {
    std::string text = R"({"action":"subscribe","topics":["t")";
    for (std::size_t i = 1; i < topics; ++i) text += R"(,"t")";
    text += "]}";
    const auto request = decode_subscription(*parser.parse(text));
    ASSERT_EQ(request.has_value(), topics == kRequestTopicsMax);
    EXPECT_TRUE(request || request.error() == Error::topics_invalid);
  }
}

TEST(WireSubscription, PositionsPerRequestAreLimited) {
  codec::JsonParser parser;
  for (const std::size_t positions : {kRequestTopicsMax, kRequestTopicsMax + 1}) {
    std::string text = R"({"action":"subscribe","topics":["t"],"recover":true,"recovery":{"t":null)";
    for (std::size_t i = 1; i < positions; ++i) text += R"(,"t":{"epoch":"0badcafe","offset":17})";
    text += "}}";
    const auto request = decode_subscription(*parser.parse(text));
    ASSERT_EQ(request.has_value(), positions == kRequestTopicsMax);
    if (request) {
      EXPECT_EQ(request->topics[0].since, (Position{0x0badcafe, 17})) << "the last counts";
    } else {
      EXPECT_EQ(request.error(), Error::recovery_invalid);
    }
  }
}

// Processor time of one request that names the topic of a long position so often.
std::clock_t time_of_naming(std::size_t times) {
  std::string text = R"({"action":"subscribe","topics":["t")";
  for (std::size_t i = 1; i < times; ++i) text += R"(,"t")";
  text += R"(],"recover":true,"recovery":{"t":{"epoch":"0badcafe","offset":17)";
  for (int i = 0; i < 1'000'000; ++i) text += R"(,"":0)";
  text += "}}}";
  codec::JsonParser parser;
  const auto payload = parser.parse(text);
  const std::clock_t before = std::clock();
  const auto request = decode_subscription(*payload);
  const std::clock_t time = std::clock() - before;
  EXPECT_EQ(request->topics.size(), times);
  EXPECT_EQ(request->topics.back().since, (Position{0x0badcafe, 17}));
  return time;
}

TEST(WireSubscription, LongPositionIsReadOnceHoweverOftenItsTopicIsNamed) {
  EXPECT_LT(time_of_naming(kRequestTopicsMax), 20 * time_of_naming(1)) << "one message kept a loop for seconds";
}

TEST(WirePublish, Vectors) {  // spec/protocol.md §4.4
  const test::VectorFile file{"envelope.json"};
  codec::JsonParser parser;
  int count = 0;
  for (const codec::JsonValue vector : file.array("publishes")) {
    const std::string_view name = string_member(vector, "name");
    const std::string text{string_member(vector, "payload")};
    const auto request = decode_publish(*parser.parse(text));
    ++count;
    if (const auto error = vector.find("error").as_string()) {
      ASSERT_FALSE(request) << name;
      EXPECT_EQ(name_of(request.error()), *error) << name;
      continue;
    }
    ASSERT_TRUE(request) << name;
    EXPECT_EQ(request->topic, string_member(vector, "topic")) << name;
    EXPECT_EQ(request->data, string_member(vector, "data")) << name << ": the text as it stood";
  }
  EXPECT_GT(count, 5);
}

TEST(WirePing, TimestampIsANumberOfBoundedLengthOrNothing) {  // spec/protocol.md §4.1
  codec::JsonParser parser;
  EXPECT_EQ(decode_ping(*parser.parse(R"({"timestamp":1.50e3})")).client_timestamp, "1.50e3");
  EXPECT_EQ(decode_ping(*parser.parse(R"({"timestamp":1.50e3})")).client_time, 1500.0);
  EXPECT_EQ(decode_ping(*parser.parse(R"({"timestamp":"1"})")).client_timestamp, "");
  EXPECT_EQ(decode_ping(*parser.parse(R"({"timestamp":0.)" + std::string(40, '1') + "}")).client_timestamp, "");
  EXPECT_FALSE(decode_ping({}).client_time.has_value());
}

}  // namespace
}  // namespace plait::wire
