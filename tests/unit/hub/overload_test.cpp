// What happens when somebody is too slow: bounded, counted, and said (spec/protocol.md §4.5).
#include <gtest/gtest.h>

#include "fake.hpp"

namespace plait::hub {
namespace {

using namespace test;

TEST(HubSlowSession, GetsAGapNoticeWhenItIsWritableAgain) {
  FakeHub hub;
  auto slow = hub.connect();
  auto fast = hub.connect();
  slow->subscribe("a");
  fast->subscribe("a");
  hub.settle();
  slow->session.take();
  fast->session.take();
  slow->session.room = 2;
  for (int i = 1; i <= 5; ++i) fast->publish("a", std::to_string(i));
  hub.settle();
  slow->session.room = 100;  // room alone resumes nothing: the notice comes first
  fast->publish("a", "6");
  hub.settle();
  EXPECT_EQ(publications(slow->session.take()), "12");
  EXPECT_EQ(publications(fast->session.take()), "123456");
  slow->writable();
  fast->publish("a", "7");
  hub.settle();
  const auto messages = slow->session.take();
  ASSERT_EQ(types(messages), "gap publication");
  EXPECT_NE(messages[0].data.find(R"("offset":6,"missed":4})"), std::string::npos) << messages[0].data;
  EXPECT_EQ(messages[1].position.offset, 7u);
  EXPECT_EQ(hub.engine->stats().missed_by_sessions, 4u);
  EXPECT_EQ(slow->session.close_code, 0);
}

TEST(HubSlowSession, NoPublicationBeforeTheNoticesPositionFollowsIt) {
  HubOptions options = test_options();
  options.ring_capacity = 4;  // so that a publisher takes out what waits, and the loop has not turned
  FakeHub hub{1, std::move(options)};
  auto slow = hub.connect();
  auto other = hub.connect();
  slow->subscribe("a");
  hub.settle();
  slow->session.take();
  slow->session.room = 0;
  other->publish("a", "1");
  hub.settle();
  slow->session.room = 100;
  for (int i = 2; i <= 5; ++i) other->publish("a", std::to_string(i));
  slow->writable();
  hub.settle();
  const auto messages = slow->session.take();
  ASSERT_EQ(types(messages), "gap publication publication publication publication");
  EXPECT_NE(messages[0].data.find(R"("offset":1,"missed":1})"), std::string::npos) << messages[0].data;
  EXPECT_EQ(publications(messages), "2345");
}

TEST(HubSlowSession, RecoversAfterTheNotice) {
  FakeHub hub;
  auto client = hub.connect();
  client->subscribe("a");
  hub.settle();
  client->session.take();
  client->session.room = 1;
  for (int i = 1; i <= 4; ++i) client->publish("a", std::to_string(i));
  hub.settle();
  const auto before = client->session.take();
  ASSERT_EQ(publications(before), "1");
  client->session.room = 100;
  client->writable();
  client->recover("a", before[0].position);
  hub.settle();
  EXPECT_EQ(publications(client->session.take()), "234");
}

TEST(HubSlowSession, EverySubscriptionThatMissedSomethingIsNamed) {
  FakeHub hub;
  auto client = hub.connect();
  auto other = hub.connect();
  client->subscribe("a");
  client->subscribe("b*");
  client->subscribe("c");
  hub.settle();
  client->session.take();
  client->session.room = 0;
  other->publish("a", "1");
  other->publish("b1", "1");
  other->publish("b2", "1");
  hub.settle();
  client->session.room = 1;
  client->writable();
  EXPECT_EQ(client->session.take().size(), 1u);
  client->session.room = 9;
  client->writable();
  const auto messages = client->session.take();
  ASSERT_EQ(types(messages), "gap");
  EXPECT_EQ(messages[0].data, R"({"topic":"b*","missed":2})");
  client->writable();
  EXPECT_TRUE(client->session.take().empty());
}

TEST(HubSlowSession, SessionThatEndsInsideAFanOutDisturbsNobody) {
  FakeHub hub;
  std::vector<std::unique_ptr<FakeClient>> clients;
  for (int i = 0; i < 5; ++i) {
    clients.push_back(hub.connect());
    clients.back()->subscribe("a");
  }
  hub.settle();
  for (const auto& client : clients) client->session.take();
  clients[1]->session.on_send = [&] { clients[1]->close(); };
  clients[2]->session.on_send = [&] { clients[0]->close(); };
  clients[4]->publish("a", "1");
  hub.settle();
  for (const std::size_t i : {2u, 3u, 4u}) EXPECT_EQ(publications(clients[i]->session.take()), "1") << i;
  EXPECT_EQ(hub.engine->stats().connections_open, 3u);
}

class HubFullRing : public ::testing::Test {
 protected:
  static HubOptions options() {
    HubOptions options = test_options();
    options.ring_capacity = 4096;
    return options;
  }
  void publish(int first, int last) {
    for (int i = first; i <= last; ++i) bob->publish(topic, std::to_string(i));
  }

  static constexpr int kRoom = 4096;
  FakeHub hub{2, options()};
  std::string topic = hub.topic_at(0);
  std::unique_ptr<FakeClient> bob = hub.connect(0);
  std::unique_ptr<FakeClient> alice = hub.connect(1);
};

TEST_F(HubFullRing, SleepingLoopMissesTheRestAndIsToldSo) {
  alice->subscribe(topic);
  hub.settle();
  alice->session.take();
  publish(1, kRoom + 10);
  hub.turn(0);
  hub.settle();  // loop 1 wakes up
  auto messages = alice->session.take();
  EXPECT_EQ(messages.size(), static_cast<std::size_t>(kRoom));
  EXPECT_EQ(messages.back().position.offset, static_cast<std::uint64_t>(kRoom));
  hub.advance(std::chrono::milliseconds{20});
  messages = alice->session.take();
  ASSERT_EQ(types(messages), "gap");
  EXPECT_NE(messages[0].data.find(R"("offset":4106,"missed":10})"), std::string::npos) << messages[0].data;
  publish(kRoom + 11, kRoom + 11);
  hub.settle();
  EXPECT_EQ(publications(alice->session.take()), std::to_string(kRoom + 11));
  EXPECT_EQ(hub.engine->stats().missed_by_loops, 10u);
}

TEST_F(HubFullRing, GapComesBeforeTheNextPublication) {
  alice->subscribe(topic);
  hub.settle();
  alice->session.take();
  publish(1, kRoom + 1);
  hub.turn(0);
  hub.turn(1);
  publish(kRoom + 2, kRoom + 2);  // before any timer
  hub.settle();
  const auto messages = alice->session.take();
  ASSERT_EQ(messages.size(), static_cast<std::size_t>(kRoom + 2));
  EXPECT_EQ(messages[kRoom].type, "gap");
  EXPECT_EQ(messages[kRoom + 1].position.offset, static_cast<std::uint64_t>(kRoom + 2));
}

TEST_F(HubFullRing, GapIsToldToThoseWhoHaveIt) {
  auto carol = hub.connect(1);
  alice->subscribe(topic);
  hub.settle();
  alice->session.take();
  publish(1, kRoom + 10);
  carol->subscribe(topic);  // after what is missing: her answer covers it
  hub.settle();
  publish(kRoom + 11, kRoom + 11);
  hub.settle();
  hub.advance(std::chrono::milliseconds{20});
  const auto answered = carol->session.take();
  ASSERT_EQ(types(answered), "subscription_update publication");
  EXPECT_NE(answered[0].data.find(R"("offset":4106})"), std::string::npos) << answered[0].data;
  const auto missed = alice->session.take();
  ASSERT_EQ(types({missed.begin() + kRoom, missed.end()}), "gap publication");
  EXPECT_NE(missed[kRoom].data.find(R"("offset":4106,"missed":10})"), std::string::npos) << missed[kRoom].data;
}

TEST_F(HubFullRing, GapIsNotToldToAPatternOfAfterIt) {
  auto carol = hub.connect(1);
  alice->subscribe(topic);
  hub.settle();
  alice->session.take();
  publish(1, kRoom + 10);
  carol->subscribe("*");
  hub.settle();
  publish(kRoom + 11, kRoom + 11);
  hub.settle();
  hub.advance(std::chrono::milliseconds{20});
  const auto heard = carol->session.take();
  EXPECT_EQ(types(heard), "subscription_update publication");
  EXPECT_EQ(publications(heard), std::to_string(kRoom + 11));
  const auto missed = alice->session.take();
  ASSERT_EQ(types({missed.begin() + kRoom, missed.end()}), "gap publication");
  EXPECT_NE(missed[kRoom].data.find(R"("offset":4106,"missed":10})"), std::string::npos) << missed[kRoom].data;
}

TEST_F(HubFullRing, RecoveryFillsAGapThatIsStillToBeTold) {
  alice->subscribe(topic);
  hub.settle();
  alice->session.take();
  publish(1, kRoom + 10);
  hub.turn(0);
  hub.turn(1);
  const auto received = alice->session.take();
  ASSERT_EQ(received.size(), static_cast<std::size_t>(kRoom));
  alice->recover(topic, received.back().position);
  hub.settle();
  hub.advance(std::chrono::milliseconds{20});
  const auto messages = alice->session.take();
  ASSERT_EQ(messages.size(), 11u);
  EXPECT_NE(messages[0].data.find(R"("recovered":true,"count":10})"), std::string::npos) << messages[0].data;
  EXPECT_EQ(messages[10].position.offset, static_cast<std::uint64_t>(kRoom + 10)) << "and no gap";
}

TEST_F(HubFullRing, AnswersStillArrive) {
  auto carol = hub.connect(1);
  alice->subscribe(topic);
  hub.settle();
  alice->session.take();
  publish(1, kRoom + 10);
  carol->subscribe(topic, "s");
  carol->publish(topic, "0", "p");
  hub.settle();
  hub.advance(std::chrono::milliseconds{20});
  const std::string answers = types(carol->session.take());
  EXPECT_EQ(answers.find("subscription_update"), 0u);
  EXPECT_NE(answers.find("published"), std::string::npos) << answers;
}

TEST_F(HubFullRing, TheOwnRingIsEmptiedOnTheSpot) {
  auto local = hub.connect(0);
  local->subscribe(topic);
  hub.settle();
  local->session.take();
  publish(1, 3 * kRoom);
  hub.settle();
  EXPECT_EQ(local->session.take().size(), static_cast<std::size_t>(3 * kRoom));
  EXPECT_EQ(hub.engine->stats().missed_by_loops, 0u);
}

TEST_F(HubFullRing, RequestsBeyondTheReserveAreRefusedWithAnError) {
  for (std::size_t i = 0; i <= Shard::kAnswersMax; ++i) alice->publish(topic, "1", "c" + std::to_string(i));
  auto messages = alice->session.take();
  ASSERT_EQ(types(messages), "error");
  EXPECT_NE(messages[0].data.find(R"("code":"OVERLOADED")"), std::string::npos);
  EXPECT_EQ(messages[0].cid, "c" + std::to_string(Shard::kAnswersMax));
  alice->subscribe(topic, "s");
  messages = alice->session.take();
  ASSERT_EQ(types(messages), "subscription_update");
  EXPECT_NE(messages[0].data.find(R"("code":"OVERLOADED")"), std::string::npos);
  hub.settle();
  EXPECT_EQ(alice->session.take().size(), Shard::kAnswersMax);
  alice->subscribe(topic, "s");
  hub.settle();
  EXPECT_NE(alice->session.take().at(0).data.find(R"("success":true)"), std::string::npos);
}

TEST(HubRing, ACapacityThatCannotBeCountsAsTheNearest) {
  for (const std::size_t capacity : {std::size_t{0}, std::size_t{1}, ~std::size_t{0}}) {
    HubOptions options = test_options();
    options.ring_capacity = capacity;
    FakeHub hub{2, std::move(options)};
    const std::string topic = hub.topic_at(0);
    auto far = hub.connect(1);
    auto near = hub.connect(0);
    for (FakeClient* client : {far.get(), near.get()}) {
      client->subscribe(topic);
      hub.settle();
      const auto answer = client->session.take();
      ASSERT_EQ(types(answer), "subscription_update");
      EXPECT_NE(answer[0].data.find(R"("success":true)"), std::string::npos) << capacity << answer[0].data;
    }
    far->publish(topic, "1");
    hub.settle();
    near->publish(topic, "2");
    hub.settle();
    EXPECT_EQ(publications(far->session.take()), "12") << capacity;
    EXPECT_EQ(publications(near->session.take()), "12") << capacity;
  }
}

class HubBackpressure : public ::testing::Test {
 protected:
  FakeHub hub{2};
  std::string far = hub.topic_at(1);
  std::string near = hub.topic_at(0);
  std::unique_ptr<FakeClient> publisher = hub.connect(0);
  std::unique_ptr<FakeClient> other = hub.connect(0);

  /// As a transport does: nothing while it is paused. Returns how many were published.
  int publish_until_paused(FakeClient& client, const std::string& topic, int most) {
    int count = 0;
    while (count < most && !client.session.paused) client.publish(topic, std::to_string(count++), "c");
    return count;
  }
};

TEST_F(HubBackpressure, FastPublisherIsPausedAndNothingIsRefused) {
  constexpr int kPublications = 5 * static_cast<int>(Shard::kAnswersMax);
  int published = 0;
  int pauses = 0;
  while (published < kPublications) {
    const int count = publish_until_paused(*publisher, far, kPublications - published);
    ASSERT_GT(count, 0) << "it was resumed";
    published += count;
    pauses += publisher->session.paused ? 1 : 0;
    hub.settle();
  }
  EXPECT_GT(pauses, 3);
  EXPECT_FALSE(publisher->session.paused);
  EXPECT_EQ(hub.engine->stats().publications, static_cast<std::uint64_t>(kPublications));
  EXPECT_EQ(hub.engine->stats().publications_refused, 0u);
}

TEST_F(HubBackpressure, OnlyWhoAsksTheBusyHomeIsPaused) {
  publish_until_paused(*publisher, far, 10'000);
  ASSERT_TRUE(publisher->session.paused);
  publish_until_paused(*other, near, 10);
  other->send(R"({"t":"ping"})");
  EXPECT_FALSE(other->session.paused);
  EXPECT_EQ(publish_until_paused(*other, far, 10), 1) << "taken, and then paused";
  EXPECT_TRUE(other->session.paused);
  hub.settle();
  EXPECT_FALSE(publisher->session.paused);
  EXPECT_FALSE(other->session.paused);
  EXPECT_EQ(hub.engine->stats().publications_refused, 0u);
}

TEST_F(HubBackpressure, OwnHomeNeverPauses) {
  EXPECT_EQ(publish_until_paused(*publisher, near, 20'000), 20'000);
  hub.settle();
  EXPECT_EQ(hub.engine->stats().publications, 20'000u);
}

// It was resumed first in every turn, and kept the others waiting for as long as it went on.
TEST_F(HubBackpressure, WhoIsPausedAgainAtOnceWaitsBehindTheOthers) {
  constexpr int kTurnsMax = 20;
  int resumed = 0;
  publisher->session.on_resume = [&] {
    if (++resumed < kTurnsMax) publish_until_paused(*publisher, far, 10'000);
  };
  publish_until_paused(*publisher, far, 10'000);
  publish_until_paused(*other, far, 10'000);
  ASSERT_TRUE(other->session.paused);
  int resumed_before = 0;
  other->session.on_resume = [&] { resumed_before = resumed; };
  hub.settle();
  EXPECT_EQ(resumed_before, 1);
  EXPECT_EQ(resumed, kTurnsMax);
}

TEST_F(HubBackpressure, PausedConnectionMayEnd) {
  publish_until_paused(*publisher, far, 10'000);
  publish_until_paused(*other, far, 10'000);
  publisher->close();
  hub.turn(0);
  hub.settle();
  EXPECT_TRUE(publisher->session.paused) << "gone: not touched any more";
  EXPECT_FALSE(other->session.paused);
}

}  // namespace
}  // namespace plait::hub
