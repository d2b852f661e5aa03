// What makes fan-out cheap: one encoding, one visit, one wake-up, no allocation per subscriber.
#include <gtest/gtest.h>

#include <set>

#include "fake.hpp"
#include "support/allocations.hpp"

namespace plait::hub {
namespace {

using namespace test;

/// Takes everything and keeps nothing.
class CountingSession final : public plait::test::StillSession {
 public:
  SendStatus send(const Message& message, SendOptions) override {
    ++count;
    last_block = message.block();
    return SendStatus::sent;
  }
  BurstStatus send_burst(const MessageBurst& burst, SendOptions options) override {
    ++burst_count;
    return Session::send_burst(burst, options);
  }

  std::size_t count = 0;
  std::size_t burst_count = 0;
  const Block* last_block = nullptr;
};

struct Subscriber {
  explicit Subscriber(Engine& engine) : handler(engine) {
    handler.on_open(session);
    handler.on_message(session, Message::text(R"({"t":"subscription","p":{"action":"subscribe","topics":["a"]}})"));
  }
  ~Subscriber() { handler.on_close(session, {}); }
  CountingSession session;
  Handler handler;
};

constexpr std::string_view kPublish93 =
    R"({"t":"publish","p":{"topic":"a","data":{"seq":1,"px":101.25,"q":3,"s":"BTC-USD","x":"aaaaaa"}}})";

class HubFanOut : public ::testing::Test {
 protected:
  explicit HubFanOut(std::size_t count = 1000) {
    for (std::size_t i = 0; i < count; ++i) subscribers.push_back(std::make_unique<Subscriber>(*hub.engine));
    hub.settle();
    for (const auto& subscriber : subscribers) subscriber->session.count = 0;
  }
  FakeHub hub;
  std::unique_ptr<FakeClient> publisher = hub.connect();
  std::vector<std::unique_ptr<Subscriber>> subscribers;
};

TEST_F(HubFanOut, OneEncodingIsSharedByAllSubscribers) {
  publisher->send(kPublish93);
  hub.settle();
  std::set<const Block*> blocks;
  for (const auto& subscriber : subscribers) {
    ASSERT_EQ(subscriber->session.count, 1u);
    blocks.insert(subscriber->session.last_block);
  }
  EXPECT_EQ(blocks.size(), 1u);
  EXPECT_NE(*blocks.begin(), nullptr);
}

TEST_F(HubFanOut, AllocatesNothingPerSubscriber) {
  for (int i = 0; i < 300; ++i) publisher->send(kPublish93);  // the history is full, every buffer has grown
  hub.settle();
  publisher->send(kPublish93);
  plait::test::start_counting();
  hub.settle();
  EXPECT_LT(plait::test::stop_counting().count, 10u) << "for 1000 deliveries";
  for (const auto& subscriber : subscribers) ASSERT_EQ(subscriber->session.count, 301u);
}

TEST_F(HubFanOut, BurstIsGatheredIntoOneTurnAndSentAtOnce) {
  for (int i = 0; i < 64; ++i) publisher->send(kPublish93);
  EXPECT_EQ(hub.executor(0).posted_count(), 1u);
  hub.turn(0);
  for (const auto& subscriber : subscribers) {
    ASSERT_EQ(subscriber->session.count, 64u);
    ASSERT_EQ(subscriber->session.burst_count, 1u);
  }
}

// What grows by every publication is a block that doubles: far above this bound, once it has held as many.
constexpr std::size_t kBlockBytesMax = std::size_t{64} << 10;

TEST(HubPublisher, NothingGrowsWithEachPublicationThatIsAnswered) {
  FakeHub hub{2};
  auto client = hub.connect(1);
  const std::string near = hub.topic_at(1);
  const std::string far = hub.topic_at(0);
  const auto publish = [&](int count) {
    for (int i = 1; i <= count; ++i) {
      client->publish(i % 2 == 0 ? near : far, "1", "c");
      if (i % 50 != 0) continue;
      hub.settle();
      ASSERT_EQ(client->session.take().size(), 50U);
    }
  };
  publish(1000);
  plait::test::start_counting();
  publish(20'000);
  EXPECT_LT(plait::test::stop_counting().bytes_max, kBlockBytesMax);
}

TEST(HubPatterns, TopicsThatAreHeardByPatternOnlyAreForgotten) {
  HubOptions options = test_options();
  options.broker = memory_broker({.history_count_max = 0, .topics_max = 16});
  FakeHub hub{1, std::move(options)};
  auto watcher = hub.connect();
  watcher->subscribe("x*");
  hub.settle();
  auto client = hub.connect();
  std::size_t number = 0;
  const auto publish_until = [&](std::size_t last) {
    while (number < last) {
      client->publish("x" + std::to_string(++number), "1");
      if (number % 128 != 0) continue;
      hub.settle();
      watcher->session.take();
    }
  };
  publish_until(2 * Home::kIdleRoutesMax);  // tables have the size that they keep
  plait::test::start_counting();
  publish_until(3 * Home::kIdleRoutesMax);  // 42,043 entries, and one that keeps all of them has a larger one made
  EXPECT_LT(plait::test::stop_counting().bytes_max, kBlockBytesMax);
}

TEST(HubBursts, AreKeptByTheLoopAndNotByEachTopic) {
  FakeHub hub;
  Audience& audience = hub.engine->shard(0).audience();
  auto alice = hub.connect();
  auto bob = hub.connect();
  alice->subscribe("x*");
  hub.settle();
  const std::size_t topics = 2 * Audience::kSpareBurstsMax;
  for (std::size_t i = 0; i < topics; ++i) {
    for (std::size_t j = 0; j < Audience::kBurstMax; ++j) bob->publish("x" + std::to_string(i), "1");
    hub.settle();
  }
  EXPECT_EQ(audience.spare_burst_count(), 1u) << "one after the other took it";
  for (std::size_t i = 0; i < topics; ++i) bob->publish("x" + std::to_string(i), "1");
  hub.settle();
  EXPECT_EQ(audience.spare_burst_count(), Audience::kSpareBurstsMax);
  for (std::size_t i = 0; i < topics; ++i) {
    const auto* topic = static_cast<const Topic*>(audience.find("x" + std::to_string(i)));
    ASSERT_NE(topic, nullptr);
    ASSERT_EQ(topic->burst, nullptr);
  }
  EXPECT_EQ(alice->session.take().size(), 1 + topics * (Audience::kBurstMax + 1));
}

TEST(HubWakeUp, BurstWakesAnotherLoopOnce) {
  FakeHub hub{2};
  const std::string topic = hub.topic_at(0);
  auto bob = hub.connect(0);
  auto alice = hub.connect(1);
  alice->subscribe(topic);
  hub.settle();
  for (int i = 0; i < 64; ++i) bob->publish(topic, "1");
  EXPECT_EQ(hub.executor(1).posted_count(), 0u) << "not before the turn has ended";
  hub.turn(0);
  EXPECT_EQ(hub.executor(1).posted_count(), 1u);
}

TEST(HubWakeUp, NobodyIsWokenForATopicThatNobodyHearsAnyMore) {
  for (const bool by_pattern : {false, true}) {
    for (const bool leaves : {false, true}) {
      FakeHub hub{2};
      const std::string topic = hub.topic_at(0);
      auto bob = hub.connect(0);
      auto alice = hub.connect(1);
      const std::string name = by_pattern ? "t*" : topic;
      alice->subscribe(name);
      hub.settle();
      bob->publish(topic, "1");
      hub.turn(0);
      EXPECT_EQ(hub.executor(1).posted_count(), 1u) << "as long as it is heard";
      hub.settle();
      leaves ? alice->close() : alice->unsubscribe(name);
      hub.settle();
      bob->publish(topic, "2");
      hub.turn(0);
      EXPECT_EQ(hub.executor(1).posted_count(), 0u) << name << (leaves ? " left" : " unsubscribed");
    }
  }
}

TEST(HubWakeUp, NobodyIsWokenForATopicThatNobodyHears) {
  FakeHub hub{2};
  const std::string topic = hub.topic_at(0);
  auto bob = hub.connect(0);
  bob->publish(topic, "1");
  hub.turn(0);
  EXPECT_EQ(hub.executor(1).posted_count(), 0u);
}

}  // namespace
}  // namespace plait::hub
