// A connection whose topics and patterns match the same publications: none is left out silently when one of its
// subscriptions ends (spec/protocol.md §4.5).
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "fake.hpp"

namespace plait::hub {
namespace {

using namespace test;

class HubOverlap : public ::testing::Test {
 protected:
  void subscribe(std::initializer_list<std::string_view> names) {
    for (const std::string_view name : names) alice->subscribe(name);
    hub.settle();
    alice->session.take();
  }
  void publish(std::string_view topic, int count) {
    for (int i = 1; i <= count; ++i) bob->publish(topic, std::to_string(i));
  }
  /// Publishes, and none of it has room.
  void miss(std::string_view topic, int count) {
    alice->session.room = 0;
    publish(topic, count);
    hub.settle();
    alice->session.room = 100;
  }
  std::string gaps() {
    std::string gaps;
    for (const Received& message : alice->session.take()) gaps += message.type == "gap" ? message.data : "";
    return gaps;
  }

  FakeHub hub{2};
  std::unique_ptr<FakeClient> alice = hub.connect(1);
  std::unique_ptr<FakeClient> bob = hub.connect(0);
};

TEST_F(HubOverlap, PatternTellsWhatAnEndedTopicMissed) {
  subscribe({"a1", "a*", "b*"});
  miss("a1", 3);
  alice->unsubscribe("a1");
  alice->writable();
  EXPECT_EQ(gaps(), R"({"topic":"a*","missed":3})");
}

TEST_F(HubOverlap, PatternTellsWhatAnEndedPatternMissed) {
  for (const auto& [ended, left] : {std::pair{"a*", "?1"}, {"?1", "a*"}}) {
    subscribe({"a*", "?1", "bb*"});  // no topic matches the last and one of the others
    miss("a1", 3);
    alice->unsubscribe(ended);
    alice->writable();
    EXPECT_EQ(gaps(), R"({"topic":")" + std::string{left} + R"(","missed":3})");
    alice->unsubscribe(left);
  }
}

TEST_F(HubOverlap, PatternBringsWhatAnEndedTopicHeld) {
  const std::string far = hub.topic_at(0);
  const std::string near = hub.topic_at(1);
  subscribe({"t*"});
  alice->send(R"({"t":"subscription","p":{"action":"subscribe","topics":[")" + near + R"(",")" + far + R"("]}})");
  hub.turn(1);  // `near` is answered, and waits for `far`
  auto carol = hub.connect(1);
  carol->publish(near, "1");
  hub.turn(1);
  EXPECT_EQ(types(alice->session.take()), "");
  alice->unsubscribe(near);
  EXPECT_EQ(types(alice->session.take()), "publication subscription_update");
  hub.settle();
  EXPECT_EQ(types(alice->session.take()), "subscription_update");
}

TEST_F(HubOverlap, WhatIsHeldForARequestIsBoundedAndTheRestIsAGap) {
  const std::string far = hub.topic_at(0);
  const std::string near = hub.topic_at(1);
  alice->send(R"({"t":"subscription","p":{"action":"subscribe","topics":[")" + near + R"(",")" + far + R"("]}})");
  hub.turn(1);  // `near` is answered, and waits for `far`
  auto carol = hub.connect(1);
  for (int i = 0; i < 5000; ++i) carol->publish(near, "1");
  hub.turn(1);
  EXPECT_EQ(types(alice->session.take()), "");
  hub.settle();
  const auto messages = alice->session.take();
  ASSERT_EQ(messages.size(), 1U + 4096 + 1);
  EXPECT_EQ(messages.front().type, "subscription_update");
  EXPECT_EQ(messages[4096].position.offset, 4096U);
  ASSERT_EQ(messages.back().type, "gap");
  EXPECT_NE(messages.back().data.find(R"("missed":904)"), std::string::npos) << messages.back().data;
}

// The pattern's subscription waits for another topic of its request while the topic's own is answered.
class HubOverlapOfRequests : public HubOverlap {
 protected:
  HubOverlapOfRequests() {
    carol->subscribe("t*");  // so that this loop knows the pattern, and answers at once
    hub.settle();
    carol->session.take();
    bob->publish(near, "0");
    hub.settle();
    start = carol->session.take().back().position;
    request({"t*", far});
    carol->publish(near, "1");
    hub.turn(1);
    EXPECT_EQ(types(alice->session.take()), "") << "kept until `far` is answered";
  }
  void request(const std::vector<std::string>& names) {
    std::string joined;
    for (const std::string& name : names) joined += (joined.empty() ? "\"" : ",\"") + name + "\"";
    alice->send(R"({"t":"subscription","p":{"action":"subscribe","topics":[)" + joined + "]}}");
  }
  /// "answer" and the payloads of publications, in the order in which they came.
  std::string order() {
    std::string order;
    for (const Received& message : alice->session.take()) {
      order += message.type == "publication" ? message.data : message.type == "gap" ? "gap" : "answer";
      order += ' ';
    }
    return order;
  }

  std::string far = hub.topic_at(0);
  std::string near = hub.topic_at(1);
  std::unique_ptr<FakeClient> carol = hub.connect(1);
  Position start;
};

TEST_F(HubOverlapOfRequests, WhatIsKeptIsNotReadBehindWhatIsNewer) {
  alice->subscribe(near);
  hub.turn(1);
  carol->publish(near, "2");
  hub.turn(1);
  EXPECT_EQ(order(), "answer 2 ") << "1 is before the position in the answer";
  hub.settle();
  EXPECT_EQ(order(), "answer ") << "and does not come behind 2";
  carol->publish(near, "3");
  hub.settle();
  EXPECT_EQ(order(), "3 ");
}

TEST_F(HubOverlapOfRequests, WhatIsKeptIsNotReplayedAsWell) {
  alice->recover(near, start);
  hub.turn(1);
  carol->publish(near, "2");
  hub.turn(1);
  hub.settle();
  carol->publish(near, "3");
  hub.settle();
  EXPECT_EQ(order(), "answer 1 2 answer 3 ");
}

TEST_F(HubOverlapOfRequests, APatternThatIsAnsweredEarlierBringsItInOrder) {
  const std::string other = "?" + near.substr(1);
  carol->subscribe(other);
  hub.settle();
  EXPECT_EQ(order(), "answer 1 ");
  alice->unsubscribe("t*");
  alice->unsubscribe(far);
  hub.settle();
  alice->session.take();

  request({"t*", far});
  carol->publish(near, "4");
  hub.turn(1);
  request({other});  // at once: it is known here
  EXPECT_EQ(order(), "answer 4 ");
  carol->publish(near, "5");
  hub.turn(1);
  EXPECT_EQ(order(), "5 ") << "by the pattern that is live, whichever is found first";
  hub.settle();
  EXPECT_EQ(order(), "answer ");
}

TEST_F(HubOverlapOfRequests, WhatNobodyHearsAnyMoreIsForgotten) {
  alice->unsubscribe("t*");
  hub.settle();
  EXPECT_EQ(order(), "answer answer ");
}

TEST_F(HubOverlap, PatternTellsWhatAnEndedRecoveryLeftOut) {
  const std::string topic = hub.topic_at(0);
  subscribe({"t*", topic});
  publish(topic, 1);
  hub.settle();
  const Position start = alice->session.take().at(0).position;
  alice->recover(topic, start);
  publish(topic, 2);  // before its home has seen the request
  hub.turn(1);
  alice->unsubscribe(topic);
  EXPECT_EQ(gaps(), R"({"topic":"t*","missed":2})");
}

TEST_F(HubOverlap, PatternThatCannotRecoverKeepsItsGap) {
  subscribe({"a*"});
  miss("a1", 3);
  alice->recover("a*", {1, 1});
  hub.settle();
  alice->writable();
  EXPECT_EQ(gaps(), R"({"topic":"a*","missed":3})");
}

}  // namespace
}  // namespace plait::hub
