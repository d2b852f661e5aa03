// RFC 6455 over a real socket: each violated rule ends with a close frame that names it, then FIN.
#include <poll.h>

#include "integration/server/support.hpp"

namespace plait::test {
namespace {

struct Violation {
  const char* name;
  std::string bytes;
  int code;
  std::string reason;  ///< a word of it
};

void PrintTo(const Violation& violation, std::ostream* out) { *out << violation.name; }

/// A client's frame whose header is written out: masked with a key of zero.
std::string raw(std::initializer_list<int> header, std::size_t payload_bytes = 0) {
  std::string bytes;
  for (const int byte : header) bytes += static_cast<char>(byte);
  return bytes + std::string(4 + payload_bytes, '\0');
}

const Violation kViolations[] = {
    {"UnmaskedClientFrame", frame(1, "hello", {.masked = false}), 1002, "mask"},
    {"Rsv1WithoutExtension", frame(1, "hello", {.reserved = 4}), 1002, "RSV"},
    {"Rsv2", frame(1, "hello", {.reserved = 2}), 1002, "RSV"},
    {"Rsv3", frame(1, "hello", {.reserved = 1}), 1002, "RSV"},
    {"ReservedDataOpcode", frame(3, ""), 1002, "opcode"},
    {"ReservedControlOpcode", frame(11, ""), 1002, "opcode"},
    {"ControlFrameWithoutFin", frame(9, "ping", {.fin = false}), 1002, "control"},
    {"ControlFrameOf126Bytes", frame(9, std::string(126, 'p')), 1002, "control"},
    {"SixteenBitLengthOf125", raw({0x82, 0xfe, 0, 125}, 125), 1002, "length"},
    {"SixtyFourBitLengthOf65535", raw({0x82, 0xff, 0, 0, 0, 0, 0, 0, 0xff, 0xff}, 65535), 1002, "length"},
    {"TopBitOfTheLength", raw({0x82, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 0}), 1002, "length"},
    {"ContinuationOfNothing", frame(0, "more"), 1002, "continu"},
    {"TextInsideAMessage", frame(1, "a", {.fin = false}) + frame(1, "b"), 1002, "fragmented"},
    {"CloseOfOneByte", frame(8, "x"), 1002, "close"},
    {"CloseCode1005", close_frame(1005), 1002, "close"},
    {"CloseCode999", close_frame(999), 1002, "close"},
    {"CloseReasonNotUtf8", close_frame(1000, "\xff"), 1007, "UTF-8"},
    {"TextNotUtf8", frame(1, "\xc0\xaf"), 1007, "UTF-8"},
    {"FragmentNotUtf8", frame(1, "ok", {.fin = false}) + frame(0, "\xed\xa0\x80", {.fin = false}), 1007, "UTF-8"},
    {"MessageOfHugeLength", raw({0x82, 0xff, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}), 1009, "message"},
    {"MessageOverTheLimit", raw({0x82, 0xff, 0, 0, 0, 0, 0, 1, 0, 1}), 1009, "message"},
    {"FragmentsOverTheLimit", frame(2, std::string(40'000, 'a'), {.fin = false}) + frame(0, std::string(30'000, 'b')),
     1009, "message"},
    {"TooManyFragments",
     frame(1, "", {.fin = false}) + frame(0, "", {.fin = false}) + frame(0, "", {.fin = false}) + frame(0, "") +
         frame(0, ""),
     1008, "fragment"},
};

class ServerRules : public testing::TestWithParam<Violation> {};

TEST_P(ServerRules, EndWithACloseFrameThatNamesTheRule) {
  ServerOptions options;
  options.limits.message_bytes_max = 65536;
  options.limits.message_fragments_max = 3;
  TestServer server{options};
  Box<CloseInfo> seen;
  Calls calls;
  calls.on_message = [](Session& session, const Message& message) { session.send(message); };
  calls.on_close = [&](Session&, const CloseInfo& info) { seen.set(info); };
  const std::uint16_t port = port_of(server.listen("ws", calling(calls)));
  server.start();
  RawClient client{port};
  client.upgrade();
  client.send(text_frame("before"));
  EXPECT_EQ(client.read_frame().payload, "before");
  client.send(GetParam().bytes);
  const auto closed = client.read_frame();
  EXPECT_EQ(closed.opcode, 8);
  EXPECT_EQ(closed.close_code(), GetParam().code);
  EXPECT_NE(closed.close_reason().find(GetParam().reason), std::string::npos) << closed.close_reason();
  EXPECT_EQ(client.read_all(), "") << "FIN follows, and nothing else";
  client.shutdown_write();
  const CloseInfo info = seen.wait();
  EXPECT_EQ(info.code, GetParam().code);
  EXPECT_FALSE(info.clean);
}

INSTANTIATE_TEST_SUITE_P(Rfc6455, ServerRules, testing::ValuesIn(kViolations),
                         [](const auto& violation) { return std::string{violation.param.name}; });

class ServerSession : public PlainServer, public testing::Test {};

TEST_F(ServerSession, Rfc6455Section5_5_2APingInsideAMessageIsAnsweredAtOnce) {
  start();
  RawClient client{port_};
  client.upgrade();
  client.send(frame(1, "he", {.fin = false}) + frame(9, "are you there"));
  const auto pong = client.read_frame();
  EXPECT_EQ(pong.opcode, 10);
  EXPECT_EQ(pong.payload, "are you there");
  client.send(frame(10, "unasked") + frame(0, "llo"));
  EXPECT_EQ(client.read_frame().payload, "hello");
}

TEST_F(ServerSession, Rfc6455Section5_5_1ACloseIsAnsweredWithItsCode) {
  start();
  for (const int code : {1000, 3000, 4999}) {
    RawClient client{port_};
    client.upgrade();
    client.send(close_frame(code, "why"));
    EXPECT_EQ(client.read_frame().close_code(), code);
    EXPECT_EQ(client.read_all(), "");
  }
  RawClient without_code{port_};
  without_code.upgrade();
  without_code.send(frame(8, ""));
  EXPECT_EQ(without_code.read_frame().close_code(), close_code::kNoStatus);
}

TEST_F(ServerSession, NothingIsHandledBehindACloseFrame) {
  std::atomic<int> handled{0};
  start({}, calling({.on_message = [&](Session&, const Message&) { ++handled; }}));
  RawClient client{port_};
  client.upgrade();
  client.send(text_frame("in time") + close_frame(1000) + text_frame("too late"));
  EXPECT_EQ(client.read_frame().opcode, 8);
  EXPECT_EQ(client.read_all(), "");
  EXPECT_EQ(handled, 1);
}

TEST_F(ServerSession, ALongReasonIsCutToWholeCharacters) {
  Calls calls;
  calls.on_open = [](Session& session) {
    std::string reason = "x";
    for (int i = 0; i < 100; ++i) reason += "\u00e9";
    session.close(4000, reason);
  };
  start({}, calling(calls));
  RawClient client{port_};
  client.upgrade();
  const auto closed = client.read_frame();
  EXPECT_EQ(closed.close_code(), 4000);
  EXPECT_EQ(closed.close_reason().size(), 123U);
}

TEST_F(ServerSession, APeerThatIgnoresOurCloseIsCut) {
  ServerOptions options;
  options.limits.close_timeout = 50ms;
  Box<CloseInfo> seen;
  Calls calls;
  calls.on_open = [](Session& session) { session.close(1000); };
  calls.on_close = [&](Session&, const CloseInfo& info) { seen.set(info); };
  start(options, calling(calls));
  RawClient client{port_};
  client.upgrade();
  EXPECT_EQ(client.read_frame().close_code(), 1000);
  EXPECT_EQ(client.read_all(), "");
  EXPECT_EQ(seen.wait().code, close_code::kAbnormal);
  EXPECT_FALSE(seen.wait().clean);
}

// Its close is answered, and FIN sent; the rest is its own.
TEST_F(ServerSession, APeerThatClosesAndKeepsTheConnectionIsCut) {
  ServerOptions options;
  options.limits.close_timeout = 50ms;
  start(options);
  RawClient client{port_};
  client.upgrade();
  client.send(close_frame(1000));
  EXPECT_EQ(client.read_frame().close_code(), 1000);
  EXPECT_EQ(client.read_all(), "");
  EXPECT_TRUE(wait_until([&] { return (*server_)->stats().connections_open == 0; }));
}

TEST_F(ServerSession, APeerThatNeverAnswersPingsIsDead) {
  ServerOptions options;
  options.limits.ping_interval = 20ms;
  options.limits.pong_timeout = 20ms;
  Box<CloseInfo> seen;
  Calls calls;
  calls.on_close = [&](Session&, const CloseInfo& info) { seen.set(info); };
  start(options, calling(calls));
  RawClient client{port_};
  client.upgrade();
  EXPECT_EQ(client.read_frame().opcode, 9);
  EXPECT_EQ(client.read_all(), "") << "cut without another word";
  EXPECT_EQ(seen.wait().code, close_code::kAbnormal);
  EXPECT_NE(seen.wait().reason.find("ping"), std::string::npos) << seen.wait().reason;
}

TEST_F(ServerSession, PingsGoOutEveryIntervalAndDoNotWaitForTheTimeoutOfTheLast) {
  ServerOptions options;
  options.limits.ping_interval = 5ms;
  options.limits.pong_timeout = 60s;  // each of the pings would take ten seconds too long
  start(options);
  RawClient client{port_};
  client.upgrade();
  for (int i = 0; i < 3; ++i) {
    const auto ping = client.read_frame();
    ASSERT_EQ(ping.opcode, 9) << i;
    client.send(frame(10, ping.payload));
  }
}

TEST_F(ServerSession, AHandlerHearsOfABrokenRuleThoughThePeerStays) {
  ServerOptions options;
  options.limits.close_timeout = 60s;
  Box<CloseInfo> seen;
  Calls calls;
  calls.on_close = [&](Session&, const CloseInfo& info) { seen.set(info); };
  start(options, calling(calls));
  RawClient client{port_};
  client.upgrade();
  client.send(frame(1, "hello", {.masked = false}));
  EXPECT_EQ(seen.wait().code, close_code::kProtocolError);
  EXPECT_NE(seen.wait().reason.find("mask"), std::string::npos) << seen.wait().reason;
  EXPECT_EQ(client.read_frame().close_code(), 1002) << "and the peer of the close frame";
}

TEST_F(ServerSession, OnlyTheAnswerToAPingTellsTheRoundTripTime) {
  ServerOptions options;
  options.limits.ping_interval = 5ms;
  options.limits.pong_timeout = 60s;
  Calls calls;
  calls.on_message = [](Session& session, const Message&) {
    session.send(Message::text(session.rtt() ? "known" : "unknown"));
  };
  start(options, calling(calls));
  RawClient client{port_};
  client.upgrade();
  const auto ping = client.read_frame();
  ASSERT_EQ(ping.opcode, 9);
  // The least and the greatest number were taken for times once, and differences to them overflowed.
  client.send(frame(10, std::string("\0\0\0\0\0\0\0\x80", 8)));
  client.send(frame(10, std::string("\1\0\0\0\0\0\0\0", 8)));
  client.send(text_frame("and?"));
  EXPECT_EQ(client.read_frame().payload, "unknown");
  client.send(frame(10, ping.payload));
  client.send(text_frame("and now?"));
  auto answer = client.read_frame();
  while (answer.opcode == 9) answer = client.read_frame();  // the next ping
  EXPECT_EQ(answer.payload, "known");
}

TEST_F(ServerSession, APausedSessionIsNotTakenForDead) {
  ServerOptions options;
  options.limits.ping_interval = 5ms;
  options.limits.pong_timeout = 5ms;
  Box<SessionId> id;
  Calls calls;
  calls.on_open = [&](Session& session) {
    session.pause();
    id.set(session.id());
  };
  calls.on_message = [](Session& session, const Message& message) { session.send(message); };
  start(options, calling(calls));
  RawClient client{port_};
  client.upgrade();
  client.send(text_frame("later"));
  for (int i = 0; i < 3; ++i) EXPECT_EQ(client.read_frame().opcode, 9);
  (*server_)->post(id.wait(), [](Session& session) { session.resume(); });
  auto echo = client.read_frame();
  while (echo.opcode == 9) echo = client.read_frame();
  EXPECT_EQ(echo.payload, "later");
}

TEST_F(ServerSession, AResetIsSeenAsAbnormal) {
  Box<CloseInfo> seen;
  Calls calls;
  calls.on_close = [&](Session&, const CloseInfo& info) { seen.set(info); };
  start({}, calling(calls));
  {
    RawClient client{port_};
    client.upgrade();
    client.reset();
  }
  EXPECT_EQ(seen.wait().code, close_code::kAbnormal);
  EXPECT_FALSE(seen.wait().clean);
  EXPECT_EQ((*server_)->stats().sessions_open, 0U);
}

TEST_F(ServerSession, ASendThatFindsTheConnectionBrokenCallsNoHandlerMeanwhile) {
  const std::string large(std::size_t{1} << 20, 'l');
  std::vector<Session*> sessions;
  std::atomic<bool> sending{false};
  std::atomic<bool> is_reset{false};
  Box<SendStatus> status;
  Box<bool> closed_meanwhile;
  Calls calls;
  calls.on_open = [&](Session& session) { sessions.push_back(&session); };
  calls.on_message = [&](Session&, const Message&) {
    pollfd connection{find_socket(::getpeername, port_of(sessions.at(1)->peer())), 0, 0};
    EXPECT_GE(connection.fd, 0);
    sending = true;
    EXPECT_TRUE(wait_until([&] { return is_reset.load(); }));
    EXPECT_EQ(::poll(&connection, 1, 10'000), 1) << "the reset has come";  // the loop has not heard of it yet
    status.set(sessions.at(1)->send(Message::text(large)));
    sending = false;
  };
  calls.on_close = [&](Session& session, const CloseInfo&) {
    if (&session == sessions.at(1)) closed_meanwhile.set(sending);
  };
  start({}, calling(calls));
  RawClient asking{port_};
  asking.upgrade();
  auto broken = std::make_unique<RawClient>(port_);
  broken->upgrade();
  asking.send(text_frame("send"));
  ASSERT_TRUE(wait_until([&] { return sending.load(); }));
  broken->reset();
  broken.reset();
  is_reset = true;
  EXPECT_FALSE(closed_meanwhile.wait());
  EXPECT_EQ(status.wait(), SendStatus::closed);
  (*server_)->stop();
  EXPECT_TRUE(server_->join());
}

TEST_F(ServerSession, ADrainGivesUpOnPeersThatDoNotAnswer) {
  ServerOptions options;
  options.drain_timeout = 50ms;
  start(options);
  RawClient client{port_};
  client.upgrade();
  (*server_)->drain();
  EXPECT_EQ(client.read_frame().close_code(), close_code::kGoingAway);
  EXPECT_TRUE(server_->join());
}

TEST_F(ServerSession, FramesBehindARefusedOpenFrameAreNotHandled) {
  TestServer server;
  const std::uint16_t port = port_of(server.listen("tcp"));
  server.start();
  // spec/frames.md §3: an open frame for a path that nothing is served at, with a message behind it.
  const std::string path = "/nowhere";
  RawClient client{port};
  std::string open{"PLT1"};
  open += static_cast<char>(path.size());
  open += path;
  open += std::string(3, '\0');
  client.send(std::string{'\x01', static_cast<char>(open.size())} + open + std::string{'\x02', '\x01', 'x'});
  const std::string answer = client.read_all();
  ASSERT_FALSE(answer.empty());
  EXPECT_EQ(answer[0], '\x01');
  EXPECT_EQ(server->stats().messages_received, 0U);
}

}  // namespace
}  // namespace plait::test
