// What a connection answers by itself (spec/protocol.md §3 and §4).
#include <gtest/gtest.h>

#include "fake.hpp"

namespace plait::hub {
namespace {

using namespace test;

TEST(HubConnection, ServerReadyComesFirstAndOffersOnlyWhatIsOn) {
  FakeHub hub;
  FakeClient client{*hub.engine, 0};
  const auto messages = client.session.take();
  ASSERT_EQ(messages.size(), 1u);
  EXPECT_EQ(messages[0].text.find(R"({"c":"WSE","t":"server_ready","p":{"message":"ready","details":{"version":")"),
            0u);
  for (const char* part :
       {R"("recovery":true)", R"("compression":false)", R"("encryption":false)", R"("batching":false)",
        R"("user_id":"anonymous")", R"("server_time":"2026-02-22T02:50:00.123Z")",
        R"("ts":"2026-02-22T02:50:00.123Z","v":1})"}) {
    EXPECT_NE(messages[0].text.find(part), std::string::npos) << part << " in " << messages[0].text;
  }
}

TEST(HubConnection, WithoutHistoryRecoveryIsNotOffered) {
  HubOptions options = test_options();
  options.recovery = false;
  FakeHub hub{1, std::move(options)};
  FakeClient client{*hub.engine, 0};
  EXPECT_NE(client.session.take().at(0).text.find(R"("recovery":false)"), std::string::npos);
}

TEST(HubConnection, HelloIsAnsweredWithLimits) {
  HubOptions options = test_options();
  options.subscriptions_max = 7;
  options.rate_limit_capacity = 50;
  options.rate_limit_refill = 5;
  FakeHub hub{1, std::move(options)};
  auto client = hub.connect();
  client->send(R"({"t":"client_hello","p":{"client_version":"x"},"cid":"h"})");
  const auto messages = client->session.take();
  ASSERT_EQ(types(messages), "server_hello");
  EXPECT_EQ(messages[0].cid, "h");
  EXPECT_NE(
      messages[0].data.find(R"("limits":{"max_message_size":16777216,"max_subscriptions":7,"rate_limit_capacity":50,)"
                            R"("rate_limit_refill":5})"),
      std::string::npos)
      << messages[0].data;
}

TEST(HubConnection, PingIsAnsweredWithTheClientsOwnNumber) {
  FakeHub hub;
  auto client = hub.connect();
  client->send(R"({"t":"ping","p":{"timestamp":1771728600000.5},"cid":"7"})");
  client->send(R"({"t":"ping","p":{"d":"filler"}})");
  client->send(R"({"t":"ping"})");
  const auto messages = client->session.take();
  ASSERT_EQ(types(messages), "PONG PONG PONG");
  EXPECT_EQ(messages[0].data,
            R"({"client_timestamp":1771728600000.5,"server_timestamp":1771728600123,"latency":122.5})");
  EXPECT_EQ(messages[0].cid, "7");
  EXPECT_EQ(messages[1].data, R"({"server_timestamp":1771728600123})");
}

TEST(HubConnection, PongsNeedNoAnswer) {
  FakeHub hub;
  auto client = hub.connect();
  client->send(R"({"t":"PONG","p":{}})");
  client->send(R"({"t":"pong"})");
  EXPECT_TRUE(client->session.take().empty());
  EXPECT_EQ(hub.engine->stats().messages_ignored, 0u);
}

TEST(HubConnection, UnknownTypesAreIgnoredUnlessSomebodyWaits) {
  FakeHub hub;
  auto client = hub.connect();
  client->send(R"({"t": "bench_noop", "p": {"w": 1}})");
  EXPECT_TRUE(client->session.take().empty());
  client->send(R"({"t":"bench_noop","cid":"1"})");
  const auto messages = client->session.take();
  ASSERT_EQ(types(messages), "error");
  EXPECT_NE(messages[0].data.find(R"("code":"UNKNOWN_TYPE")"), std::string::npos);
  EXPECT_EQ(messages[0].cid, "1");
  EXPECT_EQ(hub.engine->stats().messages_ignored, 2u);
}

TEST(HubConnection, WhatIsNoEnvelopeIsAnsweredWithTheRuleItBreaks) {
  FakeHub hub;
  auto client = hub.connect();
  for (const auto& [message, rule] : {std::pair{"hello", "not_json"},
                                      {"[1]", "not_an_object"},
                                      {"{}", "type_missing"},
                                      {R"({"t":1})", "type_invalid"},
                                      {R"({"t":"ping","p":1})", "payload_invalid"},
                                      {"M:\x81", "unsupported_encoding"}}) {
    client->send(message);
    const auto messages = client->session.take();
    ASSERT_EQ(types(messages), "error") << message;
    EXPECT_EQ(messages[0].data,
              R"({"code":"INVALID_MESSAGE","message":")" + std::string{rule} + R"(","recoverable":true})");
  }
  EXPECT_EQ(hub.engine->stats().messages_invalid, 6u);
  EXPECT_EQ(client->session.close_code, 0);
  client->send(R"({"t":"publish","p":{"topic":"a"}})");
  client->send(R"({"t":"publish","p":{"topic":"a*","data":1}})");
  EXPECT_EQ(types(client->session.take()), "error error");
  EXPECT_EQ(hub.engine->stats().messages_invalid, 7u) << "the other one breaks no rule of the envelope";
  EXPECT_EQ(hub.engine->stats().publications_refused, 2u);
}

TEST(HubConnection, ABrokenRuleIsAnsweredByTheCidIfThatCanBeRead) {  // spec/protocol.md §2
  FakeHub hub;
  auto client = hub.connect();
  for (const auto& [message, cid] : {std::pair{R"({"t":"publish","p":{"topic":"a","data":1},"pri":2,"cid":"1"})", "1"},
                                     {R"({"t":"ping","p":1,"cid":"2"})", "2"},
                                     {R"({"cid":"3"})", "3"},
                                     {R"({"t":1,"cid":"4"})", "4"},
                                     {R"({"t":1,"cid":5})", ""},
                                     {"hello", ""}}) {
    client->send(message);
    const auto messages = client->session.take();
    ASSERT_EQ(types(messages), "error") << message;
    EXPECT_EQ(messages[0].cid, cid) << message;
  }
}

TEST(HubConnection, AnswersInTheFormItIsSpokenTo) {  // spec/protocol.md §2.2
  FakeHub hub;
  auto modern = hub.connect();
  auto old = hub.connect();
  old->send(R"(WSE{"t":"ping","p":{}})");
  modern->send(R"({"c":"WSE","t":"ping","p":{}})");
  EXPECT_EQ(old->session.take().at(0).text.find(R"(WSE{"t":"PONG","p":)"), 0u);
  EXPECT_EQ(modern->session.take().at(0).text.find(R"({"c":"WSE","t":"PONG","p":)"), 0u);
}

TEST(HubConnection, BinaryMessagesCarryTheSameEnvelope) {
  FakeHub hub;
  FakeSession session{0};
  Handler handler{*hub.engine};
  handler.on_open(session);
  session.take();
  handler.on_message(session, Message::binary(as_bytes(R"(U{"t":"ping"})")));
  EXPECT_EQ(types(session.take()), "PONG");
  handler.on_close(session, {});
}

TEST(HubConnection, RateLimitRefusesWithOneErrorPerRun) {
  HubOptions options = test_options();
  options.rate_limit_capacity = 2;
  options.rate_limit_refill = 1;
  FakeHub hub{1, std::move(options)};
  auto client = hub.connect();
  for (int i = 0; i < 5; ++i) client->send(R"({"t":"ping"})");
  auto messages = client->session.take();
  ASSERT_EQ(types(messages), "PONG PONG error");
  EXPECT_EQ(messages[2].data,
            R"({"code":"RATE_LIMITED","message":"too many messages","recoverable":true,"retry_after":1})");
  EXPECT_EQ(hub.engine->stats().messages_rate_limited, 3u);
  hub.advance(std::chrono::seconds{1});
  for (int i = 0; i < 3; ++i) client->send(R"({"t":"ping"})");
  EXPECT_EQ(types(client->session.take()), "PONG error");
}

TEST(HubConnection, AnswerThatDoesNotFitClosesTheSession) {
  FakeHub hub;
  auto client = hub.connect();
  client->session.room = 0;
  client->send(R"({"t":"ping"})");
  EXPECT_EQ(client->session.close_code, kCloseOverloaded);
}

}  // namespace
}  // namespace plait::hub
