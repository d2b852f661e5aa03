// Peers that do not read: what send() says, what is kept, and that nothing is lost once they read again.
#include <array>

#include "integration/server/wires.hpp"

namespace plait::test {
namespace {

constexpr std::size_t kMessageBytes = 50'000;

std::string numbered(std::size_t number) {
  static const std::string rest = pattern(kMessageBytes);
  std::string text = std::to_string(number) + " ";
  return text.append(rest, 0, kMessageBytes - text.size());
}

class ServerBackpressure : public PlainServer, public testing::Test {};

TEST_F(ServerBackpressure, SendIsQueuedThenDroppedAndWritableAfterTheDrain) {
  ServerOptions options;
  options.limits.send_high_water_bytes = 100'000;
  options.limits.send_low_water_bytes = 10'000;
  options.limits.send_queue_bytes_max = 400'000;
  struct Seen {
    std::array<std::size_t, 4> statuses{};
    std::size_t backlog = 0;
    std::uint64_t dropped = 0;
  };
  Box<Seen> filled;
  Box<std::size_t> writable;
  Calls calls;
  calls.on_open = [&](Session& session) {
    Seen seen;
    std::size_t number = 0;
    SendStatus status{};
    do {
      status = session.send(Message::text(numbered(number++)));
      ++seen.statuses.at(static_cast<std::size_t>(status));
    } while (status != SendStatus::dropped);
    seen.backlog = session.buffered_bytes();
    seen.dropped = session.stats().messages_dropped;
    filled.set(seen);
  };
  calls.on_writable = [&](Session& session) {
    if (!writable.get()) writable.set(session.buffered_bytes());
    session.close();
  };
  start(options, calling(calls));
  RawClient client{port_, 4096};
  client.upgrade();
  const Seen seen = filled.wait();
  const std::size_t accepted = seen.statuses[0] + seen.statuses[1];
  EXPECT_GT(seen.statuses[1], 0U) << "queued";
  EXPECT_EQ(seen.dropped, 1U);
  EXPECT_LE(seen.backlog, options.limits.send_queue_bytes_max + accepted * 10) << "payload and headers";
  EXPECT_GT(seen.backlog, options.limits.send_queue_bytes_max - kMessageBytes);
  EXPECT_FALSE(writable.get()) << "nothing was read yet";
  for (std::size_t i = 0; i < accepted; ++i) ASSERT_TRUE(client.read_frame().payload == numbered(i)) << i;
  EXPECT_EQ(client.read_frame().close_code(), 1000);
  EXPECT_LE(writable.wait(), options.limits.send_low_water_bytes);
}

TEST_F(ServerBackpressure, WhatThePeerDoesNotReadIsCountedRatherThanLeftToTheKernel) {
  constexpr std::size_t kSent = std::size_t{2} << 20;
  Box<std::size_t> backlog;
  Calls calls;
  calls.on_open = [&](Session& session) {
    for (std::size_t sent = 0; sent < kSent; sent += kMessageBytes) session.send(Message::text(numbered(sent)));
    backlog.set(session.buffered_bytes());
  };
  start({}, calling(calls));
  RawClient client{port_, 4096};
  client.upgrade();
  EXPECT_GT(backlog.wait(), kSent * 3 / 4);
}

TEST_F(ServerBackpressure, AMessageDroppedBelowTheHighWaterMarkIsFollowedByOnWritableToo) {
  ServerOptions options;
  options.limits.send_high_water_bytes = std::size_t{8} << 20;
  options.limits.send_low_water_bytes = 100'000;
  options.limits.send_queue_bytes_max = std::size_t{9} << 20;
  Box<bool> dropped;
  Box<bool> writable;
  Calls calls;
  calls.on_open = [&](Session& session) {
    const std::string large(std::size_t{7} << 20, 'l');
    session.send(Message::text(large));
    dropped.set(session.send(Message::text(large)) == SendStatus::dropped);
  };
  calls.on_writable = [&](Session&) { writable.set(true); };
  start(options, calling(calls));
  RawClient client{port_, 4096};
  client.upgrade();
  EXPECT_TRUE(dropped.wait());
  EXPECT_EQ(client.read_frame().payload.size(), std::size_t{7} << 20);
  EXPECT_TRUE(writable.wait());
}

class ServerMarks : public EveryWire {};

TEST_P(ServerMarks, TheQueueIsBoundedAndWritableComesAtTheLowWaterMark) {
  ServerOptions limited;
  limited.limits.send_high_water_bytes = 100'000;
  limited.limits.send_low_water_bytes = 10'000;
  limited.limits.send_queue_bytes_max = 400'000;
  Box<std::size_t> accepted, backlog, writable;
  start({.on_open =
             [&](Session& session) {
               std::size_t count = 0;
               while (session.send(Message::text(numbered(count))) != SendStatus::dropped) ++count;
               backlog.set(session.buffered_bytes());
               accepted.set(count);
             },
         .on_writable =
             [&](Session& session) {
               writable.set(session.buffered_bytes());
               session.close();
             }},
        limited);
  std::size_t received = 0;
  Client client;
  const Calls calls{.on_message = [&](Session&, const Message& message) {
    EXPECT_TRUE(message.text() == numbered(received)) << received;
    ++received;
  }};
  ASSERT_TRUE(client.connect(base_ + "/", std::make_unique<Called>(calls), trusting()));
  client.run();
  EXPECT_EQ(received, accepted.wait());
  EXPECT_LE(backlog.wait(), limited.limits.send_queue_bytes_max + accepted.wait() * 10) << "payload and headers";
  EXPECT_LE(writable.wait(), limited.limits.send_low_water_bytes);
}

TEST_P(ServerMarks, SmallMessagesAndBurstsFillTheQueueNoFurther) {
  ServerOptions limited;
  limited.limits.send_high_water_bytes = 100'000;
  limited.limits.send_low_water_bytes = 10'000;
  limited.limits.send_queue_bytes_max = 400'000;
  constexpr std::size_t kHeaders = 4'000;  // of 400 messages, and those of TLS records
  Box<std::size_t> accepted, backlog;
  const std::string small = pattern(1000);
  start({.on_open =
             [&](Session& session) {
               MessageBurst burst;
               for (int i = 0; i < 8; ++i) burst.add(MessageKind::text, Bytes::copy_of(small));
               std::size_t count = 0;
               while (session.send(Message::text(small)) != SendStatus::dropped) {
                 count += 1 + session.send_burst(burst).accepted;
               }
               backlog.set(session.buffered_bytes());
               accepted.set(count);
             },
         .on_writable = [](Session& session) { session.close(); }},
        limited);
  std::size_t received = 0;
  Client client;
  const Calls calls{.on_message = [&](Session&, const Message& message) {
    EXPECT_TRUE(message.text() == small) << received;
    ++received;
  }};
  ASSERT_TRUE(client.connect(base_ + "/", std::make_unique<Called>(calls), trusting()));
  client.run();
  EXPECT_EQ(received, accepted.wait());
  EXPECT_LE(backlog.wait(), limited.limits.send_queue_bytes_max + kHeaders);
}

TEST_P(ServerMarks, HeadersOfEmptyMessagesFillTheQueueAlso) {
  ServerOptions limited;
  limited.limits.send_high_water_bytes = 100'000;
  limited.limits.send_low_water_bytes = 10'000;
  limited.limits.send_queue_bytes_max = 400'000;
  MessageBurst burst;
  for (int i = 0; i < 300'000; ++i) burst.add(MessageKind::text, {});
  Box<std::size_t> backlog;
  start({.on_open =
             [&](Session& session) {
               BurstStatus status;
               do {
                 status = session.send_burst(burst);
               } while (status.status != SendStatus::dropped);
               backlog.set(session.buffered_bytes());
               session.abort();
             }},
        limited);
  auto client = connect();
  EXPECT_LE(backlog.wait(), limited.limits.send_queue_bytes_max + 100);
}

INSTANTIATE_TEST_SUITE_P(Wires, ServerMarks, kEveryWire, [](const auto& wire) { return wire.param; });

/// Sends `count` numbered messages without reading, until the server has stopped taking them; then reads all echoes.
class ServerEchoBackpressure : public EveryWire {};

TEST_P(ServerEchoBackpressure, AnEchoToAPeerThatDoesNotReadStopsReadingAndLosesNothing) {
  constexpr std::size_t kCount = 600;  // 30 MB: more than all buffers on the way together
  std::atomic<std::size_t> backlog_max{0};
  Calls calls;
  calls.on_message = [&](Session& session, const Message& message) {
    EXPECT_NE(session.send(message), SendStatus::dropped);
    backlog_max = std::max(backlog_max.load(), session.buffered_bytes());
  };
  start(calls);
  Client client;
  std::size_t received = 0;
  std::string wrong;
  SessionId id;
  Calls own;
  own.on_open = [&](Session& session) {
    session.pause();
    for (std::size_t i = 0; i < kCount; ++i) EXPECT_NE(session.send(Message::text(numbered(i))), SendStatus::dropped);
  };
  own.on_message = [&](Session& session, const Message& message) {
    if (message.text() != numbered(received) && wrong.empty()) wrong = std::to_string(received);
    if (++received == kCount) session.close();
  };
  const auto connected = client.connect(base_ + "/", std::make_unique<Called>(own), trusting());
  ASSERT_TRUE(connected) << connected.error().message;
  id = *connected;
  // The server has stopped when nothing of what we hold can be moved any more.
  std::uint64_t taken = 0;
  int unchanged = 0;
  ASSERT_TRUE(wait_until([&] {
    client.run_once(5ms);
    const std::uint64_t now = (*server_)->stats().messages_received;
    unchanged = now == taken && now > 0 ? unchanged + 1 : 0;
    taken = now;
    return unchanged >= 10;
  }));
  EXPECT_LT(taken, kCount) << "the server took everything in";
  EXPECT_LE(backlog_max, Limits{}.send_high_water_bytes + (std::size_t{1} << 20));
  client.post(id, [](Session& session) { session.resume(); });
  client.run();
  EXPECT_EQ(wrong, "");
  EXPECT_EQ(received, kCount);
}

INSTANTIATE_TEST_SUITE_P(Wire, ServerEchoBackpressure, kEveryWire, [](const auto& wire) { return wire.param; });

/// A session that is paused in the middle of what one read brought goes on without new bytes from the peer.
class ServerPause : public EveryWire {};

TEST_P(ServerPause, WhatWasReadBeforeThePauseComesAfterTheResume) {
  constexpr int kCount = 100;
  Box<SessionId> id;
  std::atomic<int> messages{0};
  Calls calls;
  calls.on_message = [&](Session& session, const Message& message) {
    session.pause();
    ++messages;
    id.set(session.id());
    session.send(message);
  };
  start(calls);
  Client client;
  int echoes = 0;
  Calls own;
  own.on_open = [&](Session& session) {
    for (int i = 0; i < kCount; ++i) session.send(Message::text(pattern(10'000)));
  };
  own.on_message = [&](Session& session, const Message&) {
    if (++echoes == kCount) return session.close();
    EXPECT_EQ(messages, echoes) << "paused";
    (*server_)->post(id.wait(), [](Session& paused) { paused.resume(); });
  };
  // The close frame, too, must be read: the server is resumed once more for it.
  own.on_close = [&](Session&, const CloseInfo& info) { EXPECT_TRUE(info.clean); };
  ASSERT_TRUE(client.connect(base_ + "/", std::make_unique<Called>(own), trusting()));
  ASSERT_TRUE(turn_until(client, [&] { return echoes == kCount; }));
  (*server_)->post(id.wait(), [](Session& paused) { paused.resume(); });
  client.run();
}

/// What a paused session on QUIC has kept lies in a block of its own.
class ServerPauseOnQuic : public EveryWire {};

TEST_P(ServerPauseOnQuic, WhatItKeptMayBeSentToAnotherSessionAndShared) {
  const std::string text = pattern(4096);
  ServerOptions options;
  options.limits.send_high_water_bytes = 1024;
  options.limits.send_low_water_bytes = 0;  // on_writable: the peer's QUIC has all of it
  Session* plain = nullptr;
  Box<std::string> echoed;
  make(options);
  const std::string plain_url = server_->listen("tcp", calling({.on_open = [&](Session& session) { plain = &session; },
                                                                .on_message =
                                                                    [&](Session& session, const Message& message) {
                                                                      echoed.set(std::string{message.text()});
                                                                      session.close();
                                                                    }}));
  const std::string quic_url =
      server_->listen(GetParam(), calling({.on_open = [&](Session& session) { session.send(Message::text(text)); },
                                           .on_writable = [&](Session&) { plain->send(Message::text("go")); }}));
  server_->start();

  Client client;
  Session* paused = nullptr;
  Session* other = nullptr;
  Bytes shared;
  const Calls kept{.on_open =
                       [&](Session& session) {
                         session.pause();
                         paused = &session;
                       },
                   .on_message =
                       [&](Session& session, const Message& message) {
                         ASSERT_NE(other, nullptr) << "before resume()";
                         other->send(message);
                         shared = message.share();
                         session.close();
                       }};
  const Calls resumes{
      .on_open = [&](Session&) { ASSERT_TRUE(client.connect(quic_url, std::make_unique<Called>(kept), trusting())); },
      .on_message =
          [&](Session& session, const Message&) {
            other = &session;
            paused->resume();
          }};
  ASSERT_TRUE(client.connect(plain_url, std::make_unique<Called>(resumes), trusting()));
  client.run();
  EXPECT_TRUE(echoed.wait() == text);
  EXPECT_TRUE(shared.text() == text);
}

INSTANTIATE_TEST_SUITE_P(Wire, ServerPauseOnQuic, testing::Values("https", "quic"),
                         [](const auto& wire) { return wire.param; });

INSTANTIATE_TEST_SUITE_P(Wire, ServerPause, kEveryWire, [](const auto& wire) { return wire.param; });

class ServerResume : public EveryWire {};

// On QUIC what had been kept was reported inside the call, to a handler in the middle of something else.
TEST_P(ServerResume, CallsNoHandlerBeforeItReturns) {
  ServerOptions small;
  small.limits.send_high_water_bytes = 10'000;
  small.limits.send_low_water_bytes = 5'000;
  std::vector<std::string> events;  // of the server's loop
  start({.on_open =
             [&](Session& session) {
               session.pause();
               while (session.send(Message::text(numbered(0))) != SendStatus::queued) {
               }
             },
         .on_message =
             [&](Session& session, const Message& message) {
               events.emplace_back(message.text());
               if (message.text() == "two") session.close();
             },
         .on_writable =
             [&](Session& session) {
               events.emplace_back("on_writable");
               session.resume();
               events.emplace_back("resumed");
             }},
        small);
  Client client;
  const Calls calls{.on_open = [](Session& session) {
    session.send(Message::text("one"));
    session.send(Message::text("two"));
  }};
  ASSERT_TRUE(client.connect(base_ + "/", std::make_unique<Called>(calls), trusting()));
  client.run();
  server_ = nullptr;
  EXPECT_EQ(events, (std::vector<std::string>{"on_writable", "resumed", "one", "two"}));
}

INSTANTIATE_TEST_SUITE_P(Wires, ServerResume, kEveryWire, [](const auto& wire) { return wire.param; });

class ServerPausedEnd : public EveryWire {};

TEST_P(ServerPausedEnd, WhatThePeerSaidBeforeItWentComesAfterTheResume) {
  Box<SessionId> id;
  Box<CloseInfo> closed;
  std::atomic<int> messages{0};
  start({.on_open =
             [&](Session& session) {
               session.pause();
               id.set(session.id());
             },
         .on_message = [&](Session&, const Message&) { ++messages; },
         .on_close = [&](Session&, const CloseInfo& info) { closed.set(info); }});
  ClientOptions impatient;
  impatient.limits.close_timeout = 1ms;
  Client client{impatient};
  const Calls calls{.on_open = [](Session& session) {
    for (int i = 0; i < 3; ++i) session.send(Message::text("last words"));
    session.close(4000, "bye");
  }};
  ASSERT_TRUE(client.connect(base_ + "/", std::make_unique<Called>(calls), trusting()));
  client.run();  // until it no longer waits for the answer to its close
  (*server_)->post(id.wait(), [](Session& session) { session.resume(); });
  const CloseInfo info = closed.wait();
  EXPECT_EQ(messages, 3);
  EXPECT_EQ(info.code, 4000) << info.reason;
  EXPECT_TRUE(info.clean);
}

// Where the peer's socket is closed, what we send is answered with RST, and then cannot be sent at all.
TEST_P(ServerPausedEnd, ComesAlsoBehindWhatWeSendMeanwhile) {
  Box<SessionId> id;
  Box<CloseInfo> closed;
  std::atomic<int> messages{0};
  ServerOptions pinging;
  pinging.limits.ping_interval = 1ms;
  start({.on_open =
             [&](Session& session) {
               session.pause();
               id.set(session.id());
             },
         .on_message =
             [&](Session& session, const Message& message) {
               ++messages;
               session.send(message);
             },
         .on_close = [&](Session&, const CloseInfo& info) { closed.set(info); }},
        pinging);
  ClientOptions impatient;
  impatient.limits.close_timeout = 1ms;
  Client client{impatient};
  const Calls calls{.on_open = [](Session& session) {
    for (int i = 0; i < 3; ++i) session.send(Message::text("last words"));
    session.close(4000, "bye");
  }};
  ASSERT_TRUE(client.connect(base_ + "/", std::make_unique<Called>(calls), trusting()));
  client.run();
  for (int i = 0; i < 5; ++i) {
    Box<bool> sent;
    (*server_)->post(id.wait(), [&](Session& session) {
      session.send(Message::text("are you there?"));
      sent.set(true);
    });
    ASSERT_TRUE(sent.wait()) << "it is still open";
  }
  EXPECT_FALSE(closed.get());
  (*server_)->post(id.wait(), [](Session& session) { session.resume(); });
  const CloseInfo info = closed.wait();
  EXPECT_EQ(messages, 3);
  EXPECT_EQ(info.code, 4000) << info.reason;
  EXPECT_TRUE(info.clean);
}

INSTANTIATE_TEST_SUITE_P(Wire, ServerPausedEnd, testing::Values("ws", "wss", "tcp", "tls", "unix"),
                         [](const auto& wire) { return wire.param; });

}  // namespace
}  // namespace plait::test
