// Many requests in one turn of the loop: answers wait for a moment at which nobody holds what they change.
#include <gtest/gtest.h>

#include "fake.hpp"

namespace plait::hub {
namespace {

using namespace test;

std::string subscription(std::string_view action, int first, int count) {
  std::string topics;
  for (int i = first; i < first + count; ++i) topics += (topics.empty() ? "\"t" : ",\"t") + std::to_string(i) + '"';
  return R"({"t":"subscription","p":{"action":")" + std::string{action} + R"(","topics":[)" + topics + "]}}";
}

int success_count(const std::vector<Received>& messages, std::string_view action) {
  int count = 0;
  for (const Received& message : messages) {
    if (message.data.find("\"action\":\"" + std::string{action} + '"') == std::string::npos) continue;
    count += message.data.find(R"("success":true)") != std::string::npos ? 1 : 0;
  }
  return count;
}

TEST(HubReentrancy, AnswersNeverArriveInsideTheirOwnRequest) {
  FakeHub hub;
  auto client = hub.connect();
  constexpr int kRounds = 200;  // × 89 topics: the answers' bound is reached again and again, inside requests
  for (int round = 0; round < kRounds; ++round) {
    client->send(subscription("subscribe", 0, 89));
    client->send(subscription("unsubscribe", 0, 89));
  }
  hub.settle();
  const auto messages = client->session.take();
  EXPECT_EQ(success_count(messages, "subscribe"), kRounds);
  EXPECT_EQ(success_count(messages, "unsubscribe"), kRounds);
  EXPECT_EQ(client->session.close_code, 0);
}

TEST(HubReentrancy, ManyTopicsInOneRequestAreNotInterrupted) {
  HubOptions options = test_options();
  options.subscriptions_max = 10'000;
  FakeHub hub{1, std::move(options)};
  auto client = hub.connect();
  for (int round = 0; round < 8; ++round) client->send(subscription("subscribe", round * 1000, 1000));
  hub.settle();
  EXPECT_EQ(success_count(client->session.take(), "subscribe"), 8);
  EXPECT_EQ(hub.engine->stats().subscriptions_open, 8000u);
}

TEST(HubReentrancy, AFreshTopicSurvivesTheIdleOnes) {
  FakeHub hub;
  auto watcher = hub.connect();
  watcher->subscribe("x*");
  hub.settle();
  watcher->session.take();
  auto named = hub.connect();
  named->subscribe("z");
  hub.settle();
  named->session.take();
  auto client = hub.connect();
  int number = 0;
  for (std::size_t round = 0; round < 2 * Audience::kIdleTopicsMax / Shard::kAnswersMax; ++round) {
    for (std::size_t i = 0; i < Shard::kAnswersMax; ++i) client->publish("x" + std::to_string(++number), "1");
    client->subscribe("y" + std::to_string(number));
    client->unsubscribe("y" + std::to_string(number));
    hub.settle();
  }
  EXPECT_EQ(watcher->session.take().size(), static_cast<std::size_t>(number));
  EXPECT_EQ(success_count(client->session.take(), "subscribe"), 8);
  client->publish("z", "1");
  hub.settle();
  EXPECT_EQ(publications(named->session.take()), "1") << "a topic that somebody has subscribed to is not idle";
}

}  // namespace
}  // namespace plait::hub
