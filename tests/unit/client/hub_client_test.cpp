// The client of plait pub and plait sub, against a hub that does as the test says.
#include "client/hub_client.hpp"

#include "integration/server/support.hpp"

namespace plait::client {
namespace {

using namespace std::chrono_literals;

void greet(Session& session) { session.send(Message::text(R"({"t":"server_ready","p":{}})")); }

// Each topic that matched was kept for as long as the session lasted, though no request ever names it.
TEST(HubClients, OnlyTopicsThatWereSubscribedToByNameHavePositions) {
  test::TestServer hub;
  const std::string url = hub.listen(
      "ws",
      test::calling({.on_open = greet,
                     .on_message =
                         [](Session& session, const Message&) {
                           session.send(Message::text(R"({"t":"subscription_update","p":{"success":true}})"));
                           for (const std::string topic : {"lost1", "lost2", "lost3", "named"}) {
                             session.send(Message::text(R"({"t":"publication","tp":")" + topic +
                                                        R"(","e":"0000000a","o":7,"p":1})"));
                           }
                         }}),
      "/wse");
  hub.start();
  const auto positions_after = [&](const std::vector<std::string>& topics) {
    auto client = HubClient::connect(url, {});
    EXPECT_TRUE(client);
    EXPECT_TRUE(client->subscribe(topics, 10s));
    for (int i = 0; i < 4; ++i) {
      const auto received = client->receive(10s);
      EXPECT_TRUE(received && received->has_value());
    }
    return client->positions();
  };
  EXPECT_TRUE(positions_after({"*"}).empty());
  const auto named = positions_after({"lost*", "named"});
  ASSERT_EQ(named.size(), 1U);
  EXPECT_EQ(named.at("named").offset, 7U);
}

// It said "U", by which the protocol names publications.
TEST(HubClients, RequestsNameNoCategory) {
  std::vector<std::string> requests;
  test::TestServer hub;
  const std::string url =
      hub.listen("ws",
                 test::calling({.on_open = greet,
                                .on_message =
                                    [&](Session& session, const Message& message) {
                                      requests.emplace_back(message.text());
                                      session.send(Message::text(R"({"t":"error","p":{"code":"x","message":"y"}})"));
                                    }}),
                 "/wse");
  hub.start();
  auto client = HubClient::connect(url, {});
  ASSERT_TRUE(client) << client.error().message;
  EXPECT_FALSE(client->subscribe({"topic"}, 10s));
  EXPECT_FALSE(client->publish("topic", "1", 10s));
  hub->stop();
  ASSERT_TRUE(hub.join());
  EXPECT_EQ(requests,
            (std::vector<std::string>{
                R"({"t":"subscription_update","p":{"action":"subscribe","topics":["topic"]},"cid":"1","v":1})",
                R"({"t":"publish","p":{"topic":"topic","data":1},"cid":"2","v":1})"}));
}

/// A client that stood at offset 5 of "topic" and has subscribed again, to which the hub answered so.
HubClient resume(test::TestServer& hub, const std::string& recovery) {
  const std::string answer =
      R"({"t":"subscription_update","p":{"success":true,"recovery":{"topic":)" + recovery + "}}}";
  const std::string url = hub.listen(
      "ws",
      test::calling(
          {.on_open = greet,
           .on_message = [answer](Session& session, const Message&) { session.send(Message::text(answer)); }}),
      "/wse");
  hub.start();
  auto client = HubClient::connect(url, {});
  EXPECT_TRUE(client);
  client->resume_from({{"topic", HubClient::Position{.epoch = "0000000a", .offset = 5}}});
  EXPECT_TRUE(client->subscribe({"topic"}, 10s));
  return std::move(*client);
}

TEST(HubClients, WhatCouldNotBeRecoveredIsAGap) {
  test::TestServer hub;
  HubClient client = resume(hub, R"({"recovered":false,"epoch":"0000000b","offset":9})");
  const auto received = client.receive(10s);
  ASSERT_TRUE(received && *received && (*received)->gap);
  EXPECT_EQ((*received)->gap->topic, "topic");
  EXPECT_EQ((*received)->gap->missed, std::nullopt);
  EXPECT_EQ(client.positions().at("topic").epoch, "0000000b");
  EXPECT_EQ(client.positions().at("topic").offset, 9U);
}

// Who is cut off before they have come asks for them once more.
TEST(HubClients, PublicationsThatAreStillToComeMoveNoPosition) {
  test::TestServer hub;
  const HubClient client = resume(hub, R"({"recovered":true,"epoch":"0000000a","offset":9,"count":3})");
  EXPECT_EQ(client.positions().at("topic").offset, 5U);
}

TEST(HubClients, OnlyARefusalOfTooManyRequestsSaysWhenToAskAgain) {
  const std::vector<std::string> errors{R"("code":"RATE_LIMITED","message":"m","retry_after":0.25)",
                                        R"("code":"PUBLISH_FAILED","message":"m","retry_after":0.25)",
                                        R"("code":"RATE_LIMITED","message":"m","retry_after":0)"};
  std::size_t asked = 0;
  test::TestServer hub;
  const std::string url =
      hub.listen("ws",
                 test::calling({.on_open = greet,
                                .on_message =
                                    [&](Session& session, const Message&) {
                                      session.send(Message::text(R"({"t":"error","p":{)" + errors[asked++] + "}}"));
                                    }}),
                 "/wse");
  hub.start();
  auto client = HubClient::connect(url, {});
  ASSERT_TRUE(client) << client.error().message;
  EXPECT_EQ(client->retry_after(), std::nullopt);
  for (const std::optional<Duration> expected : {std::optional<Duration>{250ms}, {}, {}}) {
    EXPECT_FALSE(client->publish("topic", "1", 10s));
    EXPECT_EQ(client->retry_after(), expected);
  }
}

/// How long it takes until what the hub does not read could not be published in 100 ms.
Duration time_of_vain_publication(const std::string& url) {
  auto client = HubClient::connect(url, {});
  EXPECT_TRUE(client) << client.error().message;
  if (!client) return Duration::max();
  const std::string large = '"' + std::string(std::size_t{40} << 20, 'x') + '"';  // more than the kernel keeps
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_FALSE(client->publish("topic", large, 100ms));
  return std::chrono::steady_clock::now() - begin;
}

// Sending had ten seconds of its own, whatever was asked for. A busy machine may stand still for as long, but hardly
// twice.
TEST(HubClients, SendingAndTheAnswerHaveOneTimeTogether) {
  test::TestServer hub;
  const std::string url = hub.listen("tcp",
                                     test::calling({.on_open =
                                                        [](Session& session) {
                                                          greet(session);
                                                          session.pause();
                                                        }}),
                                     "/wse");
  hub.start();
  Duration took = time_of_vain_publication(url);
  if (took >= 9s) took = time_of_vain_publication(url);
  EXPECT_LT(took, 9s);
}

}  // namespace
}  // namespace plait::client
