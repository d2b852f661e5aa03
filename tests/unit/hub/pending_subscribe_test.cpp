// Requests that are not answered yet, and a client that asks on.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "fake.hpp"

namespace plait::hub {
namespace {

using namespace test;

// Topics in the requests of one session.
const std::size_t kWaitingMax = Shard::kAnswersMax + HubOptions{}.subscriptions_max;

std::size_t count_naming(std::string_view text, const std::vector<Received>& messages) {
  return static_cast<std::size_t>(std::count_if(messages.begin(), messages.end(), [&](const Received& message) {
    return message.data.find(text) != std::string::npos;
  }));
}

// A request stayed in the list until it was answered, also when its topic was unsubscribed from: without bound, and the
// answers then cost the square of their number.
TEST(HubPendingSubscribe, AskingAgainAndAgainForAPatternThatIsNotWatchedYetIsRefused) {
  constexpr std::size_t kPairs = 5'000;
  FakeHub hub{2};
  auto client = hub.connect(0);
  for (std::size_t i = 0; i < kPairs; ++i) {
    client->subscribe("p*");
    client->unsubscribe("p*");
  }
  EXPECT_EQ(count_naming(R"("code":"OVERLOADED")", client->session.take()), kPairs - kWaitingMax);
  hub.settle();  // loop 1 wakes up
  const std::vector<Received> answers = client->session.take();
  EXPECT_EQ(answers.size(), kWaitingMax) << "one to each request";
  EXPECT_EQ(count_naming(R"("success":true)", answers), kWaitingMax);
  client->subscribe("p*");
  hub.settle();
  client->session.take();
  client->publish("p1", "1");
  hub.settle();
  EXPECT_EQ(publications(client->session.take()), "1");
}

TEST(HubPendingSubscribe, TopicsOfAllRequestsCountTogether) {
  constexpr std::size_t kRequests = 20;
  constexpr std::size_t kTopics = 1'000;
  std::string names = R"("p*")";
  for (std::size_t i = 1; i < kTopics; ++i) names += R"(,"t)" + std::to_string(i) + '"';
  const std::string rest = R"(","topics":[)" + names + "]}}";
  FakeHub hub{2};
  auto client = hub.connect(0);
  for (std::size_t i = 0; i < kRequests; ++i) {
    client->send(R"({"t":"subscription","p":{"action":"subscribe)" + rest);
    client->send(R"({"t":"subscription","p":{"action":"unsubscribe)" + rest);
  }
  const std::size_t answered = count_naming(R"("action":"subscribe")", client->session.take());
  EXPECT_GE(answered, kRequests - (kWaitingMax + kTopics) / kTopics);
  EXPECT_LT(answered, kRequests) << "some wait";
}

}  // namespace
}  // namespace plait::hub
