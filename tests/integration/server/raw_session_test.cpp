// What a client may do to a server of raw QUIC sessions (spec/frames.md), right and wrong.
#include <map>
#include <mutex>
#include <stdexcept>

#include "integration/server/raw_frames.hpp"
#include "integration/server/raw_quic.hpp"
#include "integration/server/stream_calls.hpp"

namespace plait::test {
namespace {

using quic::Direction;

constexpr std::uint64_t kTlsNoApplicationProtocol = 0x100 + 120;

class RawSessions : public SecureServer, public testing::Test {
 protected:
  void start(HandlerFactory factory, ServerOptions options = {}) {
    make(std::move(options));
    url_ = server_->listen("quic", std::move(factory), "/raw");
    server_->start();
  }
  /// A connection whose handshake is done.
  [[nodiscard]] std::unique_ptr<RawQuic> connected(const std::string& alpn = "plait/1") const {
    auto peer = std::make_unique<RawQuic>(port_of(url_), alpn);
    if (!peer->turn_until_ready()) throw std::runtime_error{"the handshake was not done"};
    return peer;
  }
  /// One with an accepted session.
  [[nodiscard]] std::unique_ptr<RawQuic> opened() const {
    auto peer = connected();
    peer->open(Direction::bidirectional, open_frame("/raw"));
    EXPECT_TRUE(peer->turn_until([&] { return peer->stream(kFirst).data == answer_frame(200, {}); }));
    return peer;
  }
  /// How the handler was told that the session ended, after `act`.
  CloseInfo closed_after(const std::function<void(RawQuic&)>& act) {
    Box<CloseInfo> closed;
    start(calling({.on_message = [](Session& session, const Message& one) { session.send(one); },
                   .on_close = [&](Session&, const CloseInfo& info) { closed.set(info); }}));
    const auto peer = opened();
    act(*peer);
    EXPECT_TRUE(peer->turn_until([&] { return closed.get().has_value(); }));
    return closed.wait();
  }

  std::string url_;
};

// --- The opening -----------------------------------------------------------------------------------------------------

TEST_F(RawSessions, TheExampleOfTheSpecificationInOneFlightAndCutAtEveryByte) {
  start(handler<Echo>());
  for (const bool cut : {false, true}) {
    const auto peer = connected();
    const std::string request = open_frame("/raw") + message("hi");
    peer->open(Direction::bidirectional, cut ? "" : request);
    for (std::size_t i = 0; cut && i < request.size(); ++i) {
      peer->write(kFirst, request.substr(i, 1));
      peer->turn_until([] { return true; });
    }
    const std::string answer = answer_frame(200, {}) + message("hi");
    EXPECT_TRUE(peer->turn_until([&] { return peer->stream(kFirst).data == answer; }))
        << testing::PrintToString(peer->stream(kFirst).data);
  }
}

TEST_F(RawSessions, TheHandlerSeesPathQueryTokenAndAuthority) {
  Box<std::string> seen;
  start(calling({.on_request = [&](OpeningRequest& request) {
    std::string all{request.path()};
    for (const std::string_view part : {request.query(), request.header("Authorization"), request.header("Host"),
                                        request.header("Origin"), request.header("Cookie")}) {
      all.append("|").append(part);
    }
    seen.set(all + (request.secure() ? "|secure" : "") + (request.peer().starts_with("127.0.0.1:") ? "|here" : ""));
    request.accept();
  }}));
  const auto peer = connected();
  peer->open(Direction::bidirectional, open_frame("/raw?a=b", "t0ken"));
  EXPECT_TRUE(peer->turn_until([&] { return seen.get().has_value(); }));
  EXPECT_EQ(seen.wait(), "/raw|a=b|Bearer t0ken|example.org|||secure|here");
}

TEST_F(RawSessions, BadOpeningsAreAnsweredWithTheRuleTheyBreak) {
  ServerOptions options;
  options.limits.close_timeout = 300ms;
  start(handler<Echo>(), options);
  const std::string too_big{"\x01\x80\x00\x40\x01", 5};  // an open frame of 16,385 bytes, of which nothing comes
  const std::vector<std::pair<std::string, std::string>> bad{
      {"GET / HTTP/1.1\r\n\r\n", "unknown_type"},
      {message("hello"), "open_expected"},
      {too_big, "open_too_big"},
      {std::string{"\x01\x04PLT2", 6}, "bad_magic"},
      {std::string{"\x01\x40\x04PLT1", 7}, "length_not_minimal"}};
  for (const auto& [bytes, rule] : bad) {
    const auto peer = connected();
    peer->open(Direction::bidirectional, bytes);
    ASSERT_TRUE(peer->turn_until([&] { return peer->stream(kFirst).fin; })) << rule;
    const std::string expected = rule == "unknown_type" ? "open_expected" : rule;
    EXPECT_EQ(peer->stream(kFirst).data, answer_frame(400, expected));
    // This client does not go away by itself.
    ASSERT_TRUE(peer->turn_until([&] { return peer->closed().has_value(); })) << rule;
    EXPECT_EQ(peer->closed()->kind, quic::CloseReason::Kind::peer_application);
    EXPECT_EQ(peer->closed()->code, 0U);
  }
  EXPECT_EQ((*server_)->stats().openings_refused_other, bad.size());
}

TEST_F(RawSessions, AnUnknownPathIs404AndTheEndOfTheClientsSideEndsTheConnection) {
  start(handler<Echo>());
  const auto peer = connected();
  peer->open(Direction::bidirectional, open_frame("/other"), true);
  ASSERT_TRUE(peer->turn_until([&] { return peer->stream(kFirst).fin; }));
  EXPECT_EQ(peer->stream(kFirst).data, answer_frame(404, "nothing is served at this path"));
  EXPECT_TRUE(peer->turn_until([&] { return peer->closed().has_value(); }));
}

TEST_F(RawSessions, AnOpeningThatIsCutShort) {
  start(handler<Echo>());
  const std::string half = open_frame("/raw").substr(0, 6);
  const auto ended = connected();
  ended->open(Direction::bidirectional, half, true);
  EXPECT_TRUE(ended->turn_until([&] { return ended->stream(kFirst).fin; }));
  EXPECT_EQ(ended->stream(kFirst).data, answer_frame(400, "open_truncated"));
  for (const bool reset : {true, false}) {
    const auto peer = connected();
    peer->open(Direction::bidirectional, half);
    for (int i = 0; i < 10; ++i) peer->turn_until([] { return true; });
    reset ? peer->connection().reset(kFirst, 7) : peer->connection().stop_sending(kFirst, 7);
    EXPECT_TRUE(peer->turn_until([&] { return peer->closed().has_value(); })) << reset;
  }
}

TEST_F(RawSessions, WhoVanishesBeforeOrInTheMiddleOfTheOpeningIsClosed) {
  std::atomic<int> asked{0};
  for (const bool half : {true, false}) {
    const auto ending = [&](Duration limit) -> std::string {
      ServerOptions options;
      options.limits.handshake_timeout = limit;  // that of the handshake, too
      start(calling({.on_request = [&](OpeningRequest&) { ++asked; }}), options);
      RawQuic peer{port_of(url_), "plait/1"};
      if (!peer.turn_until_ready()) return "no handshake";
      if (half) peer.open(Direction::bidirectional, open_frame("/raw").substr(0, 6));
      if (!peer.turn_until([&] { return peer.closed().has_value(); })) return "it was not closed";
      return std::to_string(peer.closed()->code) + " " + peer.closed()->reason;
    };
    const std::string wanted = "0 the opening took too long";
    EXPECT_EQ(told_at_a_limit(wanted, ending), wanted) << half;
    EXPECT_TRUE(wait_until([&] { return server_->server().stats().connections_open == 0; }));
  }
  EXPECT_EQ(asked, 0);
}

TEST_F(RawSessions, ADrainInTheMiddleOfAnOpeningEndsIt) {
  start(handler<Echo>());
  const auto peer = connected();
  peer->open(Direction::bidirectional, open_frame("/raw").substr(0, 6));
  for (int i = 0; i < 20; ++i) peer->turn_until([] { return true; });
  server_->server().drain();
  EXPECT_TRUE(peer->turn_until([&] { return peer->closed() && !server_->running(); }));
}

// --- Streams and datagrams that overtake the open frame --------------------------------------------------------------

TEST_F(RawSessions, StreamsAndDatagramsBeforeTheOpenFrameWait) {
  std::atomic<bool> open{false};
  std::atomic<int> early{0};
  start(calling({.streams = true,
                 .on_open = [&](Session&) { open = true; },
                 .on_stream =
                     [&](Session& session, Stream& stream) {
                       early += open ? 0 : 1;
                       return echo_stream(session, stream);
                     },
                 .on_datagram = [](Session& session, ByteView data) { session.send_datagram(data); }}));
  const auto peer = connected();
  const std::string request = open_frame("/raw");
  peer->open(Direction::bidirectional, request.substr(0, 6));
  const std::uint64_t whole = peer->open(Direction::bidirectional, "whole", true);
  const std::uint64_t growing = peer->open(Direction::bidirectional, "grow");
  const std::uint64_t given_up = peer->open(Direction::bidirectional, "given up");
  ASSERT_TRUE(peer->connection().send_datagram(as_bytes("datagram")));
  for (int i = 0; i < 20; ++i) peer->turn_until([] { return true; });
  peer->write(growing, "ing");
  peer->connection().reset(given_up, 7);
  for (int i = 0; i < 20; ++i) peer->turn_until([] { return true; });
  EXPECT_FALSE(open);
  peer->write(kFirst, request.substr(6));
  ASSERT_TRUE(peer->turn_until([&] { return peer->stream(whole).fin && peer->stream(growing).data == "growing"; }));
  EXPECT_EQ(peer->stream(whole).data, "whole");
  peer->write(growing, " on", true);
  EXPECT_TRUE(peer->turn_until([&] { return peer->stream(growing).fin && !peer->datagrams().empty(); }));
  EXPECT_EQ(peer->stream(growing).data, "growing on");
  EXPECT_EQ(peer->datagrams(), std::vector<std::string>{"datagram"});
  EXPECT_EQ(early, 0);
}

/// What the handlers of streams were told, by the data that the stream had brought.
class Told {
 public:
  void add(const std::string& data, const std::string& what) {
    const std::lock_guard lock{mutex_};
    all_[data] += what;
  }
  [[nodiscard]] std::map<std::string, std::string> all() const {
    const std::lock_guard lock{mutex_};
    return all_;
  }

 private:
  mutable std::mutex mutex_;
  std::map<std::string, std::string> all_;
};

// How each of them ended meanwhile is told, too.
TEST_F(RawSessions, WhatBecomesOfStreamsBeforeTheOpenFrameIsTold) {
  const auto told = std::make_shared<Told>();  // the server may outlive this function
  Calls calls{.streams = true};
  calls.on_stream = [told](Session&, Stream&) {
    const auto data = std::make_shared<std::string>();
    return stream_calling(
        {.consumes = true,
         .on_data = [=](Stream&, ByteView bytes, bool) { data->append(as_text(bytes)); },
         .on_reset = [=](Stream&, std::uint32_t code) { told->add(*data, "reset " + std::to_string(code)); },
         .on_stop = [=](Stream&, std::uint32_t code) { told->add(*data, "stop " + std::to_string(code)); },
         .on_close = [=](Stream&) { told->add(*data, "closed"); }});
  };
  start(calling(std::move(calls)));
  const auto peer = connected();
  const std::string request = open_frame("/raw");
  peer->open(Direction::bidirectional, request.substr(0, 6));
  const std::uint64_t given_up = peer->open(Direction::bidirectional, "given up");
  const std::uint64_t not_wanted = peer->open(Direction::bidirectional, "not wanted");
  const std::uint64_t whole = peer->open(Direction::unidirectional, "whole", true);
  ASSERT_TRUE(peer->turn_until([&] { return peer->stream(whole).closed; }));
  peer->connection().reset(given_up, 7);
  peer->connection().stop_sending(not_wanted, 8);
  ASSERT_TRUE(peer->turn_until([&] { return peer->stream(not_wanted).reset.has_value(); }));
  peer->write(kFirst, request.substr(6));
  const std::map<std::string, std::string> expected{
      {"given up", "reset 7"}, {"not wanted", "stop 8"}, {"whole", "closed"}};
  EXPECT_TRUE(peer->turn_until([&] { return told->all() == expected; })) << testing::PrintToString(told->all());
}

TEST_F(RawSessions, MoreThanWaitsForTheOpenFrameIsRefused) {
  std::atomic<int> streams{0};
  start(calling({.streams = true, .on_stream = [&](Session& session, Stream& stream) {
                   ++streams;
                   return echo_stream(session, stream);
                 }}));
  const auto peer = connected();
  const std::string request = open_frame("/raw");
  peer->open(Direction::bidirectional, request.substr(0, 6));
  const std::uint64_t large = peer->open(Direction::bidirectional, std::string(300'000, 'x'));
  ASSERT_TRUE(peer->turn_until([&] { return peer->stream(large).stopped && peer->stream(large).reset; }));
  std::vector<std::uint64_t> many;
  for (int i = 0; i < 80; ++i) many.push_back(peer->open(Direction::bidirectional, "x", true));
  const auto refused = [&] {
    return std::ranges::count_if(many, [&](std::uint64_t id) { return peer->stream(id).reset.has_value(); });
  };
  ASSERT_TRUE(peer->turn_until([&] { return refused() == 16; })) << refused();
  peer->write(kFirst, request.substr(6));
  ASSERT_TRUE(peer->turn_until([&] {
    return std::ranges::all_of(many, [&](std::uint64_t id) { return peer->stream(id).fin || peer->stream(id).reset; });
  }));
  EXPECT_EQ(streams, 64);
  EXPECT_FALSE(peer->closed());
}

// --- What ends a session ---------------------------------------------------------------------------------------------

TEST_F(RawSessions, ACloseFrameIsAnsweredBehindAllMessagesAndBothEndsCloseTheConnection) {
  const CloseInfo info = closed_after([](RawQuic& peer) {
    peer.write(kFirst, message("last words") + close_message(4001, "bye"), true);
    const std::string expected = answer_frame(200, {}) + message("last words") + close_message(4001);
    EXPECT_TRUE(peer.turn_until([&] { return peer.stream(kFirst).fin; }));
    EXPECT_EQ(peer.stream(kFirst).data, expected);
    EXPECT_TRUE(peer.turn_until([&] { return peer.closed().has_value(); }));
    EXPECT_EQ(peer.closed()->kind, quic::CloseReason::Kind::peer_application);
    EXPECT_EQ(peer.closed()->code, 4001U);
  });
  EXPECT_EQ(info.code, 4001);
  EXPECT_EQ(info.reason, "bye");
  EXPECT_TRUE(info.clean);
  EXPECT_FALSE(info.started_by_us);
}

TEST_F(RawSessions, AConnectionCloseWithACloseCodeIsTheClose) {
  const CloseInfo info = closed_after([](RawQuic& peer) { peer.connection().close(4002, "at once"); });
  EXPECT_EQ(info.code, 4002);
  EXPECT_EQ(info.reason, "at once");
  EXPECT_TRUE(info.clean);
}

TEST_F(RawSessions, WhatCameBeforeAConnectionCloseIsReportedThoughTheSessionIsPaused) {
  std::atomic<int> received{0};
  Box<CloseInfo> closed;
  start(calling({.on_open = [](Session& session) { session.pause(); },
                 .on_message =
                     [&](Session& session, const Message&) {
                       if (++received == 2) session.abort();
                     },
                 .on_close = [&](Session&, const CloseInfo& info) { closed.set(info); }}));
  const auto peer = opened();
  peer->write(kFirst, message("one") + message("two") + message("three"));
  ASSERT_TRUE(peer->turn_until([&] { return peer->connection().buffered_bytes(kFirst) == 0; }));
  peer->connection().close(4002, "at once");
  EXPECT_TRUE(peer->turn_until([&] { return closed.get().has_value(); }));
  EXPECT_EQ(received, 2) << "and nothing after an abort()";
  EXPECT_EQ(closed.wait().code, close_code::kAbnormal);
  EXPECT_TRUE(closed.wait().started_by_us);
}

TEST_F(RawSessions, AConnectionCloseWithAnyOtherCodeIsNot) {
  for (const std::uint64_t code : {std::uint64_t{0}, std::uint64_t{999}, std::uint64_t{1005}, std::uint64_t{1} << 40}) {
    const CloseInfo info = closed_after([&](RawQuic& peer) { peer.connection().close(code, "\xff"); });
    EXPECT_EQ(info.code, close_code::kAbnormal) << code;
    EXPECT_FALSE(info.clean) << code;
    EXPECT_EQ(info.reason.find('\xff'), std::string::npos) << "not UTF-8";
    EXPECT_FALSE(info.reason.empty());
  }
}

TEST_F(RawSessions, ViolationsOnTheFirstStreamCloseWithTheirRule) {
  const std::vector<std::pair<std::string, std::string>> bad{{"\x63", "unknown_type"},
                                                             {open_frame("/raw"), "open_repeated"},
                                                             {std::string{"\x07\x01\x03", 3}, "close_truncated"}};
  for (const auto& [bytes, rule] : bad) {
    const CloseInfo info = closed_after([&](RawQuic& peer) {
      peer.write(kFirst, bytes);
      EXPECT_TRUE(peer.turn_until([&] { return peer.stream(kFirst).fin; })) << rule;
      EXPECT_TRUE(peer.stream(kFirst).data.ends_with(close_message(1002, rule))) << rule;
      peer.write(kFirst, {}, true);
    });
    EXPECT_EQ(info.code, close_code::kProtocolError) << rule;
    EXPECT_EQ(info.reason, rule);
    EXPECT_TRUE(info.started_by_us);
  }
}

TEST_F(RawSessions, TheFirstStreamEndsResetOrStoppedWithoutAClose) {
  for (int how = 0; how < 3; ++how) {
    const CloseInfo info = closed_after([how](RawQuic& peer) {
      if (how == 0) peer.write(kFirst, {}, true);
      if (how == 1) peer.connection().reset(kFirst, 7);
      if (how == 2) {
        peer.connection().stop_sending(kFirst, 7);
        peer.write(kFirst, {}, true);
      }
      EXPECT_TRUE(peer.turn_until([&] { return peer.closed().has_value(); })) << how;
      EXPECT_EQ(peer.closed()->code, close_code::kProtocolError) << how;
    });
    EXPECT_EQ(info.code, close_code::kProtocolError) << how;
    EXPECT_FALSE(info.clean);
  }
}

TEST_F(RawSessions, AMessageToASessionOfStreamsClosesWith1003) {
  start(calling({.streams = true, .on_stream = echo_stream}));
  const auto peer = opened();
  peer->write(kFirst, message("hello"));
  ASSERT_TRUE(peer->turn_until([&] { return peer->stream(kFirst).fin; }));
  EXPECT_TRUE(peer->stream(kFirst).data.ends_with(close_message(1003, "this session takes streams, no messages")));
}

TEST_F(RawSessions, StreamsToASessionOfMessagesAreRefusedAndItGoesOn) {
  start(handler<Echo>());
  const auto peer = opened();
  const std::uint64_t both = peer->open(Direction::bidirectional, "x");
  const std::uint64_t one = peer->open(Direction::unidirectional, "x");
  ASSERT_TRUE(peer->turn_until(
      [&] { return peer->stream(both).stopped && peer->stream(both).reset && peer->stream(one).stopped; }));
  peer->write(kFirst, message("still there?"));
  EXPECT_TRUE(peer->turn_until([&] { return peer->stream(kFirst).data.ends_with(message("still there?")); }));
}

TEST_F(RawSessions, ACloseThatIsAnsweredWithAResetIsNotClean) {
  Box<CloseInfo> closed;
  start(calling({.on_open = [](Session& session) { session.close(4003, "go"); },
                 .on_close = [&](Session&, const CloseInfo& info) { closed.set(info); }}));
  const auto peer = connected();
  peer->open(Direction::bidirectional, open_frame("/raw"));
  ASSERT_TRUE(peer->turn_until([&] { return peer->stream(kFirst).data.ends_with(close_message(4003, "go")); }));
  peer->connection().reset(kFirst, 7);
  EXPECT_TRUE(peer->turn_until([&] { return closed.get().has_value(); }));
  EXPECT_FALSE(closed.wait().clean);
}

// A client that never answers the close is cut.
TEST_F(RawSessions, ACloseThatIsNotAnsweredEndsAfterTheTimeout) {
  ServerOptions options;
  options.limits.close_timeout = 300ms;
  Box<CloseInfo> closed;
  start(calling({.on_open = [](Session& session) { session.close(4003, "go"); },
                 .on_close = [&](Session&, const CloseInfo& info) { closed.set(info); }}),
        options);
  const auto peer = connected();
  peer->open(Direction::bidirectional, open_frame("/raw"));
  ASSERT_TRUE(peer->turn_until([&] { return peer->closed().has_value(); }));
  EXPECT_TRUE(peer->stream(kFirst).data.ends_with(close_message(4003, "go")));
  EXPECT_EQ(peer->closed()->code, 0U);
  EXPECT_EQ(closed.wait().code, close_code::kAbnormal);
  EXPECT_FALSE(closed.wait().clean);
}

// --- ALPN ------------------------------------------------------------------------------------------------------------

TEST_F(RawSessions, AProtocolThatNobodyServesFailsTheHandshake) {
  start(handler<Echo>());
  for (const std::string alpn : {"h3", "plait/2"}) {
    RawQuic peer{port_of(url_), alpn};
    ASSERT_TRUE(peer.turn_until([&] { return peer.closed().has_value(); })) << alpn;
    EXPECT_EQ(peer.closed()->kind, quic::CloseReason::Kind::peer_transport);
    EXPECT_EQ(peer.closed()->code, kTlsNoApplicationProtocol);
  }
  ServerOptions options;
  options.tls = write_certificate(folder_);
  TestServer https{options};
  const std::string url = https.listen("https");
  https.start();
  RawQuic peer{port_of(url), "plait/1"};
  ASSERT_TRUE(peer.turn_until([&] { return peer.closed().has_value(); }));
  EXPECT_EQ(peer.closed()->code, kTlsNoApplicationProtocol);
}

TEST_F(RawSessions, OnePortServesBothWhicheverCameFirstAndAfterAReload) {
  for (const bool raw_first : {true, false}) {
    ServerOptions server_options;
    server_options.tls = write_certificate(folder_);
    TestServer server{server_options};
    const std::string first = server.listen(raw_first ? "quic" : "https", handler<Echo>(), "/echo");
    const std::string address = "://127.0.0.1:" + std::to_string(port_of(first));
    const std::string second = (raw_first ? "https" : "quic") + address;
    Calls other{.on_message = [](Session& session, const Message&) { session.send(Message::text("other")); }};
    ASSERT_TRUE(server->listen(second + "/echo", calling(other)));
    ASSERT_TRUE(server->listen(second + "/only", handler<Echo>()));
    server.start();
    ConnectOptions options;
    options.verify_certificate = false;
    for (const bool reloaded : {false, true}) {
      ASSERT_TRUE(!reloaded || server->reload());
      for (const std::string& url : {first, second + "/echo"}) {
        auto client = BlockingClient::connect(url, options);
        ASSERT_TRUE(client) << client.error().message;
        ASSERT_TRUE(client->send(Message::text("mine")));
        const auto received = client->receive();
        ASSERT_TRUE(received && *received);
        EXPECT_EQ((*received)->data.text(), url == first ? "mine" : "other");
      }
      const auto elsewhere = BlockingClient::connect(first.substr(0, first.find(':')) + address + "/only", options);
      ASSERT_FALSE(elsewhere) << "the path belongs to the other scheme";
      EXPECT_NE(elsewhere.error().message.find("404"), std::string::npos) << elsewhere.error().message;
    }
  }
}

}  // namespace
}  // namespace plait::test
