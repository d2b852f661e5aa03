// Recovery: subscribe, replay and live are one step (spec/protocol.md §4.3).
#include <gtest/gtest.h>
#include <malloc.h>

#include "fake.hpp"

namespace plait::hub {
namespace {

using namespace test;

class HubRecovery : public ::testing::TestWithParam<std::size_t> {
 protected:
  HubRecovery() : hub(GetParam()), topic(hub.topic_at(0)), alice(hub.connect(far())), bob(hub.connect(0)) {}
  [[nodiscard]] std::uint32_t far() const { return static_cast<std::uint32_t>(GetParam() - 1); }
  void publish(int first, int last) {
    for (int i = first; i <= last; ++i) bob->publish(topic, std::to_string(i));
  }
  /// Learns the epoch.
  Position position_now() {
    auto probe = hub.connect(0);
    probe->subscribe(topic);
    hub.settle();
    bob->publish(topic, "0");
    hub.settle();
    return probe->session.take().back().position;
  }

  FakeHub hub;
  std::string topic;
  std::unique_ptr<FakeClient> alice;
  std::unique_ptr<FakeClient> bob;
};
INSTANTIATE_TEST_SUITE_P(Loops, HubRecovery, ::testing::Values(1, 2));

TEST_P(HubRecovery, AnswerThenReplayThenLive) {
  const Position start = position_now();
  publish(1, 3);
  hub.settle();
  alice->recover(topic, start, "r");
  publish(4, 4);  // before or after the home has seen the request, depending on its loop
  hub.settle();
  publish(5, 5);
  hub.settle();
  const auto messages = alice->session.take();
  EXPECT_EQ(types(messages), "subscription_update publication publication publication publication publication");
  EXPECT_NE(messages[0].data.find(R"("recovered":true,"count":)"), std::string::npos);
  EXPECT_EQ(publications(messages), "12345");
}

// Under a sanitizer mallinfo2() knows nothing and the test says nothing.
TEST_P(HubRecovery, NothingOfAReplayIsKeptBehindIt) {
  constexpr std::size_t kCount = 20, kPublications = 100;
  const Position start = position_now();
  publish(1, kPublications);
  std::vector<std::unique_ptr<FakeClient>> clients;
  for (std::size_t i = 0; i < kCount; ++i) clients.push_back(hub.connect(far()));
  for (const auto& client : clients) client->subscribe("u");
  hub.settle();
  for (const auto& client : clients) client->session.take();
  const std::size_t before = mallinfo2().uordblks;
  for (const auto& client : clients) {
    client->recover(topic, start);
    hub.settle();
    EXPECT_EQ(client->session.take().size(), 1 + kPublications);
  }
  EXPECT_LT(mallinfo2().uordblks, before + kCount * kPublications * sizeof(Publication) / 2);
}

TEST_P(HubRecovery, OfManyTopicsAtOnceIsBoundedInBytes) {
  const std::string megabyte = '"' + std::string(1'000'000, 'x') + '"';
  std::vector<std::pair<std::string, Position>> topics;
  for (int i = 0; i < 5; ++i) {
    topic = hub.topic_at(0, "t" + std::to_string(i));
    topics.emplace_back(topic, position_now());
    for (int n = 0; n < 16; ++n) bob->publish(topic, megabyte);
    hub.settle();
  }
  alice->session.backlogged = true;
  const auto recover = [&](std::size_t i) {
    alice->recover(topics[i].first, topics[i].second);
    hub.settle();
    return alice->session.take();
  };
  EXPECT_EQ(types(recover(0)), "subscription_update publication") << "and the others wait";
  for (const std::size_t i : {1U, 2U, 3U}) {
    EXPECT_NE(recover(i).at(0).data.find(R"("recovered":true,"count":16)"), std::string::npos) << i;
  }
  EXPECT_NE(recover(4).at(0).data.find(R"("recovered":false,"count":0)"), std::string::npos);

  alice->session.backlogged = false;
  alice->writable();
  EXPECT_EQ(alice->session.take().size(), 4 * 16 - 1) << "what was promised";
  EXPECT_EQ(recover(4).size(), 1 + 16) << "and then the last, too";
}

TEST_P(HubRecovery, NothingMissedIsRecoveredWithNothing) {
  const Position start = position_now();
  alice->recover(topic, start);
  hub.settle();
  const auto messages = alice->session.take();
  ASSERT_EQ(types(messages), "subscription_update");
  EXPECT_NE(messages[0].data.find(R"("recovered":true,"count":0)"), std::string::npos);
}

TEST_P(HubRecovery, AllOrNothing) {
  const Position start = position_now();
  publish(1, 129);  // one more than is kept
  hub.settle();
  alice->recover(topic, start);
  hub.settle();
  publish(130, 130);
  hub.settle();
  const auto messages = alice->session.take();
  EXPECT_EQ(types(messages), "subscription_update publication");
  EXPECT_NE(messages[0].data.find(R"("offset":130,"recovered":false,"count":0)"), std::string::npos)
      << messages[0].data;
  EXPECT_EQ(messages[1].position.offset, 131u);
}

TEST_P(HubRecovery, OtherEpochIsNotRecovered) {
  const Position start = position_now();
  alice->recover(topic, {start.epoch + 1, 0});
  hub.settle();
  EXPECT_NE(alice->session.take().at(0).data.find(R"("recovered":false)"), std::string::npos);
}

TEST_P(HubRecovery, RecoveringWhileSubscribedNeitherRepeatsNorLoses) {
  const Position start = position_now();
  alice->subscribe(topic);
  hub.settle();
  alice->session.take();
  publish(1, 2);
  hub.settle();
  EXPECT_EQ(publications(alice->session.take()), "12");
  alice->recover(topic, {start.epoch, start.offset + 1}, "r");
  publish(3, 3);
  hub.settle();
  publish(4, 4);
  hub.settle();
  const auto messages = alice->session.take();
  EXPECT_EQ(messages.at(0).type, "subscription_update");
  EXPECT_NE(messages[0].data.find(R"("already_subscribed":[")" + topic), std::string::npos);
  EXPECT_EQ(publications(messages), "234");
}

TEST_P(HubRecovery, PatternDoesNotBringWhatIsReplayed) {
  const Position start = position_now();
  alice->subscribe("t*");
  hub.settle();
  alice->session.take();
  for (const bool subscribed : {false, true}) {
    alice->unsubscribe(topic);
    if (subscribed) alice->subscribe(topic);
    hub.settle();
    alice->session.take();
    publish(1, 1);
    alice->recover(topic, start);
    publish(2, 2);
    hub.settle();
    const auto messages = alice->session.take();
    EXPECT_EQ(messages.at(0).type, "subscription_update");
    EXPECT_EQ(publications(messages), subscribed ? "1212" : "12") << "from the start, each once";
  }
}

TEST_P(HubRecovery, TheLastOfSeveralRequestsDecides) {
  const Position start = position_now();
  publish(1, 2);
  hub.settle();
  alice->subscribe(topic, "first");
  alice->recover(topic, start, "second");
  hub.settle();
  publish(3, 3);
  hub.settle();
  EXPECT_EQ(publications(alice->session.take()), "123");
  alice->recover(topic, start, "third");
  alice->recover(topic, {start.epoch, start.offset + 1}, "fourth");
  hub.settle();
  auto messages = alice->session.take();
  ASSERT_EQ(types(messages), "subscription_update subscription_update publication publication");
  EXPECT_EQ(messages[0].cid, "third");
  EXPECT_NE(messages[0].data.find(R"("recovered":false,"count":0)"), std::string::npos) << messages[0].data;
  EXPECT_EQ(messages[1].cid, "fourth");
  EXPECT_NE(messages[1].data.find(R"("recovered":true,"count":2)"), std::string::npos) << messages[1].data;
  EXPECT_EQ(publications(messages), "23");
  alice->recover(topic, start, "fifth");
  alice->unsubscribe(topic);
  hub.settle();
  messages = alice->session.take();
  ASSERT_EQ(types(messages), "subscription_update subscription_update");
  EXPECT_EQ(messages[1].cid, "fifth");
  EXPECT_NE(messages[1].data.find(R"("recovered":false,"count":0)"), std::string::npos) << messages[1].data;
}

// --- A session that reads slowly, or not at all ---------------------------------------------------------------------

TEST_P(HubRecovery, ReplayGoesOutAsTheSessionTakesItAndWhatIsNewWaitsBehindIt) {
  const Position start = position_now();
  publish(1, 3);
  hub.settle();
  alice->session.backlogged = true;
  alice->recover(topic, start, "r");
  hub.settle();
  publish(4, 4);
  hub.settle();
  const auto messages = alice->session.take();
  EXPECT_EQ(types(messages), "subscription_update publication");
  EXPECT_NE(messages[0].data.find(R"("recovered":true,"count":)"), std::string::npos);
  EXPECT_EQ(publications(messages), "1");
  alice->writable();
  EXPECT_EQ(publications(alice->session.take()), "2");
  alice->session.backlogged = false;
  alice->writable();
  EXPECT_EQ(publications(alice->session.take()), "34");
  publish(5, 5);
  hub.settle();
  EXPECT_EQ(publications(alice->session.take()), "5");
  EXPECT_EQ(hub.engine->stats().missed_by_sessions, 0u);
}

TEST_P(HubRecovery, AskingAgainBringsNoMoreThanTheSessionTakes) {
  const Position start = position_now();
  publish(1, 3);
  hub.settle();
  alice->session.backlogged = true;
  alice->recover(topic, start);
  hub.settle();
  alice->session.take();
  for (int i = 0; i < 3; ++i) alice->recover(topic, start);
  alice->subscribe("u");
  hub.settle();
  bob->publish("u", "7");
  hub.settle();
  EXPECT_EQ(publications(alice->session.take()), "7") << "a topic without a replay does not wait";
  alice->session.backlogged = false;
  alice->writable();
  EXPECT_EQ(publications(alice->session.take()), "123") << "the last answer's";
}

TEST_P(HubRecovery, EndedSubscriptionLeavesTheRestOfItsReplayToAPattern) {
  const Position start = position_now();
  alice->subscribe("t*");
  publish(1, 3);
  hub.settle();
  alice->session.take();
  alice->session.backlogged = true;
  alice->recover(topic, start);
  hub.settle();
  EXPECT_EQ(publications(alice->session.take()), "1");
  alice->unsubscribe(topic);
  const auto messages = alice->session.take();
  ASSERT_EQ(types(messages), "gap subscription_update");
  EXPECT_EQ(messages[0].data, R"({"topic":"t*","missed":2})");
  alice->writable();
  publish(4, 4);
  hub.settle();
  EXPECT_EQ(publications(alice->session.take()), "4");
}

TEST_P(HubRecovery, WhatWaitsBehindAReplayIsBoundedInBytesAndTheRestIsAGap) {
  const Position start = position_now();
  publish(1, 2);
  hub.settle();
  alice->session.backlogged = true;
  alice->recover(topic, start);
  hub.settle();
  const std::string large = '"' + std::string(std::size_t{10} << 20, 'x') + '"';
  for (const std::string& payload : {large, large, std::string{"3"}}) bob->publish(topic, payload);
  hub.settle();
  EXPECT_EQ(publications(alice->session.take()), "1");
  alice->session.backlogged = false;
  alice->writable();
  const auto messages = alice->session.take();
  ASSERT_EQ(types(messages), "publication publication gap");
  EXPECT_EQ(messages[1].data.size(), large.size());
  EXPECT_NE(messages[2].data.find(R"("missed":2)"), std::string::npos) << messages[2].data;
}

TEST_P(HubRecovery, SessionThatLagsIsToldOfItsReplayAsAGap) {
  const Position start = position_now();
  publish(1, 3);
  alice->subscribe("u");
  hub.settle();
  alice->session.take();
  alice->session.room = 0;
  bob->publish("u", "7");
  hub.settle();
  alice->session.room = 9;
  alice->recover(topic, start);
  hub.settle();
  EXPECT_EQ(types(alice->session.take()), "subscription_update");
  alice->writable();
  const auto messages = alice->session.take();
  ASSERT_EQ(types(messages), "gap gap");
  EXPECT_NE(messages[1].data.find(R"("missed":3)"), std::string::npos) << messages[1].data;
}

TEST_P(HubRecovery, LargePublicationsAreEncodedOnceForAllWhoHaveNotReadThem) {
  const Position start = position_now();
  bob->publish(topic, '"' + std::string(100'000, 'x') + '"');
  bob->publish(topic, "2");
  hub.settle();
  auto carol = hub.connect(far());
  for (FakeClient* client : {alice.get(), carol.get()}) {
    client->session.keeps_shared = true;
    client->recover(topic, start);
    hub.settle();
    ASSERT_EQ(client->session.kept.size(), 2U);
  }
  EXPECT_EQ(carol->session.kept[0].block(), alice->session.kept[0].block());
  EXPECT_NE(carol->session.kept[1].block(), alice->session.kept[1].block()) << "small ones are not looked for";
  alice->session.kept.clear();
  hub.settle();
  EXPECT_EQ(carol->session.kept[0].text(), carol->session.raw[1]) << "and lives as long as one of them has it";
}

}  // namespace
}  // namespace plait::hub
