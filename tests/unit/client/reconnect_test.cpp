// Sessions that come back by themselves, on every wire.
#include <plait/client.hpp>

#include <algorithm>
#include <stdexcept>

#include "client/backoff.hpp"
#include "integration/server/support.hpp"

namespace plait::client {
namespace {

using namespace std::chrono_literals;
using test::Called;
using test::Calls;

TEST(Backoff, GrowsUpToItsCapAndEnds) {
  Backoff backoff{{.attempts_max = 6, .delay = 1s, .factor = 2, .delay_max = 5s, .jitter = 0}};
  std::vector<Duration> delays;
  while (const auto delay = backoff.fail()) delays.push_back(*delay);
  EXPECT_EQ(delays, (std::vector<Duration>{1s, 2s, 4s, 5s, 5s}));
}

TEST(Backoff, ASuccessBeginsAnew) {
  Backoff backoff{{.attempts_max = 3, .delay = 1s, .jitter = 0}};
  EXPECT_EQ(backoff.fail(), Duration{1s});
  EXPECT_EQ(backoff.fail(), Duration{2s});
  EXPECT_EQ(backoff.lose(), Duration{1s});
  EXPECT_EQ(backoff.fail(), Duration{2s});
  EXPECT_TRUE(backoff.fail());
  EXPECT_FALSE(backoff.fail());
}

TEST(Backoff, ZeroAttemptsAreNoLimitAndAFactorBelowOneIsOne) {
  Backoff backoff{{.attempts_max = 0, .delay = 1s, .factor = 0.1, .jitter = 0}};
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(backoff.fail(), Duration{1s});
}

TEST(Backoff, TheLongestDelayIsAYear) {
  Backoff backoff{{.delay = Duration::max(), .delay_max = Duration::max(), .jitter = 0}};
  EXPECT_EQ(backoff.fail(), Duration{std::chrono::hours{365 * 24}});
}

TEST(Backoff, ARefusalThatWillNotPassIsTheLast) {
  for (const int status : {408, 429, 500, 503}) EXPECT_TRUE(Backoff{{}}.fail(status)) << status;
  for (const int status : {301, 400, 401, 403, 404, 418})
    EXPECT_FALSE(Backoff{{.attempts_max = 0}}.fail(status)) << status;
}

TEST(Backoff, ChanceTakesOffAtMostItsPart) {
  std::vector<Duration> delays;
  for (int i = 0; i < 200; ++i) delays.push_back(Backoff{{.delay = 1s, .jitter = 0.25}}.lose());
  const auto [least, most] = std::ranges::minmax(delays);
  EXPECT_GE(least, Duration{750ms});
  EXPECT_LE(most, Duration{1s});
  EXPECT_LT(least, most) << "not all the same";
}

class Reconnecting : public test::SecureServer, public testing::TestWithParam<const char*> {
 protected:
  Reconnecting() {
    SecureServer::make();
    const Calls calls{.on_message = [](Session& session, const Message& message) {
      if (message.text() == "drop") return session.abort();
      if (message.text() == "close") return session.close(1000, "done");
      session.send(message);
    }};
    url_ = server_->listen(GetParam(), test::calling(calls));
    server_->start();
  }
  /// `say`: what each new session sends.
  std::unique_ptr<ReconnectingSession> make(const std::vector<std::string>& say, const std::string& url = {},
                                            std::uint32_t attempts = 3) {
    Calls calls{
        .on_open =
            [this, say](Session& session) {
              events_.emplace_back("open");
              if (opened_ < say.size()) session.send(Message::text(say[opened_]));
              ++opened_;
            },
        .on_message = [this](Session&, const Message& message) { events_.push_back(std::string{message.text()}); },
        .on_close = [this](Session&, const CloseInfo&) { events_.emplace_back("close"); }};
    ConnectOptions options = trusting();
    options.timeout = 10s;
    return std::make_unique<ReconnectingSession>(
        client_, url.empty() ? url_ : url, std::make_unique<Called>(calls), options,
        ReconnectPolicy{.attempts_max = attempts, .delay = 5ms, .delay_max = 10ms},
        [this](LinkState state, const CloseInfo& info) {
          events_.emplace_back(state == LinkState::established ? "established"
                               : state == LinkState::lost      ? "lost"
                                                               : "failed");
          reason_ = info.reason;
        });
  }
  bool turn_until(const std::function<bool()>& done) { return test::turn_until(client_, done); }
  bool turn_until_event(const std::string& event) {
    return turn_until([&] { return std::ranges::find(events_, event) != events_.end(); });
  }

  using Events = std::vector<std::string>;
  std::string url_;
  Client client_;
  Events events_;
  std::size_t opened_ = 0;
  std::string reason_;
};

INSTANTIATE_TEST_SUITE_P(Wire, Reconnecting, testing::Values("ws", "wss", "tcp", "tls", "https", "quic"));

TEST_P(Reconnecting, ALostSessionComesBackHoweverItEnded) {
  const auto session = make({"drop", "close", "hello"});
  ASSERT_TRUE(session->start());
  ASSERT_TRUE(turn_until_event("hello"));
  EXPECT_EQ(events_, (Events{"open", "established", "close", "lost", "open", "established", "close", "lost", "open",
                             "established", "hello"}));
  EXPECT_NE(session->session(), nullptr);
}

// An exception in on_close, or where the states are told, was the end: no attempt followed, and nobody heard of it.
TEST_P(Reconnecting, ComesBackThoughItsHandlersThrow) {
  ConnectOptions options;
  options.verify_certificate = false;
  const Calls calls{
      .on_open = [this](Session& session) { session.send(Message::text(opened_++ == 0 ? "drop" : "hi")); },
      .on_message = [this](Session&, const Message&) { events_.emplace_back("hi"); },
      .on_close = [](Session&, const CloseInfo&) { throw std::runtime_error{"user"}; }};
  ReconnectingSession session{
      client_, url_,           std::make_unique<Called>(calls),
      options, {.delay = 5ms}, [](LinkState, const CloseInfo&) { throw std::runtime_error{"user"}; }};
  ASSERT_TRUE(session.start());
  EXPECT_TRUE(turn_until_event("hi"));
}

TEST_P(Reconnecting, ClosingItIsForGood) {
  const auto session = make({"hello"});
  ASSERT_TRUE(session->start());
  ASSERT_TRUE(turn_until_event("hello"));
  session->close();
  client_.run();
  EXPECT_EQ(events_, (Events{"open", "established", "hello", "close"}));
  EXPECT_EQ(session->session(), nullptr);
}

TEST_P(Reconnecting, ClosingItWhileItWaitsIsForGood) {
  const auto session = make({"drop"});
  ASSERT_TRUE(session->start());
  ASSERT_TRUE(turn_until_event("lost"));
  session->close();
  client_.run();
  EXPECT_EQ(events_, (Events{"open", "established", "close", "lost"}));
}

TEST_P(Reconnecting, ClosingItWhereItIsToldToBeLostIsForGood) {
  std::unique_ptr<ReconnectingSession> session;
  const Calls calls{.on_open = [this](Session& opened) {
    events_.emplace_back("open");
    opened.send(Message::text("drop"));
  }};
  session =
      std::make_unique<ReconnectingSession>(client_, url_, std::make_unique<Called>(calls), trusting(),
                                            ReconnectPolicy{.delay = 5ms}, [&](LinkState state, const CloseInfo&) {
                                              if (state != LinkState::lost) return;
                                              events_.emplace_back("lost");
                                              session->close();
                                            });
  ASSERT_TRUE(session->start());
  EXPECT_TRUE(turn_until([this] { return client_.is_idle(); }));
  EXPECT_EQ(events_, (Events{"open", "lost"}));
}

// It connected all the same, and was told nothing when that failed.
TEST_P(Reconnecting, ClosingItBeforeItStartsIsForGood) {
  const auto session = make({});
  session->close();
  const auto started = session->start();
  ASSERT_FALSE(started);
  EXPECT_EQ(started.error().message, "the reconnecting session is closed");
  EXPECT_TRUE(client_.is_idle());
}

TEST_P(Reconnecting, GivesUpAfterItsAttempts) {
  const std::string nowhere = std::string{GetParam()} + "://127.0.0.1:1/";
  ConnectOptions options;
  options.verify_certificate = false;
  options.timeout = 50ms;  // of QUIC, to which nobody says no
  ReconnectingSession session{client_,
                              nowhere,
                              std::make_unique<Called>(Calls{
                                  .on_close = [this](Session&, const CloseInfo&) { events_.emplace_back("close"); }}),
                              options,
                              {.attempts_max = 3, .delay = 1ms},
                              [this](LinkState state, const CloseInfo& info) {
                                events_.emplace_back(state == LinkState::failed ? "failed" : "other");
                                reason_ = info.reason;
                              }};
  ASSERT_TRUE(session.start());
  client_.run();
  EXPECT_EQ(events_, Events{"failed"}) << "no session opened, so none was closed";
  EXPECT_FALSE(reason_.empty());
}

TEST_P(Reconnecting, EachAttemptAsksTheServer) {
  std::atomic<int> asked{0};
  ServerOptions server_options;
  server_options.tls = test::write_certificate(folder_);
  test::TestServer busy{std::move(server_options)};
  const std::string url = busy.listen(GetParam(), test::calling({.on_request = [&](OpeningRequest& request) {
                                        ++asked;
                                        request.reject(503, "come again");
                                      }}));
  busy.start();
  const auto session = make({}, url, 4);
  ASSERT_TRUE(session->start());
  client_.run();
  EXPECT_EQ(events_, Events{"failed"});
  EXPECT_EQ(asked, 4);
}

TEST_P(Reconnecting, GivesUpAtOnceWhereItIsRefusedForGood) {
  const auto session = make({}, url_ + "nowhere", 1000);
  ASSERT_TRUE(session->start());
  client_.run();
  EXPECT_EQ(events_, Events{"failed"});
  EXPECT_NE(reason_.find("status 404 Not Found"), std::string::npos) << reason_;
}

TEST_P(Reconnecting, DestroyingItEndsWhateverItDoes) {
  auto connecting = make({});
  ASSERT_TRUE(connecting->start());
  connecting = nullptr;
  auto waiting = make({"drop"});
  ASSERT_TRUE(waiting->start());
  ASSERT_TRUE(turn_until_event("lost"));
  waiting = nullptr;
  events_.clear();
  auto open = make({});
  ASSERT_TRUE(open->start());
  ASSERT_TRUE(turn_until_event("established"));
  open = nullptr;
  client_.run();
  EXPECT_EQ(events_, (Events{"open", "established"}));
}

// The system says at once that there is no such socket: it was an error of start(), and no attempt followed.
TEST(ReconnectingToASocket, ComesOnceItIsThere) {
  test::Folder folder;
  Client client;
  std::optional<test::TestServer> server;
  bool open = false, closed = false;
  const std::string url = "unix:" + folder.file("socket");
  ASSERT_TRUE(client.connect(url, std::make_unique<Called>(Calls{.on_close = [&](Session&, const CloseInfo& info) {
                               closed = true;
                               EXPECT_NE(info.reason.find(folder.file("socket") + ": No such file"), std::string::npos)
                                   << info.reason;
                             }})));
  EXPECT_FALSE(closed) << "not inside the call";
  ReconnectingSession session{client,
                              url,
                              std::make_unique<Called>(Calls{.on_open = [&](Session&) { open = true; }}),
                              {},
                              {.attempts_max = 0, .delay = 5ms, .delay_max = 5ms}};
  ASSERT_TRUE(session.start());
  ASSERT_TRUE(test::turn_until(client, [&] { return closed; }));
  server.emplace();
  ASSERT_TRUE((*server)->listen(url + ":/", handler<test::Echo>()));
  server->start();
  EXPECT_TRUE(test::turn_until(client, [&] { return open; }));
}

// A token that is good for one opening, which a server tells by 401, as one that has expired.
class TokenServer {
 public:
  explicit TokenServer(const std::string& scheme) {
    ServerOptions options;
    options.tls = test::write_certificate(folder_);
    server_.emplace(std::move(options));
    url_ = server_->listen(scheme,
                           test::calling({.on_request =
                                              [this](OpeningRequest& request) {
                                                const auto good = "Bearer " + std::to_string(next_);
                                                if (request.header("authorization") != good) {
                                                  ++refused_;
                                                  return request.reject(401, "this token has expired");
                                                }
                                                ++next_;
                                                request.accept();
                                              },
                                          .on_message = [](Session& session, const Message&) { session.abort(); }}));
    server_->start();
  }
  [[nodiscard]] const std::string& url() const { return url_; }
  [[nodiscard]] int refused() const { return refused_; }

 private:
  test::Folder folder_;
  std::atomic<int> next_{0};
  std::atomic<int> refused_{0};
  std::string url_;
  std::optional<test::TestServer> server_;
};

TEST_P(Reconnecting, ATokenIsRenewedBeforeEachAttempt) {
  const TokenServer server{GetParam()};
  const auto other_open = std::make_shared<bool>(false);  // the client ends it after this function
  const Calls other{.on_open = [other_open](Session&) { *other_open = true; },
                    .on_close = [other_open](Session&, const CloseInfo&) { *other_open = false; }};
  ASSERT_TRUE(client_.connect(url_, std::make_unique<Called>(other), trusting()));
  ASSERT_TRUE(turn_until([&] { return *other_open; }));
  const auto session = make({"drop", "drop"}, server.url());
  int token = 0;
  session->on_attempt([&](ConnectOptions& options) {
    options.verify_certificate = false;
    options.headers = {{"Authorization", "Bearer " + std::to_string(token++)}};
  });
  ASSERT_TRUE(session->start());
  EXPECT_TRUE(turn_until([&] { return opened_ == 3; }));
  EXPECT_EQ(token, 3);
  EXPECT_EQ(server.refused(), 0);
  EXPECT_TRUE(*other_open);
  session->close();
}

// It was good when it was asked for. A second refusal in a row is for good.
TEST_P(Reconnecting, ATokenThatExpiresOnTheWayIsRenewedOnce) {
  const TokenServer server{GetParam()};
  const auto session = make({"drop"}, server.url(), 100);
  std::vector<std::string> tokens{"0", "expired", "1"};
  int asked = 0;
  session->on_attempt([&](ConnectOptions& options) {
    const std::string token = tokens.empty() ? "expired" : tokens.front();
    if (!tokens.empty()) tokens.erase(tokens.begin());
    options.verify_certificate = false;
    options.headers = {{"Authorization", "Bearer " + token}};
    ++asked;
  });
  ASSERT_TRUE(session->start());
  ASSERT_TRUE(turn_until([&] { return opened_ == 2; }));
  EXPECT_EQ(server.refused(), 1);
  session->session()->abort();
  EXPECT_TRUE(turn_until_event("failed"));
  EXPECT_EQ(server.refused(), 3);
  EXPECT_EQ(asked, 5);
}

TEST_P(Reconnecting, WhatPreparesAnAttemptMayThrowOrClose) {
  const test::QuietLog log;
  auto session = make({});
  session->on_attempt([](ConnectOptions&) { throw std::runtime_error{"no token"}; });
  EXPECT_FALSE(session->start());
  session->on_attempt([&](ConnectOptions&) { session->close(); });
  EXPECT_FALSE(session->start());
  client_.run();
  EXPECT_TRUE(events_.empty());
}

TEST_P(Reconnecting, FallsBackToTheNextUrlAndKeepsToTheOneThatWorked) {
  const std::string nowhere = std::string{GetParam()} + "://127.0.0.1:1/";
  const auto session = make({"drop", "hello"}, nowhere, 1);
  session->add_url(nowhere);
  session->add_url(url_);
  int connections = 0;
  session->on_attempt([&](ConnectOptions&) { ++connections; });
  ASSERT_TRUE(session->start());
  ASSERT_TRUE(turn_until_event("hello")) << reason_;
  EXPECT_EQ(events_, (Events{"open", "established", "close", "lost", "open", "established", "hello"}));
  EXPECT_EQ(connections, 4) << "three for the first session, one for the second";
}

TEST_P(Reconnecting, FailsOnceNoUrlIsReachedAndAtOnceWhereAServerRefuses) {
  const std::string nowhere = std::string{GetParam()} + "://127.0.0.1:1/";
  const auto unreached = make({}, nowhere, 2);
  unreached->add_url(nowhere);
  int connections = 0;
  unreached->on_attempt([&](ConnectOptions&) { ++connections; });
  ASSERT_TRUE(unreached->start());
  client_.run();
  EXPECT_EQ(events_, Events{"failed"});
  EXPECT_EQ(connections, 4);
  events_.clear();
  const auto refused = make({}, url_ + "nowhere");
  refused->add_url(url_);
  ASSERT_TRUE(refused->start());
  client_.run();
  EXPECT_EQ(events_, Events{"failed"});
  const auto unusable = make({});
  unusable->add_url("nonsense");
  EXPECT_FALSE(unusable->start());
  EXPECT_TRUE(client_.is_idle());
}

// It told of the first URL, and not why the last one was not tried.
TEST_P(Reconnecting, FailsForTheReasonOfTheLastUrlAlsoWhereItIsNotTried) {
  const test::QuietLog log;
  const auto session = make({}, std::string{GetParam()} + "://127.0.0.1:1/", 1);
  session->add_url(url_);
  int attempts = 0;
  session->on_attempt([&](ConnectOptions&) {
    if (++attempts == 2) throw std::runtime_error{"no token"};
  });
  ASSERT_TRUE(session->start());
  client_.run();
  EXPECT_EQ(events_, Events{"failed"});
  EXPECT_EQ(reason_, "what on_attempt() was given threw");
  EXPECT_EQ(attempts, 2);
}

// What has no session ended the first one of its client.
TEST_P(Reconnecting, EndsNoSessionButItsOwn) {
  Session* other = nullptr;
  bool echoed = false;
  const Calls calls{.on_open = [&](Session& session) { other = &session; },
                    .on_message = [&](Session&, const Message&) { echoed = true; },
                    .on_close = [&](Session&, const CloseInfo&) { other = nullptr; }};
  ASSERT_TRUE(client_.connect(url_, std::make_unique<Called>(calls), trusting()));
  ASSERT_TRUE(turn_until([&] { return other != nullptr; }));
  auto unusable = make({}, "nonsense");
  EXPECT_FALSE(unusable->start());
  unusable = nullptr;
  make({}) = nullptr;  // never started
  const auto closed = make({});
  ASSERT_TRUE(closed->start());
  ASSERT_TRUE(turn_until_event("established"));
  closed->close();
  ASSERT_TRUE(turn_until_event("close"));
  closed->close();
  ASSERT_NE(other, nullptr);
  other->send(Message::text("still there"));
  EXPECT_TRUE(turn_until([&] { return echoed; }));
  other->close();  // its handler writes to what ends here
  EXPECT_TRUE(turn_until([&] { return other == nullptr; }));
}

TEST_P(Reconnecting, AUrlThatCannotBeUsed) {
  const auto session = make({}, "nonsense");
  EXPECT_FALSE(session->start());
  EXPECT_TRUE(client_.is_idle());
  EXPECT_TRUE(events_.empty());
  const auto again = session->start();
  ASSERT_FALSE(again);
  EXPECT_NE(again.error().message.find("nonsense"), std::string::npos) << "it has not started";
}

// The first session stayed, unknown to the object, and went on calling the handler that was destroyed with it.
TEST_P(Reconnecting, StartsOnce) {
  auto session = make({"hello"});
  ASSERT_TRUE(session->start());
  EXPECT_FALSE(session->start());
  ASSERT_TRUE(turn_until_event("hello"));
  EXPECT_FALSE(session->start());
  session->close();
  const auto again = session->start();
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().message, "a reconnecting session starts once");
  session = nullptr;
  client_.run();
  EXPECT_EQ(events_, (Events{"open", "established", "hello"}));
}

TEST_P(Reconnecting, DoesNotStartAgainOnceItHasFailed) {
  ConnectOptions options;
  options.verify_certificate = false;
  std::optional<Result<void, Error>> again;
  std::unique_ptr<ReconnectingSession> session;
  session = std::make_unique<ReconnectingSession>(client_, url_ + "nowhere", std::make_unique<Called>(Calls{}), options,
                                                  ReconnectPolicy{}, [&](LinkState state, const CloseInfo&) {
                                                    EXPECT_EQ(state, LinkState::failed);
                                                    again = session->start();
                                                  });
  ASSERT_TRUE(session->start());
  client_.run();
  ASSERT_TRUE(again.has_value());
  EXPECT_FALSE(*again);
}

}  // namespace
}  // namespace plait::client
