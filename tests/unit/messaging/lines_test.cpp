// Publish/subscribe lines (spec/messaging.md §4): the decoder, the client, and the server in front of a hub's handler.
#include <gtest/gtest.h>
#include <plait/pubsub_lines.hpp>

#include <stdexcept>

#include "fake.hpp"
#include "messaging/lines_decoder.hpp"
#include "support/allocations.hpp"
#include "support/vectors.hpp"

namespace plait::test {
namespace {

using namespace std::chrono_literals;
using messaging::Command;
using messaging::LinesDecoder;
using messaging::Verb;

constexpr std::string_view kVerbs[] = {"subscribe", "unsubscribe", "publish", "subscribed",
                                       "refused",   "message",     "gap"};

/// All commands of `bytes` in pieces, one text each, and how it ended.
std::vector<std::string> commands_of(std::string_view bytes, std::size_t piece_bytes, std::size_t payload_max = 1000) {
  LinesDecoder decoder{payload_max};
  std::vector<std::string> found;
  Command command;
  while (!bytes.empty()) {
    ByteView piece = as_bytes(bytes.substr(0, piece_bytes));
    bytes.remove_prefix(piece.size());
    for (;;) {
      const auto status = decoder.next(piece, command);
      if (status == LinesDecoder::Status::need_more) break;
      if (status != LinesDecoder::Status::command) {
        constexpr std::string_view kEnds[] = {"line_too_long", "bad_length", "too_large"};
        found.emplace_back(kEnds[static_cast<std::size_t>(status) - 2]);
        return found;
      }
      std::string text{kVerbs[static_cast<std::size_t>(command.verb)]};
      text.append(" ").append(command.topic);
      if (!command.reason.empty()) text.append(" ").append(command.reason);
      if (command.verb == Verb::gap) text += " " + std::to_string(command.count);
      if (command.verb == Verb::publish || command.verb == Verb::message) text += " " + to_hex(command.payload);
      found.push_back(text);
    }
  }
  return found;
}

TEST(LinesDecoder, VectorsCutAnywhere) {
  const VectorFile file{"messaging.json"};
  for (const codec::JsonValue vector : file.array("lines")) {
    const auto bytes = from_hex(string_member(vector, "hex"));
    std::vector<std::string> expected;
    for (const codec::JsonValue command : vector.find("commands").elements())
      expected.emplace_back(*command.as_string());
    for (std::size_t piece = 1; piece <= bytes.size(); ++piece) {
      ASSERT_EQ(commands_of(as_text(bytes), piece), expected) << string_member(vector, "name") << ' ' << piece;
    }
  }
}

TEST(LinesDecoder, LimitsOnBothSides) {
  const std::string longest = "SUB " + std::string(256, 't') + std::string(1023 - 260, ' ') + "\n";
  EXPECT_EQ(commands_of(longest, 7).size(), 1U);
  EXPECT_EQ(commands_of("x" + longest, 7), std::vector<std::string>{"line_too_long"});
  EXPECT_EQ(commands_of(std::string(5000, 'x'), 5000), std::vector<std::string>{"line_too_long"});
  EXPECT_EQ(commands_of("PUB t 1000\n" + std::string(1000, 'x'), 100).size(), 1U);
  EXPECT_EQ(commands_of("PUB t 1001\n", 100), std::vector<std::string>{"too_large"});
  EXPECT_EQ(commands_of("PUB t 18446744073709551616\n", 100), std::vector<std::string>{"too_large"});
}

class Lines : public testing::Test {
 protected:
  Lines() {
    client = *LinesClient::open(session);
    wire = session.streams.back().get();
    client->on_message([this](std::string_view topic, ByteView payload) {
      messages.push_back(std::string{topic} + "=" + std::string{as_text(payload)});
    });
  }
  LinesClient::Subscribed keep(std::string& text) {
    return [&text](const Result<void, std::string>& result) { text = result ? "yes" : result.error(); };
  }

  FakeExecutor executor;
  FakeSession session{executor};
  LinesClient* client = nullptr;
  FakeStream* wire = nullptr;
  std::vector<std::string> messages;
};

TEST_F(Lines, SubscribePublishUnsubscribe) {
  std::string prices = "nothing";
  std::string secrets = "nothing";
  client->subscribe("prices", keep(prices));
  client->subscribe("secrets", keep(secrets));
  EXPECT_EQ(wire->take(), "SUB prices\nSUB secrets\n");
  wire->receive("SUB-FAIL secrets not allowed here\nSUB-OK prices\nMSG prices 5\n1 2\n3");
  EXPECT_EQ(prices, "yes");
  EXPECT_EQ(secrets, "not allowed here");
  EXPECT_EQ(messages, std::vector<std::string>{"prices=1 2\n3"});
  EXPECT_EQ(client->publish("news", as_bytes("a\nb")), SendStatus::sent);
  client->unsubscribe("prices");
  EXPECT_EQ(wire->take(), "PUB news 3\na\nbUNSUB prices\n");
  EXPECT_FALSE(executor.has_timers());
}

TEST_F(Lines, GapsAreTold) {
  wire->receive("GAP prices 3\n");  // nobody wants to know
  std::string gaps;
  client->on_gap([&](std::string_view topic, std::uint64_t count) {
    gaps.append(topic).append("=").append(std::to_string(count)).append(" ");
  });
  wire->receive("GAP prices 3\nMSG prices 1\n1GAP news* 18446744073709551615\n");
  EXPECT_EQ(gaps, "prices=3 news*=18446744073709551615 ");
  EXPECT_EQ(messages, std::vector<std::string>{"prices=1"});
}

TEST_F(Lines, AHandlerMayReplaceItselfWhileItRuns) {
  std::string seen;
  const std::string kept(100, 'k');  // too long to live inside the function object
  client->on_message([this, kept, &seen](std::string_view, ByteView) {
    client->on_message([&seen](std::string_view, ByteView) { seen += "second"; });
    seen += kept.substr(0, 5);
  });
  wire->receive("MSG t 1\naMSG t 1\nb");
  EXPECT_EQ(seen, "kkkkksecond");
  client->on_close([this, kept, &seen] {
    client->on_close({});
    seen = kept;
  });
  wire->close();
  EXPECT_EQ(seen, kept);
}

TEST_F(Lines, ASubscriptionHasADeadline) {
  std::string text = "nothing";
  client->subscribe("t", keep(text));
  executor.advance(9s);
  EXPECT_EQ(text, "nothing");
  executor.advance(1100ms);
  EXPECT_EQ(text, "no answer in time");
  wire->receive("SUB-OK t\n");
  EXPECT_EQ(text, "no answer in time");
}

TEST_F(Lines, TheLongestTimeIsNoneThatIsOver) {
  executor.advance(1s);
  LinesClient* patient = *LinesClient::open(session, {.subscribe_timeout = Duration::max()});
  std::string text = "nothing";
  patient->subscribe("t", keep(text));
  executor.advance(10s);
  EXPECT_EQ(text, "nothing");
}

TEST_F(Lines, WhatIsNoTopicIsNotSent) {
  for (const std::string& topic : {std::string{}, std::string{"a b"}, std::string{"a\nSUB x"}, std::string(257, 'x')}) {
    std::string text;
    client->subscribe(topic, keep(text));
    EXPECT_EQ(text, "not a topic");
    EXPECT_EQ(client->publish(topic, {}), SendStatus::dropped);
    client->unsubscribe(topic);
  }
  std::string twice;
  client->subscribe("t", {});
  EXPECT_EQ(wire->take(), "SUB t\n");
  client->subscribe("t", keep(twice));
  EXPECT_EQ(twice, "it is being subscribed to");
  EXPECT_EQ(wire->take(), "");
}

TEST_F(Lines, EveryEndIsTold) {
  std::string text;
  client->subscribe("a", keep(text));
  wire->receive("MSG a x\n");
  EXPECT_EQ(text, "the server broke a rule");
  EXPECT_EQ(wire->reset_codes, std::vector<std::uint32_t>{0xC});
  client->subscribe("b", keep(text));
  EXPECT_EQ(text, "the stream ended");
  EXPECT_EQ(client->publish("b", {}), SendStatus::closed);
  bool closed = false;
  client->on_close([&] { closed = true; });
  wire->close();
  EXPECT_TRUE(closed);
}

// The first that threw kept it from the others and from on_close.
TEST_F(Lines, TheEndIsToldToAllThoughOneThrows) {
  int told = 0;
  for (const std::string_view topic : {"a", "b", "c"}) {
    client->subscribe(topic, [&told](const Result<void, std::string>&) {
      if (++told == 1) throw std::runtime_error{"user"};
    });
  }
  bool closed = false;
  client->on_close([&] { closed = true; });
  EXPECT_THROW(wire->close(), std::runtime_error);
  EXPECT_EQ(told, 3);
  EXPECT_TRUE(closed);
}

TEST_F(Lines, APeerThatDoesNotRead) {
  std::string text;
  wire->status = SendStatus::dropped;
  client->subscribe("a", keep(text));
  EXPECT_EQ(text, "the peer does not read");
  EXPECT_EQ(client->publish("a", {}), SendStatus::dropped);
}

/// What the hub's handler is told, and a way to make it answer.
struct FakeHubHandler final : SessionHandler {
  struct State {
    Session* session = nullptr;
    std::vector<std::string> told;
    bool closed = false;
    int writable = 0;
    bool pause = false;  ///< at the next message
    bool pause_always = false;
    std::string answer;  ///< to the next message, inside on_message()
  };
  explicit FakeHubHandler(State& own_state) : state(own_state) {}
  void on_open(Session& session) override { state.session = &session; }
  void on_message(Session& session, const Message& message) override {
    state.told.emplace_back(message.text());
    if (std::exchange(state.pause, false) || state.pause_always) session.pause();
    if (const auto answer = std::exchange(state.answer, {}); !answer.empty()) session.send(Message::text(answer));
  }
  void on_writable(Session&) override { ++state.writable; }
  void on_close(Session&, const CloseInfo&) override { state.closed = true; }
  State& state;
};

class LinesServer : public testing::Test {
 protected:
  explicit LinesServer(const LinesOptions& options = {}) {
    handler = lines_handler([this] { return std::make_unique<FakeHubHandler>(hub); }, options)();
    wire = &session.add_stream(nullptr);
    wire->handler = handler->on_stream(session, *wire);
  }
  void answer(std::string_view json) { hub.session->send(Message::text(json)); }

  FakeHubHandler::State hub;
  FakeExecutor executor;
  FakeSession session{executor};
  std::unique_ptr<SessionHandler> handler;
  FakeStream* wire = nullptr;
};

TEST_F(LinesServer, LinesBecomeMessagesOfTheHub) {
  wire->receive("SUB a\"b\nUNSUB c\nPUB d 3\nhey");
  wire->receive(std::string_view{"PUB d 2\n\xff\x00", 10});
  EXPECT_EQ(hub.told, (std::vector<std::string>{R"({"t":"subscription","p":{"action":"subscribe","topics":["a\"b"]}})",
                                                R"({"t":"subscription","p":{"action":"unsubscribe","topics":["c"]}})",
                                                R"({"t":"publish","p":{"topic":"d","data":"hey"}})",
                                                R"({"t":"publish","p":{"topic":"d","data":{"base64":"/wA="}}})"}));
  EXPECT_EQ(hub.session->id(), session.id());
}

// It got no answer: JSON has no such topic, and the hub none to answer by.
TEST_F(LinesServer, ATopicThatIsNotUtf8IsRefused) {
  wire->receive("SUB \xff\nSUB \xc3\xa9\n");
  EXPECT_EQ(wire->take(), "SUB-FAIL \xff not a valid topic\n");
  EXPECT_EQ(hub.told.size(), 1U) << "the other is the hub's to judge";
}

TEST_F(LinesServer, MessagesOfTheHubBecomeLines) {
  answer(R"({"c":"WSE","t":"server_ready","p":{}})");
  answer(R"({"t":"subscription_update","p":{"action":"subscribe","success_topics":["a"],"failed_topics":[)"
         R"({"topic":"b","error":"not allowed","code":"SUBSCRIPTION_FAILED"}]}})");
  answer(R"({"t":"subscription_update","p":{"action":"unsubscribe","success_topics":["a"]}})");
  EXPECT_EQ(wire->take(), "SUB-OK a\nSUB-FAIL b not allowed\n");
  answer(R"({"tp":"a","c":"U","t":"publication","p":"te\nxt"})");
  answer(R"({"tp":"a","c":"U","t":"publication","p":{"base64":"/wA="}})");
  answer(R"({"tp":"a","c":"U","t":"publication","p":{"base64":"no base64"}})");
  answer(R"({"tp":"a","c":"U","t":"publication","p":{"base64":"/wA=","x":1}})");
  answer(R"({"tp":"a","c":"U","t":"publication","p":[1, 2]})");
  EXPECT_EQ(wire->take(),
            std::string("MSG a 5\nte\nxtMSG a 2\n\xff\0", 23) +
                "MSG a 22\n{\"base64\":\"no base64\"}MSG a 23\n{\"base64\":\"/wA=\",\"x\":1}MSG a 6\n[1, 2]");
}

TEST_F(LinesServer, GapsOfTheHubBecomeLines) {
  answer(R"({"t":"gap","p":{"topic":"a","epoch":"00000001","offset":6,"missed":4}})");
  answer(R"({"t":"gap","p":{"topic":"b*","missed":2}})");
  EXPECT_EQ(wire->take(), "GAP a 4\nGAP b* 2\n");
}

struct SmallLinesServer : LinesServer {
  SmallLinesServer() : LinesServer({.message_bytes_max = 4}) {}
};

// Other wires may publish more than this one carries; a client ends the stream at a longer payload.
TEST_F(SmallLinesServer, LongerPublicationsAreGaps) {
  answer(R"({"tp":"a","t":"publication","p":"12345"})");
  answer(R"({"tp":"a","t":"publication","p":[1,2]})");
  answer(R"({"tp":"a","t":"publication","p":{"base64":"MTIzNDU="}})");
  EXPECT_EQ(wire->take(), "GAP a 1\nGAP a 1\nGAP a 1\n");
  answer(R"({"tp":"a","t":"publication","p":"1234"})");
  answer(R"({"tp":"a","t":"publication","p":1234})");
  answer(R"({"tp":"a","t":"publication","p":{"base64":"MTIzNA=="}})");
  EXPECT_EQ(wire->take(), "MSG a 4\n1234MSG a 4\n1234MSG a 4\n1234");
}

constexpr std::string_view kRateLimited =
    R"({"t":"error","p":{"code":"RATE_LIMITED","message":"too many messages","recoverable":true,"retry_after":2.5}})";

// The hub names no topic, and tells it once for a run of messages; the client waited 10 s.
TEST_F(LinesServer, SubscriptionsThatComeTooFastAreRefused) {
  hub.answer = kRateLimited;
  wire->receive("SUB a\nSUB b\n");
  EXPECT_EQ(wire->take(), "SUB-FAIL a too many messages\nSUB-FAIL b too many messages\n");
  executor.advance(2400ms);
  wire->receive("SUB c\n");
  EXPECT_EQ(wire->take(), "SUB-FAIL c too many messages\n");
  executor.advance(200ms);
  wire->receive("SUB d\n");
  EXPECT_EQ(wire->take(), "") << "the hub will answer";
  hub.answer = kRateLimited;
  wire->receive("PUB a 1\nx");
  EXPECT_EQ(wire->take(), "") << "never answered";
  wire->receive("SUB e\n");
  EXPECT_EQ(wire->take(), "SUB-FAIL e too many messages\n") << "it is told of the publication only";
  EXPECT_EQ(hub.told.size(), 6U) << "the hub counts them";
}

// A hub whose limit is not refilled names no time; each SUB of a later turn had no answer.
TEST_F(LinesServer, SubscriptionsThatNothingWillLetPassAreRefused) {
  hub.answer = R"({"t":"error","p":{"code":"RATE_LIMITED","message":"too many messages","retry_after":0}})";
  wire->receive("SUB a\n");
  executor.advance(1s);
  wire->receive("SUB b\n");
  EXPECT_EQ(wire->take(), "SUB-FAIL a too many messages\nSUB-FAIL b too many messages\n");
}

TEST_F(LinesServer, OtherErrorsOfTheHubAreNotTakenForAnswers) {
  hub.answer = R"({"t":"error","p":{"code":"PUBLISH_FAILED","message":"broker unavailable","recoverable":true}})";
  wire->receive("SUB a\n");
  EXPECT_EQ(wire->take(), "");
}

TEST_F(LinesServer, ThePaceIsTheHubs) {
  EXPECT_TRUE(wire->handler->consumes());
  hub.pause = true;
  wire->receive("SUB a\nSUB b\nSU");
  EXPECT_EQ(hub.told.size(), 1U);
  wire->receive("B c\n");
  EXPECT_EQ(hub.told.size(), 1U);
  EXPECT_EQ(wire->consumed, 6U) << "the rest is the client's to wait with";
  hub.session->resume();
  EXPECT_EQ(hub.told.size(), 3U);
  EXPECT_EQ(wire->consumed, 18U);
  EXPECT_TRUE(hub.told[2].find("\"c\"") != std::string::npos) << hub.told[2];
  wire->status = SendStatus::dropped;
  EXPECT_EQ(hub.session->send(Message::text(R"({"tp":"a","t":"publication","p":1})")), SendStatus::dropped);
  wire->handler->on_writable(*wire);
  EXPECT_EQ(hub.writable, 1);
}

// Each pause copied all that still waited: 1.7 GB for these commands.
TEST_F(LinesServer, AHubThatPausesAfterEachCommandCopiesLittle) {
  constexpr std::size_t kCommands = 13'000;
  constexpr std::string_view kCommand = "PUB topic 8\npayload.";
  std::string commands;
  for (std::size_t i = 0; i < kCommands; ++i) commands += kCommand;
  hub.pause_always = true;
  start_counting();
  wire->receive(commands);
  for (std::size_t i = 1; i < kCommands; ++i) hub.session->resume();
  EXPECT_LT(stop_counting().bytes, 100 * commands.size());
  EXPECT_EQ(hub.told.size(), kCommands);
  EXPECT_EQ(wire->consumed, commands.size());
}

TEST_F(LinesServer, TheEndsOfBothSides) {
  wire->receive("PUB a x\n");
  EXPECT_EQ(wire->reset_codes, std::vector<std::uint32_t>{0xC});
  EXPECT_EQ(hub.session->send(Message::text("{}")), SendStatus::closed);
  wire->close();
  EXPECT_TRUE(hub.closed);
}

TEST_F(LinesServer, WhoFinishesIsLetGo) {
  wire->receive("SUB a\n", true);
  EXPECT_EQ(hub.told.size(), 1U);
  EXPECT_TRUE(wire->fin);
  hub.session->close(4503, "too slow");
  EXPECT_EQ(wire->reset_codes, std::vector<std::uint32_t>{4503});
}

TEST_F(LinesServer, WhoFinishesWhileTheHubPausesIsHeardToTheEnd) {
  hub.pause = true;
  wire->receive("SUB a\nSUB b\n", true);
  EXPECT_EQ(hub.told.size(), 1U);
  EXPECT_FALSE(wire->fin);
  hub.session->resume();
  EXPECT_EQ(hub.told.size(), 2U);
  EXPECT_TRUE(wire->fin);
}

TEST_F(LinesServer, WhereTheHubHasNoHandlerThereIsNone) {
  const HandlerFactory none = [] { return std::unique_ptr<SessionHandler>{}; };
  EXPECT_EQ(lines_handler(none)(), nullptr);
}

TEST_F(LinesServer, OneStreamOfASession) {
  EXPECT_EQ(handler->on_stream(session, session.add_stream(nullptr)), nullptr);
}

}  // namespace
}  // namespace plait::test
