// A loop that is behind: what its homes remember of what it misses, and what asking it again costs them.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "fake.hpp"
#include "hub/home.hpp"

namespace plait::hub {
namespace {

using namespace test;

class HubBehind : public ::testing::Test, private HomeOutlet {
 protected:
  static constexpr std::uint32_t kBehind = 1;
  static constexpr std::uint32_t kInTime = 0;

  /// True: it was accepted.
  bool publish(const std::string& topic) {
    bool accepted = false;
    home.publish(topic, Bytes::copy_of("1"), {}, [&](const auto& result) { accepted = result.has_value(); });
    return accepted;
  }
  void publish_new(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) EXPECT_TRUE(publish("a" + std::to_string(++named)));
  }

  std::size_t room = 0;  // of kBehind
  std::size_t attempts = 0;
  std::vector<Gap> gaps;
  std::size_t named = 0;
  FakeExecutor executor;
  Home home{*this, [&](BrokerListener& listener) { return memory_broker()({executor, listener, [] { return 1U; }}); }};

 private:
  bool try_deliver(std::uint32_t loop, LoopMessage&& message) override {
    if (loop != kBehind) return true;
    ++attempts;
    if (room == 0) return false;
    --room;
    if (const Gap* gap = std::get_if<Gap>(&message)) gaps.push_back(*gap);
    return true;
  }
  void answer(std::uint32_t, LoopMessage&&) override {}
  void on_gap() override {}
};

TEST_F(HubBehind, IsAskedOnceForRoom) {
  home.handle(kBehind, Watch{Bytes::copy_of("a*")});
  publish_new(1000);
  attempts = 0;
  EXPECT_FALSE(home.retry_gaps());
  EXPECT_EQ(attempts, 1u);
  room = 10;
  attempts = 0;
  EXPECT_FALSE(home.retry_gaps());
  EXPECT_EQ(attempts, 11u);
  room = 1000;
  EXPECT_TRUE(home.retry_gaps());
  EXPECT_EQ(gaps.size(), 1000u);
  EXPECT_EQ(gaps.front().topic.text(), "a1");
  EXPECT_EQ(home.gapped_count(), 0u);
}

TEST_F(HubBehind, TopicIsListedOnceHoweverOftenItsGapBegins) {
  home.handle(kBehind, Watch{Bytes::copy_of("a*")});
  EXPECT_TRUE(publish("a"));
  for (int i = 0; i < 10; ++i) {
    room = 1;  // for the gap, not for what follows it
    EXPECT_TRUE(publish("a"));
  }
  EXPECT_EQ(gaps.size(), 10u);
  EXPECT_EQ(home.gapped_count(), 1u);
  room = 1;
  EXPECT_TRUE(home.retry_gaps());
  ASSERT_EQ(gaps.size(), 11u);
  EXPECT_EQ(gaps.back().missed, 1u);
}

TEST_F(HubBehind, WhatWouldMakeItMissTooManyTopicsIsRefused) {
  home.handle(kBehind, Watch{Bytes::copy_of("a*")});
  home.handle(kInTime, Watch{Bytes::copy_of("b*")});
  publish_new(Home::kGappedTopicsMax);
  EXPECT_FALSE(publish("a one more"));
  EXPECT_EQ(home.gapped_count(), Home::kGappedTopicsMax);
  EXPECT_EQ(home.missed_count(), Home::kGappedTopicsMax);
  EXPECT_TRUE(publish("a1")) << "its gap only grows";
  EXPECT_TRUE(publish("b")) << "which it does not listen to";
  room = 1;
  EXPECT_FALSE(home.retry_gaps());
  EXPECT_TRUE(publish("a one more"));
  room = Home::kGappedTopicsMax;
  EXPECT_TRUE(home.retry_gaps());
  EXPECT_EQ(gaps.size(), Home::kGappedTopicsMax + 1);
}

TEST_F(HubBehind, NewPatternTakesTheGapsAlong) {
  home.handle(kBehind, Watch{Bytes::copy_of("a*")});
  publish_new(3);
  home.handle(kBehind, Watch{Bytes::copy_of("*")});
  EXPECT_EQ(home.gapped_count(), 0u);
  EXPECT_TRUE(publish("a1"));
  EXPECT_EQ(home.gapped_count(), 1u) << "it has missed something again";
}

class HubRingBytes : public ::testing::Test {
 protected:
  static constexpr std::size_t kPayload = 100'000;
  static constexpr std::size_t kWaitingMax = 10;
  static HubOptions options() {
    HubOptions options = test_options();
    options.ring_bytes_max = kWaitingMax * kPayload;
    return options;
  }
  static void publish(FakeClient& client, const std::string& topic, std::size_t count) {
    const std::string json = '"' + std::string(kPayload - 2, 'x') + '"';
    for (std::size_t i = 0; i < count; ++i) client.publish(topic, json, "c");
  }

  FakeHub hub{2, options()};
  std::string topic = hub.topic_at(0);
  std::unique_ptr<FakeClient> near = hub.connect(0);
  std::unique_ptr<FakeClient> far = hub.connect(1);
};

TEST_F(HubRingBytes, LoopThatIsBehindMissesWhatIsTooMuch) {
  far->subscribe(topic);
  hub.settle();
  far->session.take();
  publish(*near, topic, 100);
  hub.settle();
  hub.advance(std::chrono::milliseconds{20});
  const auto messages = far->session.take();
  ASSERT_EQ(messages.size(), kWaitingMax + 1);
  EXPECT_EQ(messages[kWaitingMax - 1].position.offset, kWaitingMax);
  EXPECT_EQ(messages[kWaitingMax].type, "gap");
  EXPECT_NE(messages[kWaitingMax].data.find(R"("offset":100,"missed":90})"), std::string::npos);
  publish(*near, topic, 1);
  hub.settle();
  EXPECT_EQ(types(far->session.take()), "publication");
}

TEST_F(HubRingBytes, PublisherIsPausedBeforeItIsRefused) {
  std::size_t published = 0;
  for (; published < 100 && !far->session.paused; ++published) publish(*far, topic, 1);
  EXPECT_LE(published, kWaitingMax / 2 + 1);
  EXPECT_TRUE(far->session.take().empty());
  hub.settle();
  EXPECT_FALSE(far->session.paused);
  EXPECT_EQ(hub.engine->stats().publications, published);
  publish(*far, topic, kWaitingMax + 1);  // though it is paused
  const auto refused = far->session.take();
  EXPECT_EQ(types({refused.end() - 1, refused.end()}), "error");
  EXPECT_NE(refused.back().data.find(R"("code":"OVERLOADED")"), std::string::npos);
}

TEST_F(HubRingBytes, OwnRingIsEmptiedOnTheSpot) {
  near->subscribe(topic);
  hub.settle();
  near->session.take();
  publish(*near, topic, 100);
  EXPECT_GE(near->session.take().size(), 80u) << "before the loop turns";
  hub.settle();
  EXPECT_EQ(hub.engine->stats().deliveries, 100u);
  EXPECT_EQ(hub.engine->stats().missed_by_loops, 0u);
}

TEST_F(HubRingBytes, OneMessageMayBeLarger) {
  HubOptions options = test_options();
  options.ring_bytes_max = 0;
  FakeHub small{2, std::move(options)};
  const std::string home = small.topic_at(0);
  auto listener = small.connect(1);
  listener->subscribe(home);
  small.settle();
  listener->session.take();
  for (int i = 0; i < 3; ++i) {
    publish(*listener, home, 1);
    small.settle();
    small.advance(std::chrono::milliseconds{20});
    EXPECT_FALSE(listener->session.paused);
    EXPECT_NE(types(listener->session.take()).find("publication"), std::string::npos) << i;
  }
}

}  // namespace
}  // namespace plait::hub
