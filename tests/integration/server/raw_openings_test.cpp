// How a client's opening of a raw QUIC session ends when the server does not do its part: each in one on_close.
#include "integration/server/raw_frames.hpp"
#include "integration/server/raw_quic.hpp"
#include "integration/server/stream_calls.hpp"

namespace plait::test {
namespace {

class RawOpenings : public testing::Test {
 protected:
  /// Runs a client against a server that does `act` when something has come on the first stream.
  CloseInfo run(const std::function<void(RawQuic&)>& act, Calls calls = {}, ConnectOptions options = {}) {
    const Folder folder;
    RawQuic server{write_certificate(folder), "plait/1"};
    server.on_data_do = [&, acted = false](std::uint64_t) mutable {
      if (!std::exchange(acted, true) && act) act(server);
    };
    options.verify_certificate = false;
    CloseInfo closed;
    int closed_count = 0;
    calls.streams = true;
    calls.on_close = [&](Session&, const CloseInfo& info) {
      closed = info;
      ++closed_count;
    };
    Client client;
    const auto id = client.connect("quic://127.0.0.1:" + std::to_string(server.port()) + "/raw",
                                   std::make_unique<Called>(calls), options);
    EXPECT_TRUE(id) << id.error().message;
    EXPECT_TRUE(server.turn_until([&] { return client.is_idle(); },
                                  [&] {
                                    client.run_once(1ms);
                                    if (meanwhile_) meanwhile_(server);
                                  }));
    EXPECT_TRUE(!server.ready() ||
                server.turn_until([&] { return server.closed().has_value(); }, [&] { client.run_once(1ms); }));
    EXPECT_EQ(closed_count, 1);
    request_ = server.stream(kFirst).data;
    return closed;
  }

  std::string request_;
  std::function<void(RawQuic&)> meanwhile_;
};

TEST_F(RawOpenings, WithoutAnAnswerTheTimeoutEndsIt) {
  ConnectOptions options;
  options.subprotocols = {"a", "b"};
  options.headers = {{"authorization", "Bearer t0ken"}};
  const std::string wanted = "the opening took too long";
  EXPECT_EQ(told_at_a_limit(wanted,
                            [&](Duration limit) {
                              options.timeout = limit;
                              const CloseInfo info = run({}, {}, options);
                              EXPECT_EQ(info.code, close_code::kAbnormal);
                              return info.reason;
                            }),
            wanted);
  EXPECT_NE(request_.find("PLT1\x04/raw"), std::string::npos);
  EXPECT_TRUE(
      request_.ends_with("\x05t0ken\x02\x01"
                         "a\x01"
                         "b"));
}

TEST_F(RawOpenings, RefusalsAndAnswersThatAreNone) {
  const std::vector<std::pair<std::string, std::string>> answers{
      {answer_frame(418, "short and stout"), "the server refused with status 418: short and stout"},
      {"HTTP/1.1 200 OK\r\n\r\n", "open_expected"},
      {std::string{"\x01\x04PLT9", 6}, "bad_magic"},
      {answer_frame(200, {}).substr(0, 4), "open_truncated"},
      {"", "open_truncated"}};
  for (const auto& [bytes, reason] : answers) {
    const CloseInfo info = run([&](RawQuic& server) { server.write(kFirst, bytes, true); });
    EXPECT_EQ(info.reason, reason);
    EXPECT_EQ(info.code, close_code::kAbnormal);
    EXPECT_FALSE(info.clean);
  }
}

TEST_F(RawOpenings, ASubprotocolThatWasNotOfferedIsRefused) {
  ConnectOptions options;
  options.subprotocols = {"a"};
  const Calls calls{.on_open = [](Session&) { ADD_FAILURE() << "it never opened"; }};
  const CloseInfo info =
      run([](RawQuic& server) { server.write(kFirst, answer_frame(200, "b")); }, calls, std::move(options));
  EXPECT_EQ(info.reason, "subprotocol_not_offered");
  EXPECT_EQ(info.code, close_code::kAbnormal);
  EXPECT_FALSE(info.clean);
}

TEST_F(RawOpenings, AServerThatResetsStopsOrClosesInstead) {
  EXPECT_NE(run([](RawQuic& server) { server.connection().reset(kFirst, 7); }).reason.find("reset"), std::string::npos);
  EXPECT_NE(run([](RawQuic& server) { server.connection().stop_sending(kFirst, 7); }).reason.find("stopped"),
            std::string::npos);
  const CloseInfo info = run([](RawQuic& server) { server.connection().close(4000, "not today"); });
  EXPECT_EQ(info.reason, "not today");
  EXPECT_EQ(info.code, close_code::kAbnormal) << "it was never open";
}

TEST_F(RawOpenings, ATokenThatCannotBeSent) {
  ConnectOptions options;
  options.headers = {{"Authorization", "Bearer of bad news"}};
  EXPECT_NE(run({}, {}, options).reason.find("cannot be sent"), std::string::npos);
  EXPECT_EQ(request_, "");
}

// The packet with the server's open frame may be lost, and those with its streams not.
TEST_F(RawOpenings, WhatOvertakesTheAnswerWaitsForIt) {
  bool open = false;
  std::string streamed, datagram;
  Calls calls;
  calls.on_open = [&](Session&) { open = true; };
  calls.on_stream = [&](Session&, Stream&) {
    EXPECT_TRUE(open);
    return stream_calling({.on_data = [&](Stream& from, ByteView data, bool fin) {
      streamed += as_text(data);
      if (fin) from.session().close(4004, "seen");
    }});
  };
  calls.on_datagram = [&](Session&, ByteView data) {
    EXPECT_TRUE(open);
    datagram = as_text(data);
  };
  std::optional<std::uint64_t> early;
  meanwhile_ = [&, turns = 0](RawQuic& server) mutable {
    if (!early || ++turns > 20) return;
    server.write(*early, std::to_string(turns % 10), turns == 20);
    if (turns == 10) server.write(kFirst, answer_frame(200, {}).substr(3));
  };
  const CloseInfo info = run(
      [&](RawQuic& server) {
        early = server.open(quic::Direction::unidirectional, "early");
        EXPECT_TRUE(server.connection().send_datagram(as_bytes("datagram")));
        server.write(kFirst, answer_frame(200, {}).substr(0, 3));
      },
      calls);
  EXPECT_TRUE(info.started_by_us);  // and not answered, by this server
  EXPECT_EQ(streamed, "early12345678901234567890");
  EXPECT_EQ(datagram, "datagram");
}

// A stream that waits with all that has come of it: nothing of that is told behind the end of the session.
TEST_F(RawOpenings, AStreamThatOvertookTheAnswerMayEndTheSession) {
  bool streamed = false;
  Calls calls;
  calls.on_stream = [&](Session& session, Stream&) {
    streamed = true;
    session.abort();
    return stream_calling({.on_data = [&](Stream&, ByteView, bool) { ADD_FAILURE() << "behind its end"; }});
  };
  calls.on_datagram = [&](Session&, ByteView) { ADD_FAILURE() << "behind its end"; };
  bool asked = false;
  meanwhile_ = [&, turns = 0](RawQuic& server) mutable {
    if (asked && ++turns == 10) server.write(kFirst, answer_frame(200, {}).substr(3));
  };
  run(
      [&](RawQuic& server) {
        asked = true;
        server.open(quic::Direction::unidirectional, "early", true);
        EXPECT_TRUE(server.connection().send_datagram(as_bytes("datagram")));
        server.write(kFirst, answer_frame(200, {}).substr(0, 3));
      },
      calls);
  EXPECT_TRUE(streamed);
}

}  // namespace
}  // namespace plait::test
