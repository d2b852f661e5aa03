// What users see of a session that is to be the same on every wire.
#include <stdexcept>

#include "integration/server/wires.hpp"

namespace plait::test {
namespace {

class ServerParity : public EveryWire {
 protected:
  /// Runs one client's session to its end; how it ended.
  CloseInfo run(Calls calls, const std::string& path = "/") {
    CloseInfo closed;
    calls.on_close = [&, then = calls.on_close](Session& session, const CloseInfo& info) {
      closed = info;
      if (then) then(session, info);
    };
    Client client;
    const auto id = client.connect(base_ + path, std::make_unique<Called>(std::move(calls)), trusting());
    EXPECT_TRUE(id) << id.error().message;
    id_ = id.value_or(SessionId{});
    client.run();
    return closed;
  }

  SessionId id_;
};

TEST_P(ServerParity, AMessageInPartsCountsAsOne) {
  start({});
  SessionStats stats;
  run({.on_open = [&](Session& session) {
    MessageWriter* message = session.begin_message(MessageKind::text);
    ASSERT_NE(message, nullptr);
    EXPECT_EQ(message->write(as_bytes(pattern(100))), SendStatus::sent);
    EXPECT_EQ(message->write(as_bytes(pattern(50))), SendStatus::sent);
    EXPECT_EQ(session.stats().messages_sent, 0U);
    EXPECT_EQ(message->finish(), SendStatus::sent);
    stats = session.stats();
    session.close();
  }});
  EXPECT_EQ(stats.messages_sent, 1U);
  EXPECT_EQ(stats.bytes_sent, 150U);
}

TEST_P(ServerParity, AMessageThatIsTooBigIsNamedSo) {
  ServerOptions options;
  options.limits.message_bytes_max = 10;
  start(echo(), options);
  const CloseInfo closed = run({.on_open = [](Session& session) { session.send(Message::text("eleven char")); }});
  EXPECT_EQ(closed.code, close_code::kMessageTooBig);
  EXPECT_EQ(closed.reason, "message is too big");
}

TEST_P(ServerParity, ASendThatAMessageInPartsKeepsOutIsFollowedByNothing) {
  start(echo());
  int writable = 0;
  std::uint64_t dropped = 0;
  run({.on_open =
           [&](Session& session) {
             MessageWriter* message = session.begin_message(MessageKind::text);
             ASSERT_NE(message, nullptr);
             EXPECT_EQ(session.send(Message::text("not now")), SendStatus::dropped);
             dropped = session.stats().messages_dropped;
             EXPECT_EQ(message->write(as_bytes("now")), SendStatus::sent);
             EXPECT_EQ(message->finish(), SendStatus::sent);
           },
       .on_message = [](Session& session, const Message&) { session.close(); },
       .on_writable = [&](Session&) { ++writable; }});
  EXPECT_EQ(writable, 0);
  EXPECT_EQ(dropped, 1U);
}

TEST_P(ServerParity, AMessageInPartsEndsWithItsSession) {
  start({});
  run({.on_open = [&](Session& session) {
    MessageWriter* message = session.begin_message(MessageKind::text);
    ASSERT_NE(message, nullptr);
    EXPECT_EQ(message->write(as_bytes(pattern(100))), SendStatus::sent);
    session.close();
    EXPECT_EQ(message->write(as_bytes(pattern(100))), SendStatus::closed);
    EXPECT_EQ(message->finish(), SendStatus::closed);
  }});
}

TEST_P(ServerParity, AMessageInPartsEndsWithAnAbort) {
  Box<std::vector<SendStatus>> statuses;
  start({.on_open = [&](Session& session) {
    MessageWriter* message = session.begin_message(MessageKind::text);
    ASSERT_NE(message, nullptr);
    session.abort();
    const SendStatus written = message->write(as_bytes(pattern(100)));
    statuses.set({written, message->finish()});
  }});
  run({});
  EXPECT_EQ(statuses.wait(), (std::vector{SendStatus::closed, SendStatus::closed}));
}

// On https: the close overtook the messages.
TEST_P(ServerParity, WhatWasSentBeforeAnExceptionArrives) {
  constexpr std::size_t kCount = 50;
  start({.on_message = [](Session& session, const Message&) {
    for (std::size_t i = 0; i < kCount; ++i) session.send(Message::text(pattern(20'000)));
    throw std::runtime_error{"user"};
  }});
  std::size_t received = 0;
  const CloseInfo closed = run({.on_open = [](Session& session) { session.send(Message::text("go")); },
                                .on_message = [&](Session&, const Message&) { ++received; }});
  EXPECT_EQ(received, kCount);
  EXPECT_EQ(closed.code, close_code::kInternalError);
}

TEST_P(ServerParity, WhatIsSentInOnOpenCountsForTheServer) {
  start({.on_open = [](Session& session) { session.send(Message::text("hello")); }});
  run({.on_message = [](Session& session, const Message&) { session.close(); }});
  EXPECT_TRUE(wait_until([&] { return (*server_)->stats().sessions_open == 0; }));
  const ServerStats stats = (*server_)->stats();
  EXPECT_EQ(stats.messages_sent, 1U);
  EXPECT_EQ(stats.bytes_sent, 5U);
}

// It was counted from the last turn, and had passed before the close left.
TEST_P(ServerParity, ACloseHasItsTimeHoweverLongNobodyHasTurnedTheClient) {
  Box<CloseInfo> theirs;
  start({.on_close = [&](Session&, const CloseInfo& info) { theirs.set(info); }});
  CloseInfo ours;
  for (Duration timeout = 16ms; !ours.clean && timeout < 5s; timeout *= 2) {  // on a slow machine it takes a while
    ClientOptions options;
    options.limits.close_timeout = timeout;
    Client client{options};
    Session* session = nullptr;
    bool closed = false;
    const Calls calls{.on_open = [&](Session& opened) { session = &opened; },
                      .on_close =
                          [&](Session&, const CloseInfo& info) {
                            ours = info;
                            closed = true;
                          }};
    ASSERT_TRUE(client.connect(base_ + "/", std::make_unique<Called>(calls), trusting()));
    ASSERT_TRUE(turn_until(client, [&] { return session != nullptr; }));
    const auto turned = std::chrono::steady_clock::now();
    while (std::chrono::steady_clock::now() < turned + 2 * timeout) continue;
    session->close(4000);
    ASSERT_TRUE(turn_until(client, [&] { return closed; }));
  }
  EXPECT_TRUE(ours.clean);
  EXPECT_EQ(ours.code, 4000U);
  EXPECT_TRUE(wait_until([&] {
    const auto info = theirs.get();
    return info && info->clean && info->code == 4000;
  }));
}

TEST_P(ServerParity, ThePeersAddressIsTheSameFromOnOpenToOnClose) {
  for (const bool aborts : {false, true}) {
    Box<std::string> opened;
    Box<std::string> closed;
    start({.on_open = [&](Session& session) { opened.set(session.peer()); },
           .on_close = [&](Session& session, const CloseInfo&) { closed.set(session.peer()); }});
    std::string own_opened;
    std::string own_closed;
    run({.on_open =
             [&](Session& session) {
               own_opened = session.peer();
               aborts ? session.abort() : session.close();
             },
         .on_close = [&](Session& session, const CloseInfo&) { own_closed = session.peer(); }});
    EXPECT_EQ(own_closed, own_opened);
    EXPECT_EQ(closed.wait(), opened.wait());
    EXPECT_NE(own_opened, "not connected");
  }
}

TEST_P(ServerParity, ASessionThatDoesNotOpenHasTheIdOfItsConnect) {
  start({});
  SessionId seen;
  run({.on_close = [&](Session& session, const CloseInfo&) { seen = session.id(); }}, "/nowhere");
  EXPECT_EQ(seen, id_);
}

// It was asked inside the loop's turn, which the exception left: the client's end was then a failed assertion.
TEST_P(ServerParity, AHandlerThatThrowsWhenItIsAskedWhatItWantsIsNotConnected) {
  class Throwing final : public SessionHandler {
   public:
    [[nodiscard]] bool wants_parts() const override { throw std::runtime_error{"user"}; }
  };
  start({});
  Client client;
  bool asked = false;
  const Calls calls{.on_open = [&](Session& session) {
    const auto inside = client.connect(base_ + "/", std::make_unique<Throwing>(), trusting());
    ASSERT_FALSE(inside);
    EXPECT_NE(inside.error().message.find("threw"), std::string::npos) << inside.error().message;
    asked = true;
    session.close();
  }};
  EXPECT_FALSE(client.connect(base_ + "/", std::make_unique<Throwing>(), trusting()));
  ASSERT_TRUE(client.connect(base_ + "/", std::make_unique<Called>(calls), trusting()));
  client.run();
  EXPECT_TRUE(asked);
}

// --- How a session ended ---------------------------------------------------------------------------------------------

std::string text_of(const CloseInfo& info) {
  return std::to_string(info.code) + (info.clean ? " clean" : " unclean") + (info.started_by_us ? " us " : " peer ") +
         info.reason;
}

TEST_P(ServerParity, OurOwnCloseThatIsAnswered) {
  start({});
  EXPECT_EQ(text_of(run({.on_open = [](Session& session) { session.close(4000, "bye"); }})), "4000 clean us bye");
  EXPECT_EQ(text_of(run({.on_open = [](Session& session) { session.close(0); }})), "1005 clean us ");
}

TEST_P(ServerParity, OurOwnCloseThatMeetsTheEndOfTheConnection) {
  start({});
  ClientOptions impatient;
  impatient.limits.close_timeout = 100ms;
  Client client{impatient};
  CloseInfo closed;
  bool ended = false;
  ASSERT_TRUE(client.connect(base_ + "/",
                             std::make_unique<Called>(Calls{.on_open =
                                                                [&](Session& session) {
                                                                  (*server_)->stop();
                                                                  EXPECT_TRUE(server_->join());
                                                                  session.close(4000, "bye");
                                                                },
                                                            .on_close =
                                                                [&](Session&, const CloseInfo& info) {
                                                                  closed = info;
                                                                  ended = true;
                                                                }}),
                             trusting()));
  ASSERT_TRUE(turn_until(client, [&] { return ended; }));
  EXPECT_EQ(closed.code, close_code::kAbnormal);
  EXPECT_FALSE(closed.clean);
  EXPECT_TRUE(closed.started_by_us);
  EXPECT_FALSE(closed.reason.empty());
}

// But on https:, a session that does not read does not see the close either.
TEST_P(ServerParity, OurOwnCloseThatIsNotAnsweredInTime) {
  start({.on_open = [](Session& session) { session.pause(); }});
  ClientOptions impatient;
  if (GetParam() != "https") impatient.limits.close_timeout = 100ms;
  Client client{impatient};
  CloseInfo closed;
  const Calls calls{.on_open = [](Session& session) { session.close(4000, "bye"); },
                    .on_close = [&](Session&, const CloseInfo& info) { closed = info; }};
  ASSERT_TRUE(client.connect(base_ + "/", std::make_unique<Called>(calls), trusting()));
  client.run();
  EXPECT_EQ(text_of(closed),
            GetParam() == "https" ? "4000 clean us bye" : "1006 unclean us the closing handshake took too long");
}

TEST_P(ServerParity, AnAbortIsOurs) {
  start({});
  const CloseInfo info = run({.on_open = [](Session& session) { session.abort(); }});
  EXPECT_EQ(info.code, close_code::kAbnormal);
  EXPECT_FALSE(info.clean);
  EXPECT_TRUE(info.started_by_us);
}

TEST_P(ServerParity, ARefusalIsNot) {
  start({});
  const CloseInfo info = run({}, "/nowhere");
  EXPECT_EQ(info.code, close_code::kAbnormal);
  EXPECT_EQ(info.status, 404);
  EXPECT_FALSE(info.clean);
  EXPECT_FALSE(info.started_by_us);
}

INSTANTIATE_TEST_SUITE_P(Wires, ServerParity, kEveryWire, [](const auto& wire) { return wire.param; });

}  // namespace
}  // namespace plait::test
