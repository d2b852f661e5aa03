// Close codes on every wire: what each can carry, and what becomes of the rest.
#include <stdexcept>
#include <vector>

#include "integration/server/wires.hpp"

namespace plait::test {
namespace {

class ServerCloseCode : public EveryWire {
 protected:
  /// How a client's session ends when the server's handler closes it with `code` and `reason`, and how the server's.
  CloseInfo seen_by_client(std::uint32_t code, const std::string& reason = {}, CloseInfo* seen_by_server = nullptr) {
    Box<CloseInfo> own;
    start({.on_open = [code, reason](Session& session) { session.close(code, reason); },
           .on_close = [&](Session&, const CloseInfo& info) { own.set(info); }});
    CloseInfo seen;
    Client client;
    Calls calls{.on_close = [&](Session&, const CloseInfo& info) { seen = info; }};
    EXPECT_TRUE(client.connect(base_ + "/", std::make_unique<Called>(calls), trusting()));
    client.run();
    EXPECT_TRUE(seen.clean);
    const CloseInfo servers = own.wait();
    if (seen_by_server != nullptr) *seen_by_server = servers;
    return seen;
  }
  [[nodiscard]] bool is_webtransport() const { return GetParam() == "https"; }
};

TEST_P(ServerCloseCode, WhatEveryWireCarriesArrives) {
  for (const std::uint32_t code : {1000U, 1014U, 3000U, 4999U}) {
    EXPECT_EQ(seen_by_client(code, "why").code, code);
  }
}

TEST_P(ServerCloseCode, NoCodeArrivesAsNone) {
  for (const std::uint32_t code : {0U, 1005U}) {
    const CloseInfo info = seen_by_client(code);
    EXPECT_EQ(info.code, close_code::kNoStatus);
    EXPECT_EQ(info.reason, "");
  }
}

TEST_P(ServerCloseCode, WhatTheWireCannotCarryIs1011) {
  for (const std::uint32_t code : {42U, 1006U, 5000U, 66536U, 0xffffffffU}) {  // 66536 is 1000 in 16 bits
    EXPECT_EQ(seen_by_client(code, "why").code, is_webtransport() ? code : close_code::kInternalError);
  }
}

TEST_P(ServerCloseCode, AReasonThatIsNotUtf8IsLeftOut) {
  const CloseInfo info = seen_by_client(4000, "caf\xe9");
  EXPECT_EQ(info.code, 4000U);
  EXPECT_EQ(info.reason, "");
}

TEST_P(ServerCloseCode, WhoClosesIsToldTheReasonThatWasSent) {
  const std::string cut(122, 'x');
  const std::vector<std::pair<std::string, std::string>> reasons{
      {std::string(500, 'x'), cut + "x"}, {cut + "\xc3\xa9", cut}, {"\xff", ""}, {std::string(500, 'x') + "\xff", ""}};
  for (const auto& [given, sent] : reasons) {
    CloseInfo own;
    EXPECT_EQ(seen_by_client(4000, given, &own).reason, sent);
    EXPECT_EQ(own.reason, sent);
    EXPECT_TRUE(own.clean && own.started_by_us);
  }
}

// --- What was sent before -------------------------------------------------------------------------------------------

class ServerCloseAfterMessages : public EveryWire {
 protected:
  static constexpr int kMessages = 40;
  static void send_all(Session& session) {
    for (int i = 0; i < kMessages; ++i) {
      EXPECT_NE(session.send(Message::text(pattern(std::size_t{64} << 10))), SendStatus::dropped);
    }
  }
  static void expect_abort_of_ours(const CloseInfo& info) {
    EXPECT_EQ(info.code, close_code::kAbnormal);
    EXPECT_FALSE(info.clean);
    EXPECT_TRUE(info.started_by_us);
  }
  /// What a client's session receives until it ends.
  int received_by_client(const std::function<void()>& when_open = {}) {
    int received = 0;
    Client client;
    const Calls calls{.on_open =
                          [&](Session&) {
                            if (when_open) when_open();
                          },
                      .on_message = [&](Session&, const Message&) { ++received; },
                      .on_close = [&](Session&, const CloseInfo& info) { EXPECT_TRUE(info.clean) << info.reason; }};
    EXPECT_TRUE(client.connect(base_ + "/", std::make_unique<Called>(calls), trusting()));
    client.run();
    return received;
  }
};

TEST_P(ServerCloseAfterMessages, TheClientsArrive) {
  std::atomic<int> received{0};
  Box<CloseInfo> closed;
  start({.on_message = [&](Session&, const Message&) { ++received; },
         .on_close = [&](Session&, const CloseInfo& info) { closed.set(info); }});
  Client client;
  const Calls calls{.on_open = [](Session& session) {
    send_all(session);
    session.close(4000, "bye");
    EXPECT_EQ(session.send(Message::text("late")), SendStatus::closed);
  }};
  ASSERT_TRUE(client.connect(base_ + "/", std::make_unique<Called>(calls), trusting()));
  client.run();
  EXPECT_EQ(closed.wait().code, 4000);
  EXPECT_EQ(received, kMessages);
}

TEST_P(ServerCloseAfterMessages, TheServersArrive) {
  start({.on_open = [](Session& session) {
    send_all(session);
    session.close();
  }});
  EXPECT_EQ(received_by_client(), kMessages);
}

TEST_P(ServerCloseAfterMessages, ThoseBeforeADrainArrive) {
  start({.on_open = send_all});
  EXPECT_EQ(received_by_client([&] { server_->server().drain(); }), kMessages);
}

// An echo that does not get rid of its answers has not looked at all that came.
TEST_P(ServerCloseAfterMessages, ThoseThatWaitBehindABacklogAreReported) {
  ServerOptions options;
  options.limits.send_high_water_bytes = std::size_t{64} << 10;
  std::atomic<int> received{0};
  Box<CloseInfo> closed;
  start({.on_message =
             [&](Session& session, const Message& message) {
               ++received;
               session.send(message);
             },
         .on_close = [&](Session&, const CloseInfo& info) { closed.set(info); }},
        options);
  Client client;
  const Calls calls{.on_open = [](Session& session) {
    send_all(session);
    session.close();
  }};
  ASSERT_TRUE(client.connect(base_ + "/", std::make_unique<Called>(calls), trusting()));
  client.run();
  EXPECT_TRUE(closed.wait().clean);
  EXPECT_EQ(received, kMessages);
}

// What waited behind the backlog is handled when an acknowledgement comes, for which our close waits as well on https:.
TEST_P(ServerCloseAfterMessages, AnAbortAmongThoseThatWaitedBehindABacklogIsTheEnd) {
  ServerOptions server_options;
  server_options.limits.send_high_water_bytes = std::size_t{64} << 10;
  server_options.limits.send_low_water_bytes = std::size_t{16} << 10;
  std::atomic<int> received{0};
  Box<CloseInfo> closed;
  start({.on_open =
             [](Session& session) {
               for (int i = 0; i < 4; ++i) send_all(session);  // 10 MiB: more than a stream's credit
               session.close();
             },
         .on_message =
             [&](Session& session, const Message&) {
               ++received;
               session.abort();
             },
         .on_close = [&](Session&, const CloseInfo& info) { closed.set(info); }},
        server_options);
  Client client;
  Session* paused = nullptr;
  bool over = false;
  const Calls calls{.on_open =
                        [&](Session& session) {
                          session.pause();
                          for (int i = 0; i < 3; ++i) session.send(Message::text("hello"));
                          paused = &session;
                        },
                    .on_close = [&](Session&, const CloseInfo&) { over = true; }};
  ASSERT_TRUE(client.connect(base_ + "/", std::make_unique<Called>(calls), trusting()));
  ASSERT_TRUE(turn_until(client, [&] { return over || (paused != nullptr && paused->buffered_bytes() == 0); }));
  if (!over) paused->resume();
  client.run();
  expect_abort_of_ours(closed.wait());
  EXPECT_EQ(received, 1);
}

// The server's session is paused when it opens and whenever it hears a message. On https: the end itself ends that: the
// close comes beside the messages, and nothing keeps it back as on the wires where it stands behind them.
class ServerCloseBehindAPause : public ServerCloseAfterMessages {
 protected:
  static constexpr int kSent = 5;
  /// How the server's session ends after a client has sent messages and closed.
  CloseInfo end(const std::function<void(Session&)>& on_message) {
    Box<CloseInfo> closed;
    Box<SessionId> id;
    const auto resume = [&] {
      if (GetParam() == "https") return;
      server_->server().post(id.wait(), [](Session& session) { session.resume(); });
    };
    start({.on_open =
               [&](Session& session) {
                 session.pause();
                 id.set(session.id());
               },
           .on_message =
               [&, on_message](Session& session, const Message&) {
                 session.pause();
                 resume();
                 ++received_;
                 on_message(session);
               },
           .on_close = [&](Session&, const CloseInfo& info) { closed.set(info); }});
    Client client;
    const Calls calls{.on_open = [&](Session& session) {
      for (int i = 0; i < kSent; ++i) session.send(Message::text(pattern(std::size_t{64} << 10)));
      session.close(4000, "bye");
      resume();
    }};
    EXPECT_TRUE(client.connect(base_ + "/", std::make_unique<Called>(calls), trusting()));
    client.run();
    return closed.wait();
  }
  std::atomic<int> received_{0};
};

TEST_P(ServerCloseBehindAPause, AllMessagesAreReported) {
  const CloseInfo closed = end([](Session&) {});
  EXPECT_EQ(received_, kSent);
  EXPECT_EQ(closed.code, 4000);
  EXPECT_EQ(closed.reason, "bye");
  EXPECT_TRUE(closed.clean);
  EXPECT_FALSE(closed.started_by_us);
}

TEST_P(ServerCloseBehindAPause, AnAbortAtTheFirstMessageIsTheEnd) {
  expect_abort_of_ours(end([](Session& session) { session.abort(); }));
  EXPECT_EQ(received_, 1);
}

TEST_P(ServerCloseBehindAPause, AnExceptionAtTheFirstMessageIsTheEnd) {
  const CloseInfo closed = end([](Session&) { throw std::runtime_error{"no database"}; });
  EXPECT_EQ(received_, 1);
  EXPECT_EQ(closed.code, close_code::kInternalError);
  EXPECT_FALSE(closed.clean);
  EXPECT_TRUE(closed.started_by_us);
}

INSTANTIATE_TEST_SUITE_P(Wires, ServerCloseBehindAPause, kEveryWire, [](const auto& wire) { return wire.param; });

INSTANTIATE_TEST_SUITE_P(Wires, ServerCloseAfterMessages, kEveryWire, [](const auto& wire) { return wire.param; });

INSTANTIATE_TEST_SUITE_P(Wires, ServerCloseCode, kEveryWire, [](const auto& wire) { return wire.param; });

}  // namespace
}  // namespace plait::test
