// A connection whose topics and patterns match the same publications: none is left out silently when one of its
// subscriptions ends (spec/protocol.md §4.5).
#include <gtest/gtest.h>

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
    subscribe({"a*", "?1", "b*"});
    miss("a1", 3);
    alice->unsubscribe(ended);
    alice->writable();
    EXPECT_EQ(gaps(), R"({"topic":")" + std::string{left} + R"(","missed":3})");
    alice->unsubscribe(left);
  }
}

TEST_F(HubOverlap, PatternTellsWhatAnEndedTopicHeld) {
  const std::string far = hub.topic_at(0);
  const std::string near = hub.topic_at(1);
  subscribe({"t*"});
  alice->send(R"({"t":"subscription","p":{"action":"subscribe","topics":[")" + near + R"(",")" + far + R"("]}})");
  hub.turn(1);  // `near` is answered, and waits for `far`
  auto carol = hub.connect(1);
  carol->publish(near, "1");
  hub.turn(1);
  alice->unsubscribe(near);
  EXPECT_EQ(gaps(), R"({"topic":"t*","missed":1})");
  hub.settle();
  EXPECT_EQ(types(alice->session.take()), "subscription_update");
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
