// Subscribe, unsubscribe, publish, deliver: on one loop and across loops (spec/protocol.md §4).
#include <gtest/gtest.h>

#include "fake.hpp"

namespace plait::hub {
namespace {

using namespace test;

/// The number of loops: with two, the subscriber is never on the topic's home.
class HubSubscription : public ::testing::TestWithParam<std::size_t> {
 protected:
  HubSubscription() : hub(GetParam()), topic(hub.topic_at(0)), alice(hub.connect(far())), bob(hub.connect(0)) {}
  [[nodiscard]] std::uint32_t far() const { return static_cast<std::uint32_t>(GetParam() - 1); }

  FakeHub hub;
  std::string topic;
  std::unique_ptr<FakeClient> alice;
  std::unique_ptr<FakeClient> bob;
};
INSTANTIATE_TEST_SUITE_P(Loops, HubSubscription, ::testing::Values(1, 2));

TEST_P(HubSubscription, SubscriberGetsWhatIsPublishedAndNobodyElse) {
  alice->subscribe(topic, "s1");
  hub.settle();
  const auto answer = alice->session.take();
  ASSERT_EQ(types(answer), "subscription_update");
  EXPECT_EQ(answer[0].cid, "s1");
  EXPECT_NE(answer[0].data.find(R"("success":true)"), std::string::npos);
  EXPECT_NE(answer[0].data.find(R"("success_topics":[")" + topic + R"("])"), std::string::npos);
  EXPECT_NE(answer[0].data.find(R"("subscription_limits":{"max_topics":100,"current_topics":1})"), std::string::npos);

  bob->publish(topic, R"({"a": [1]})", "p1");
  hub.settle();
  const auto got = alice->session.take();
  ASSERT_EQ(types(got), "publication");
  EXPECT_EQ(got[0].topic, topic);
  EXPECT_EQ(got[0].data, R"({"a": [1]})") << "the payload passes untouched";
  EXPECT_EQ(got[0].position.offset, 1u);
  const auto acknowledged = bob->session.take();
  ASSERT_EQ(types(acknowledged), "published");
  EXPECT_EQ(acknowledged[0].cid, "p1");
  EXPECT_NE(acknowledged[0].data.find(R"("offset":1)"), std::string::npos);
}

TEST_P(HubSubscription, PublicationIsOneEnvelopeByteByByte) {
  alice->subscribe(topic);
  hub.settle();
  alice->session.take();
  bob->send(R"({"t":"publish","p":{"topic":")" + topic + R"(","data":"x"},"pri":8})");
  hub.settle();
  const std::string text = alice->session.take().at(0).text;
  const std::string begin = R"({"tp":")" + topic + R"(","e":")";
  EXPECT_EQ(text.find(begin), 0u) << text;
  EXPECT_EQ(text.substr(begin.size() + 8).find(R"(","o":1,"c":"U","t":"publication","p":"x","id":")"), 0u) << text;
  EXPECT_TRUE(text.ends_with(R"(","ts":"2026-02-22T02:50:00.123Z","pri":8,"v":1})")) << text;
}

TEST_P(HubSubscription, PublisherHearsItselfIfItSubscribed) {
  bob->subscribe(topic);
  hub.settle();
  bob->publish(topic, "1");
  hub.settle();
  EXPECT_EQ(publications(bob->session.take()), "1");
}

TEST_P(HubSubscription, OrderIsKept) {
  alice->subscribe(topic);
  hub.settle();
  alice->session.take();
  std::string expected;
  for (int i = 0; i < 200; ++i) {
    bob->publish(topic, std::to_string(i));
    expected += std::to_string(i);
    if (i % 37 == 0) hub.settle();
  }
  hub.settle();
  const auto got = alice->session.take();
  EXPECT_EQ(publications(got), expected);
  for (std::size_t i = 0; i < got.size(); ++i) EXPECT_EQ(got[i].position.offset, i + 1);
}

TEST_P(HubSubscription, UnsubscribedClientsHearNothing) {
  alice->subscribe(topic);
  hub.settle();
  alice->unsubscribe(topic);
  const auto answer = alice->session.take();
  EXPECT_EQ(types(answer), "subscription_update subscription_update");
  EXPECT_NE(answer[1].data.find(R"("action":"unsubscribe","success":true)"), std::string::npos);
  bob->publish(topic, "1");
  hub.settle();
  EXPECT_TRUE(alice->session.take().empty());
  EXPECT_EQ(hub.engine->stats().subscriptions_open, 0u);
}

TEST_P(HubSubscription, UnsubscribedBeforeTheAnswerMeansUnsubscribed) {
  alice->subscribe(topic, "s");
  alice->unsubscribe(topic);
  bob->publish(topic, "1");
  hub.settle();
  const auto messages = alice->session.take();
  EXPECT_EQ(types(messages), "subscription_update subscription_update");
  EXPECT_EQ(messages[1].cid, "s") << "every request is answered";
  EXPECT_EQ(hub.engine->shard(far()).audience().subject_count(), 0u);
}

TEST_P(HubSubscription, DisconnectUnsubscribesAndNothingIsLeft) {
  alice->subscribe(topic);
  alice->subscribe("t*");
  hub.settle();
  EXPECT_EQ(hub.engine->stats().connections_open, 2u);
  alice->close();
  hub.settle();
  EXPECT_EQ(hub.engine->stats().connections_open, 1u);
  EXPECT_EQ(hub.engine->stats().subscriptions_open, 0u);
  EXPECT_EQ(hub.engine->shard(far()).audience().subject_count(), 0u);
  bob->publish(topic, "1");
  hub.settle();
  EXPECT_EQ(hub.engine->stats().deliveries, 0u);
}

TEST_P(HubSubscription, DisconnectBeforeTheAnswerLeavesNothing) {
  alice->subscribe(topic);
  alice->subscribe("t*");
  alice->close();
  hub.settle();
  EXPECT_EQ(hub.engine->shard(far()).audience().subject_count(), 0u);
}

TEST_P(HubSubscription, AnswersToWhoHasGoneAreNotTheNextOnes) {
  alice->publish(topic, "1", "p");
  alice->close();
  hub.turn(far());
  auto carol = hub.connect(far());  // in alice's place
  carol->publish(topic, "2", "q");
  hub.settle();
  const auto answers = carol->session.take();
  ASSERT_EQ(types(answers), "published");
  EXPECT_EQ(answers[0].cid, "q");
  EXPECT_NE(answers[0].data.find(R"("offset":2)"), std::string::npos) << answers[0].data;
}

TEST_P(HubSubscription, SubscribedTwiceIsSaidAndDeliveredOnce) {
  alice->subscribe(topic);
  hub.settle();
  alice->session.take();
  alice->subscribe(topic, "again");
  const auto answer = alice->session.take();
  ASSERT_EQ(types(answer), "subscription_update");
  EXPECT_NE(answer[0].data.find(R"("already_subscribed":[")" + topic), std::string::npos);
  bob->publish(topic, "1");
  hub.settle();
  EXPECT_EQ(publications(alice->session.take()), "1");
  EXPECT_EQ(hub.engine->stats().subscriptions_open, 1u);
}

TEST_P(HubSubscription, OneRequestWithTopicsOfAllHomesIsAnsweredOnceAndFirst) {
  const std::string near_topic = hub.topic_at(far(), "n");
  alice->send(R"({"t":"subscription_update","p":{"action":"subscribe","topics":[")" + topic + R"(",")" + near_topic +
              R"(","bad topic",")" + topic + R"("]},"cid":"m"})");
  bob->publish(topic, "1");
  bob->publish(near_topic, "2");
  hub.settle();
  bob->publish(topic, "3");
  hub.settle();
  const auto messages = alice->session.take();
  EXPECT_EQ(messages.at(0).type, "subscription_update");
  EXPECT_EQ(messages[0].cid, "m");
  EXPECT_NE(messages[0].data.find(R"("success":false)"), std::string::npos);
  EXPECT_NE(messages[0].data.find(R"("failed_topics":[{"topic":"bad topic",)"), std::string::npos);
  EXPECT_NE(messages[0].data.find(R"("code":"INVALID_SUBSCRIPTION")"), std::string::npos);
  EXPECT_EQ(types(messages).find("subscription_update", 1), std::string::npos);
  std::string of_topic;
  for (const Received& message : messages) of_topic += message.topic == topic ? message.data : "";
  EXPECT_TRUE(of_topic == "13" || of_topic == "3") << of_topic;
  EXPECT_EQ(hub.engine->stats().subscriptions_open, 2u);
}

TEST_P(HubSubscription, LimitOnSubscriptionsIsExact) {
  HubOptions options = test_options();
  options.subscriptions_max = 2;
  FakeHub limited{GetParam(), std::move(options)};
  auto client = limited.connect(far());
  client->subscribe("a");
  client->subscribe("b*");
  client->subscribe("c", "third");
  limited.settle();
  bool refused = false;
  for (const Received& message : client->session.take()) {
    if (message.cid != "third") continue;
    refused =
        message.data.find(R"("error":"too many subscriptions","code":"SUBSCRIPTION_FAILED")") != std::string::npos;
  }
  EXPECT_TRUE(refused);
  EXPECT_EQ(limited.engine->stats().subscriptions_open, 2u);
  client->unsubscribe("a");
  client->subscribe("c");
  limited.settle();
  EXPECT_EQ(limited.engine->stats().subscriptions_open, 2u);
}

TEST_P(HubSubscription, LimitOnPatternsIsExact) {
  HubOptions options = test_options();
  options.patterns_max = 1;
  FakeHub limited{GetParam(), std::move(options)};
  auto client = limited.connect(far());
  client->subscribe("a*");
  client->subscribe("b*", "second");
  client->subscribe("a*", "again");
  client->subscribe("c");
  limited.settle();
  std::string refused;
  for (const Received& message : client->session.take()) {
    if (message.data.find(R"("error":"too many patterns")") != std::string::npos) refused += message.cid;
  }
  EXPECT_EQ(refused, "second");
  EXPECT_EQ(limited.engine->stats().subscriptions_open, 2u);
}

TEST_P(HubSubscription, LimitOnPatternsOfALoopCountsEachOnce) {
  HubOptions options = test_options();
  options.patterns_total_max = 2;
  FakeHub limited{GetParam(), std::move(options)};
  auto first = limited.connect(far());
  auto second = limited.connect(far());
  first->subscribe("a*");
  first->subscribe("b*");
  second->subscribe("a*", "shared");
  second->subscribe("c*", "third");
  limited.settle();
  const auto refused = [&] {
    std::string cids;
    for (const Received& message : second->session.take()) {
      if (message.data.find(R"("error":"too many patterns of all sessions")") != std::string::npos) cids += message.cid;
    }
    return cids;
  };
  EXPECT_EQ(refused(), "third");
  first->close();
  limited.settle();
  second->subscribe("c*", "again");
  limited.settle();
  EXPECT_EQ(refused(), "");
  EXPECT_EQ(limited.engine->stats().subscriptions_open, 2u);
}

TEST_P(HubSubscription, AuthorizerDecidesOnBothActions) {
  HubOptions options = test_options();
  options.authorize = [](std::string_view user, std::string_view name, TopicAction action) {
    return user == "anonymous" && name.starts_with(action == TopicAction::publish ? "w" : "r");
  };
  FakeHub guarded{GetParam(), std::move(options)};
  auto client = guarded.connect(far());
  client->subscribe("w1", "s");
  client->publish("r1", "1", "p");
  guarded.settle();
  const auto messages = client->session.take();
  ASSERT_EQ(types(messages), "subscription_update error");
  EXPECT_NE(messages[0].data.find(R"("error":"not allowed")"), std::string::npos);
  EXPECT_NE(messages[1].data.find(R"("code":"PUBLISH_DENIED")"), std::string::npos);
  EXPECT_EQ(messages[1].cid, "p");
  client->subscribe("r1");
  guarded.settle();
  client->publish("w1", "1", "p");
  guarded.settle();
  EXPECT_EQ(types(client->session.take()), "subscription_update published");
}

TEST_P(HubSubscription, BadRequestsAreNamed) {
  alice->send(R"({"t":"subscription","p":{"action":"sync","topics":["a"]},"cid":"1"})");
  alice->send(R"({"t":"subscription","p":{"action":"subscribe","topics":[]},"cid":"2"})");
  alice->send(
      R"({"t":"subscription","p":{"action":"subscribe","topics":["a"],"recover":true,"recovery":{"a":1}},"cid":"3"})");
  alice->send(R"({"t":"publish","p":{"topic":"a"},"cid":"4"})");
  alice->publish("a*", "1", "5");
  hub.settle();
  const auto messages = alice->session.take();
  ASSERT_EQ(types(messages), "error error error error error");
  const char* codes[] = {"INVALID_ACTION", "INVALID_SUBSCRIPTION", "INVALID_SUBSCRIPTION", "INVALID_MESSAGE",
                         "PUBLISH_FAILED"};
  for (std::size_t i = 0; i < messages.size(); ++i) {
    EXPECT_NE(messages[i].data.find(codes[i]), std::string::npos) << messages[i].data;
    EXPECT_EQ(messages[i].cid, std::to_string(i + 1));
  }
}

TEST_P(HubSubscription, PublicationTooLargeToKeepIsRefused) {
  HubOptions options = test_options();
  options.broker = memory_broker({.history_bytes_max = 10});
  FakeHub small{GetParam(), std::move(options)};
  auto client = small.connect(far());
  client->publish(small.topic_at(0), R"("123456789")");
  client->publish(small.topic_at(0), R"("12345678")", "fits");
  small.settle();
  const auto messages = client->session.take();
  ASSERT_EQ(types(messages), "error published");
  EXPECT_NE(messages[0].data.find(R"("code":"PUBLISH_FAILED")"), std::string::npos);
  EXPECT_EQ(small.engine->stats().publications, 1u);
  EXPECT_EQ(small.engine->stats().publications_refused, 1u);
}

TEST_P(HubSubscription, EmbedderPublishesFromOutside) {
  alice->subscribe(topic);
  hub.settle();
  alice->session.take();
  std::optional<Position> position;
  hub.engine->publish(topic, R"({"from":"outside"})", [&](const auto& result) { position = *result; });
  hub.settle();
  EXPECT_EQ(publications(alice->session.take()), R"({"from":"outside"})");
  ASSERT_TRUE(position);
  EXPECT_EQ(position->offset, 1u);
}

TEST_P(HubSubscription, EachFormGetsItsOwnEncoding) {
  bob->send(
      "WSE"
      R"({"t":"ping"})");
  alice->subscribe(topic);
  bob->subscribe(topic);
  hub.settle();
  alice->session.take();
  bob->session.take();
  bob->publish(topic, "1");
  hub.settle();
  EXPECT_EQ(alice->session.raw.at(0).find(R"({"tp":)"), 0u);
  EXPECT_EQ(bob->session.raw.at(0).find(R"(U{"tp":)"), 0u);
  EXPECT_EQ(bob->session.raw.at(0).find(R"("c":)"), std::string::npos);
}

}  // namespace
}  // namespace plait::hub
