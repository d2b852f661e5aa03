// How a client's opening of a WebTransport session ends when the server does not do its part: each in one on_close.
#include "h3/error.hpp"
#include "integration/server/raw_quic.hpp"
#include "wt/error_code.hpp"

namespace plait::test {
namespace {

using quic::Direction;

class QuicOpenings : public testing::Test {
 protected:
  QuicOpenings() { make_server(); }

  void make_server() { server_ = std::make_unique<RawQuic>(write_certificate(folder_)); }

  /// Runs a client against server_, which does `act` when something has come on a stream of requests.
  CloseInfo run(const std::function<void(std::uint64_t)>& act, ConnectOptions options = {}) {
    server_->on_data_do = [&](std::uint64_t id) {
      if (id % 4 == 0 && act) act(id);
    };
    options.verify_certificate = false;
    Client client;
    CloseInfo closed;
    int closed_count = 0;
    Calls calls{.on_open = [&](Session&) { ++opened_count_; },
                .on_close =
                    [&](Session&, const CloseInfo& info) {
                      closed = info;
                      ++closed_count;
                    }};
    const auto id = client.connect("https://127.0.0.1:" + std::to_string(server_->port()) + "/",
                                   std::make_unique<Called>(calls), options);
    EXPECT_TRUE(id) << id.error().message;
    EXPECT_TRUE(server_->turn_until([&] { return closed_count > 0; },
                                    [&] {
                                      client.run_once(1ms);
                                      if (meanwhile_) meanwhile_();
                                    }));
    EXPECT_TRUE(!server_->ready() ||
                server_->turn_until([&] { return server_->closed().has_value(); }, [&] { client.run_once(1ms); }))
        << "the connection is of no use any more";
    EXPECT_EQ(closed_count, 1);
    EXPECT_FALSE(closed.clean);
    return closed;
  }
  void answer_with_settings(const h3::Settings& settings = h3::webtransport_settings()) {
    server_->on_ready_do = [this, settings] {
      control_ = server_->open(Direction::unidirectional, raw::control_stream(settings));
    };
  }

  Folder folder_;
  std::unique_ptr<RawQuic> server_;
  std::uint64_t control_ = 0;
  int opened_count_ = 0;
  std::function<void()> meanwhile_;
};

TEST_F(QuicOpenings, WithoutSettingsTheTimeoutEndsIt) {
  const std::string wanted = "the server's SETTINGS did not come in time";
  EXPECT_EQ(told_at_a_limit(wanted,
                            [&](Duration limit) {
                              make_server();
                              ConnectOptions options;
                              options.timeout = limit;
                              return run({}, options).reason;
                            }),
            wanted);
}

TEST_F(QuicOpenings, Rfc9204Section4_2_TheClientOpensTheControlStreamAlone) {
  answer_with_settings();
  run([&](std::uint64_t id) { server_->write(id, raw::headers({{":status", "403"}}), true); });
  EXPECT_FALSE(server_->stream(2).data.empty());
  EXPECT_EQ(server_->stream(6).data, "") << "its second stream";
}

TEST_F(QuicOpenings, WithoutAResponseTheTimeoutEndsIt) {
  const std::string wanted = "too long";
  const std::string told = told_at_a_limit(wanted, [&](Duration limit) {
    make_server();
    answer_with_settings();
    ConnectOptions options;
    options.timeout = limit;
    return run({}, options).reason;
  });
  EXPECT_NE(told.find(wanted), std::string::npos) << told;
}

TEST_F(QuicOpenings, AConnectionThatIsClosedBeforeTheSettings) {
  server_->on_ready_do = [this] { server_->connection().close(h3::code::kExcessiveLoad, "go away"); };
  EXPECT_FALSE(run({}).reason.empty());  // before the handshake is over the reason is not sent (RFC 9000 §10.2.3)
}

TEST_F(QuicOpenings, AServerThatOffersNoWebTransport) {
  answer_with_settings(h3::http3_settings());
  EXPECT_NE(run({}).reason.find("WebTransport"), std::string::npos);
}

TEST_F(QuicOpenings, AConnectionThatIsClosedInsteadOfAResponse) {
  answer_with_settings();
  EXPECT_EQ(run([&](std::uint64_t) { server_->connection().close(h3::code::kNoError, "restarting"); }).reason,
            "restarting");
}

TEST_F(QuicOpenings, ARequestThatIsRejected) {
  answer_with_settings();
  const CloseInfo info = run([&](std::uint64_t id) {
    server_->connection().reset(id, h3::code::kRequestRejected);
    server_->connection().stop_sending(id, h3::code::kRequestRejected);
  });
  EXPECT_NE(info.reason.find("reset"), std::string::npos) << info.reason;
}

TEST_F(QuicOpenings, ARequestThatEndsWithoutAResponse) {
  answer_with_settings();
  EXPECT_EQ(run([&](std::uint64_t id) { server_->write(id, {}, true); }).reason,
            "stream ended before a final response");
}

TEST_F(QuicOpenings, AResponseThatIsNone) {
  answer_with_settings();
  EXPECT_EQ(run([&](std::uint64_t id) {
              server_->write(id, raw::headers({{":status", "2x0"}}));
            }).reason,
            ":status is not a status");
}

TEST_F(QuicOpenings, ARefusalWhoseContentNeverEnds) {
  answer_with_settings();
  const CloseInfo info = run([&](std::uint64_t id) {
    server_->write(id, raw::headers({{":status", "404"}}) + raw::data("there is nothing"));
  });
  EXPECT_NE(info.reason.find("404"), std::string::npos) << info.reason;
  EXPECT_EQ(info.status, 404);
}

TEST_F(QuicOpenings, ARefusalSaysWhyInTheFirstLineOfAText) {
  answer_with_settings();
  const std::string head = raw::headers({{":status", "429"}, {"content-type", "text/plain"}});
  const std::string red = "\x1b[31mred\x07 ";
  for (const auto& [content, fin, reason] :
       {std::tuple{std::string{"not so fast\nsecond"}, true, std::string{": not so fast"}},
        std::tuple{std::string{"not so"}, false, std::string{": not so"}},  // after a while
        std::tuple{red + std::string(500, 'x'), false, ": [31mred " + std::string(190, 'x')},
        std::tuple{std::string{}, true, std::string{}}}) {
    const CloseInfo info = run([&, content = content, fin = fin](std::uint64_t id) {
      server_->write(id, head + (content.empty() ? "" : raw::data(content)), fin);
    });
    EXPECT_EQ(info.reason, "the server refused with status 429 Too Many Requests" + reason);
    EXPECT_EQ(info.status, 429);
  }
}

// What asks for no more of the request may overtake the answer.
TEST_F(QuicOpenings, Rfc9114Section4_1_ARefusalMayComeBehindAStopOfTheRequest) {
  answer_with_settings();
  std::optional<std::uint64_t> stopped;
  meanwhile_ = [&] {
    if (!stopped || !server_->stream(*stopped).reset) return;  // the client has not heard of it
    const std::string head = raw::headers({{":status", "403"}, {"content-type", "text/plain"}});
    server_->write(*std::exchange(stopped, std::nullopt), head + raw::data("not you\n"), true);
  };
  const CloseInfo info = run([&](std::uint64_t id) {
    server_->connection().stop_sending(id, h3::code::kNoError);
    stopped = id;
  });
  EXPECT_EQ(info.status, 403);
  EXPECT_EQ(info.reason, "the server refused with status 403 Forbidden: not you");
}

// draft-ietf-webtrans-http3 §3.3.
TEST_F(QuicOpenings, ASubprotocolThatWasNotOfferedIsRefused) {
  answer_with_settings();
  for (const char* chosen : {"\"b\"", "b", "\"A\""}) {
    ConnectOptions options;
    options.subprotocols = {"a"};
    std::uint64_t request = 1;
    const CloseInfo info = run(
        [&](std::uint64_t id) {
          if (std::exchange(request, id) == id) return;
          server_->write(id, raw::headers({{":status", "200"}, {"wt-protocol", chosen}}));
        },
        options);
    EXPECT_EQ(info.reason, "the response names a subprotocol that was not offered");
    EXPECT_EQ(opened_count_, 0);
    EXPECT_EQ(server_->stream(request).reset, wt::code::kAlpnError);
    EXPECT_EQ(server_->stream(request).stopped, wt::code::kAlpnError);
  }
}

TEST_F(QuicOpenings, ARefusalWithAPageIsToldWithoutIt) {
  answer_with_settings();
  const CloseInfo info = run([&](std::uint64_t id) {
    server_->write(id,
                   raw::headers({{":status", "403"}, {"content-type", "text/html"}}) + raw::data("<html>no</html>"));
  });
  EXPECT_EQ(info.reason, "the server refused with status 403 Forbidden");
}

TEST_F(QuicOpenings, AServerThatGoesAwayRightBehindItsSettings) {
  server_->on_ready_do = [this] { server_->open(Direction::unidirectional, raw::control_stream() + raw::goaway(0)); };
  EXPECT_EQ(run({}).reason, "the server is going away");
  EXPECT_EQ(opened_count_, 0);
}

TEST_F(QuicOpenings, AServerThatGoesAwayInsteadOfAResponse) {
  answer_with_settings();
  EXPECT_EQ(run([&](std::uint64_t) { server_->write(control_, raw::goaway(0)); }).reason, "the server is going away");
  EXPECT_EQ(opened_count_, 0);
}

TEST_F(QuicOpenings, AHeaderThatCannotBeSent) {
  answer_with_settings();
  ConnectOptions options;
  options.headers = {{"te", "gzip"}};
  const CloseInfo info = run({}, options);
  EXPECT_NE(info.reason.find("cannot be sent"), std::string::npos) << info.reason;
}

// A session whose messages have no stream to go on was never open.
TEST_F(QuicOpenings, AServerThatAllowsNoStreamForTheMessages) {
  h3::Settings settings = h3::webtransport_settings();
  settings.webtransport.initial_streams_bidi = 0;
  answer_with_settings(settings);
  const CloseInfo info = run([&](std::uint64_t id) { server_->write(id, raw::headers({{":status", "200"}})); });
  EXPECT_NE(info.reason.find("no stream"), std::string::npos) << info.reason;
  EXPECT_EQ(opened_count_, 0);
}

// draft-ietf-webtrans-http3 §6 asks for FIN right behind it, and the client waited for that for ever.
TEST_F(QuicOpenings, ACloseWithoutTheEndOfItsStreamEndsTheConnectionAfterATime) {
  answer_with_settings();
  server_->on_data_do = [&, answered = false](std::uint64_t id) mutable {
    if (id != 0 || std::exchange(answered, true)) return;
    const std::string close{"\x68\x43\x06\0\0\x0f\xa0ok", 9};  // WT_CLOSE_SESSION, 4000
    server_->write(id, raw::headers({{":status", "200"}}) + raw::data(close));
  };
  ClientOptions impatient;
  impatient.limits.close_timeout = 100ms;
  Client client{impatient};
  ConnectOptions options;
  options.verify_certificate = false;
  CloseInfo closed;
  ASSERT_TRUE(client.connect(
      "https://127.0.0.1:" + std::to_string(server_->port()) + "/",
      std::make_unique<Called>(Calls{.on_close = [&](Session&, const CloseInfo& info) { closed = info; }}), options));
  EXPECT_TRUE(server_->turn_until([&] { return client.is_idle(); }, [&] { client.run_once(1ms); }));
  EXPECT_EQ(closed.code, 4000U);
  EXPECT_TRUE(closed.clean);
}

}  // namespace
}  // namespace plait::test
