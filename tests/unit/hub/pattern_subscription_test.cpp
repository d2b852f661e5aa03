// Subscriptions to patterns: every home takes part.
#include <gtest/gtest.h>

#include "fake.hpp"

namespace plait::hub {
namespace {

using namespace test;

class HubPattern : public ::testing::Test {
 protected:
  FakeHub hub{3};
  std::unique_ptr<FakeClient> alice = hub.connect(0);
  std::unique_ptr<FakeClient> bob = hub.connect(1);
  std::string at0 = hub.topic_at(0);
  std::string at1 = hub.topic_at(1);
  std::string at2 = hub.topic_at(2);
};

TEST_F(HubPattern, HearsMatchingTopicsOfEveryHome) {
  alice->subscribe("t*", "s");
  hub.settle();
  ASSERT_EQ(types(alice->session.take()), "subscription_update");
  bob->publish(at0, "1");
  bob->publish(at1, "2");
  bob->publish(at2, "3");
  bob->publish("other", "4");
  hub.settle();
  std::string got = publications(alice->session.take());
  std::sort(got.begin(), got.end());
  EXPECT_EQ(got, "123");
}

TEST_F(HubPattern, AnswerComesBeforeAnyPublication) {
  alice->subscribe("t*");
  for (int i = 0; i < 5; ++i) {
    bob->publish(at0, "1");
    bob->publish(at2, "2");
    for (std::uint32_t loop = 0; loop < 3; ++loop) hub.turn(loop);
  }
  hub.settle();
  const auto messages = alice->session.take();
  EXPECT_EQ(messages.at(0).type, "subscription_update");
  EXPECT_EQ(types(messages).find("subscription_update", 1), std::string::npos);
  EXPECT_NE(publications(messages), "") << "and some did come";
}

TEST_F(HubPattern, TopicAndPatternsTogetherDeliverOnce) {
  alice->subscribe(at1);
  alice->subscribe("t*");
  alice->subscribe("?" + at1.substr(1));
  hub.settle();
  alice->session.take();
  bob->publish(at1, "1");
  bob->publish(at1, "2");
  hub.settle();
  EXPECT_EQ(publications(alice->session.take()), "12");
  alice->unsubscribe(at1);
  alice->unsubscribe("t*");
  hub.settle();
  alice->session.take();
  bob->publish(at1, "3");
  hub.settle();
  EXPECT_EQ(publications(alice->session.take()), "3");
}

TEST_F(HubPattern, SecondSubscriberOfALoopIsAnsweredAtOnce) {
  auto carol = hub.connect(0);
  alice->subscribe("t*");
  carol->subscribe("t*");  // while the homes are still being asked
  hub.settle();
  auto dave = hub.connect(0);
  dave->subscribe("t*");  // and when they have answered
  EXPECT_EQ(types(dave->session.take()), "subscription_update");
  alice->session.take();
  carol->session.take();
  bob->publish(at2, "1");
  hub.settle();
  for (FakeClient* client : {alice.get(), carol.get(), dave.get()}) {
    EXPECT_EQ(publications(client->session.take()), "1");
  }
}

TEST_F(HubPattern, KnownTopicsNoticePatternsThatComeAndGo) {
  bob->subscribe(at1);
  hub.settle();
  bob->publish(at1, "1");
  hub.settle();
  alice->subscribe("t*");
  hub.settle();
  bob->publish(at1, "2");
  hub.settle();
  EXPECT_EQ(publications(alice->session.take()), "2");
  alice->unsubscribe("t*");
  hub.settle();
  alice->session.take();
  const std::uint64_t before = hub.engine->stats().deliveries;
  bob->publish(at1, "3");
  hub.settle();
  EXPECT_TRUE(alice->session.take().empty());
  EXPECT_EQ(hub.engine->stats().deliveries, before + 1);
}

TEST_F(HubPattern, PatternsHaveNoPositionToRecoverFrom) {
  alice->recover("t*", {1, 1}, "r");
  hub.settle();
  const auto messages = alice->session.take();
  ASSERT_EQ(types(messages), "subscription_update");
  EXPECT_NE(messages[0].data.find(R"("recovery":{})"), std::string::npos) << messages[0].data;
}

// One loop, so that the answers to a client's requests come in the turn in which its publication does.
class HubPatternOfOneTurn : public ::testing::Test {
 protected:
  HubPatternOfOneTurn() {
    for (const std::string_view pattern : {"a*", "ab*"}) alice->subscribe(pattern);
    hub.settle();
    alice->session.take();
  }

  FakeHub hub{1};
  std::unique_ptr<FakeClient> alice = hub.connect();
  std::unique_ptr<FakeClient> bob = hub.connect();
};

TEST_F(HubPatternOfOneTurn, ThatBecomesActiveDoesNotDisturbWhatWasGatheredBefore) {
  bob->publish("abc", "1");
  bob->subscribe("?bc");
  bob->subscribe("abc");
  bob->send(R"({"t":"subscription","p":{"action":"subscribe","topics":["a*","x"]}})");
  hub.settle();
  EXPECT_EQ(publications(alice->session.take()), "1");
  EXPECT_EQ(publications(bob->session.take()), "1") << "of a*, whose subscription waits for x";
}

TEST_F(HubPatternOfOneTurn, ThatBecomesActiveHearsOnlyWhatComesAfterIt) {
  bob->publish("abc", "1");
  bob->subscribe("?bc");
  bob->publish("abc", "2");
  hub.settle();
  EXPECT_EQ(publications(alice->session.take()), "12");
  EXPECT_EQ(publications(bob->session.take()), "2");
}

}  // namespace
}  // namespace plait::hub
