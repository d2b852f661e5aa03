// What happens before a session is there, the same on every wire: routes, answers that come later, handlers that fail.
#include "integration/server/raw_frames.hpp"
#include "integration/server/wires.hpp"
#include "net/socket.hpp"
#include "transport/handler_proxy.hpp"

namespace plait::test {
namespace {

class ServerOpening : public EveryWire {};

// --- Routes ----------------------------------------------------------------------------------------------------------

TEST_P(ServerOpening, ParametersOfThePathAreTheHandlers) {
  make();
  Box<std::string> seen;
  Calls calls = echo();
  calls.on_request = [&](OpeningRequest& request) {
    seen.set(std::string{request.parameter("room")} + "|" + std::string{request.parameter("user")} + "|" +
             std::string{request.parameter("none")} + "|" + std::string{request.query()});
    request.accept();
  };
  listen(calling(calls), "/rooms/{room}/users/{user}");
  server_->start();
  expect_echo("/rooms/a%20b/users/c%2Fd?room=x");
  EXPECT_EQ(seen.wait(), "a b|c/d||room=x");
  EXPECT_NE(refusal("/rooms/7/users").find("404"), std::string::npos);
  EXPECT_NE(refusal("/rooms/7/users/8/9").find("404"), std::string::npos) << "a prefix is no match";
}

TEST_P(ServerOpening, TheLongestTimesAreNever) {
  ServerOptions unlimited;
  for (Duration* time :
       {&unlimited.limits.handshake_timeout, &unlimited.limits.keep_alive_timeout, &unlimited.limits.ping_interval,
        &unlimited.limits.pong_timeout, &unlimited.limits.close_timeout, &unlimited.limits.datagram_age_max}) {
    *time = Duration::max();
  }
  unlimited.drain_timeout = Duration::max();
  start(echo(), std::move(unlimited));
  ConnectOptions patient = trusting();
  patient.timeout = Duration::max();
  auto client = BlockingClient::connect(base_ + "/", patient);
  ASSERT_TRUE(client) << client.error().message;
  ASSERT_TRUE(client->send(Message::text("hello"), Duration::max()));
  const auto received = client->receive(Duration::max());
  ASSERT_TRUE(received && *received);
  EXPECT_TRUE(client->close(close_code::kNormal, {}, Duration::max()).clean);
}

TEST_P(ServerOpening, DuringADrainNoneIsAccepted) {
  ServerOptions patient;
  patient.drain_timeout = patient.limits.close_timeout = 60s;
  std::atomic<int> asked{0};
  Calls calls = echo();
  calls.on_request = [&](OpeningRequest& request) {
    ++asked;
    request.accept();
  };
  start(std::move(calls), std::move(patient));
  std::optional<Client> held;  // says nothing meanwhile, so that the drain lasts
  held.emplace();
  bool open = false;
  ASSERT_TRUE(held->connect(base_ + "/", std::make_unique<Called>(Calls{.on_open = [&](Session&) { open = true; }}),
                            trusting()));
  ASSERT_TRUE(turn_until(*held, [&] { return open; }));
  (*server_)->drain();
  ConnectOptions impatient = trusting();
  impatient.timeout = 2s;
  for (int i = 0; i < 3; ++i) EXPECT_FALSE(BlockingClient::connect(base_ + "/", impatient)) << i;
  EXPECT_EQ(asked, 1);
  EXPECT_TRUE(server_->running());
  held.reset();
  EXPECT_TRUE(server_->join());
}

// --- Handlers that fail ----------------------------------------------------------------------------------------------

TEST_P(ServerOpening, APostedTaskThatThrowsClosesItsSessionOnly) {
  Box<SessionId> first;
  start({.on_open = [&](Session& session) { first.set(session.id()); },
         .on_message = [](Session& session, const Message& message) { session.send(message); }});
  Client client;
  CloseInfo seen;
  Calls calls{.on_close = [&](Session&, const CloseInfo& info) { seen = info; }};
  ASSERT_TRUE(client.connect(base_ + "/", std::make_unique<Called>(calls), trusting()));
  ASSERT_TRUE(turn_until(client, [&] { return first.get().has_value(); }));
  (*server_)->post(first.wait(), [](Session&) { throw 42; });
  client.run();
  EXPECT_EQ(seen.code, close_code::kInternalError) << seen.reason;
  expect_echo();  // the server lives on

  SessionId own;
  Calls other{.on_open = [&](Session& session) { own = session.id(); },
              .on_close = [&](Session&, const CloseInfo& info) { seen = info; }};
  seen = {};
  const auto id = client.connect(base_ + "/", std::make_unique<Called>(other), trusting());
  ASSERT_TRUE(id);
  ASSERT_TRUE(turn_until(client, [&] { return own != SessionId{}; }));
  client.post(own, [](Session&) { throw std::runtime_error{"no database"}; });
  client.run();
  EXPECT_TRUE(seen.started_by_us);
}

// WebTransport had a bound of its own, and left out without a word what was beyond it.
TEST_P(ServerOpening, MoreSubprotocolsThanTheLimitAre400) {
  start(echo());
  ClientOptions unlimited;
  unlimited.limits.subprotocols_max = 100;
  const auto status_of = [&](int count) {
    ConnectOptions offering = trusting();
    for (int i = 0; i < count; ++i) offering.subprotocols.push_back("p" + std::to_string(i));
    int status = 0;
    Client client{unlimited};
    const Calls calls{.on_open = [](Session& session) { session.close(); },
                      .on_close = [&](Session&, const CloseInfo& info) { status = info.status; }};
    EXPECT_TRUE(client.connect(base_ + "/", std::make_unique<Called>(calls), offering));
    client.run();
    return status;
  };
  EXPECT_EQ(status_of(16), 0);
  EXPECT_EQ(status_of(17), 400);
}

// RFC 9110 §11.1: the name of a scheme has no case.
TEST_P(ServerOpening, ATokenIsOneHoweverItsSchemeIsWritten) {
  Box<std::string> seen;
  Calls calls = echo();
  calls.on_request = [&](OpeningRequest& request) {
    seen.set(std::string{request.header("authorization")});
    request.accept();
  };
  start(std::move(calls));
  ConnectOptions with_token = trusting();
  with_token.headers = {{"authorization", "bearer  secret"}};
  const auto client = BlockingClient::connect(base_ + "/", with_token);
  ASSERT_TRUE(client) << client.error().message;
  const std::string authorization = seen.wait();
  EXPECT_TRUE(authorization == "bearer  secret" || authorization == "Bearer secret") << authorization;
}

TEST_P(ServerOpening, ARefusalHasTheSameWordsAndItsStatusOnEveryWire) {
  start({.on_request = [](OpeningRequest& request) { request.reject(429, "come back later"); }});
  const auto client = connect();
  ASSERT_FALSE(client);
  EXPECT_EQ(client.error().message,
            "cannot connect to " + base_ + "/: the server refused with status 429 Too Many Requests: come back later");
  EXPECT_EQ(client.error().status, 429);
}

TEST_P(ServerOpening, ARefusalWhoseReasonIsNotUtf8StillHasItsStatus) {
  start({.on_request = [](OpeningRequest& request) { request.reject(403, "caf\xe9"); }});
  const auto client = connect();
  ASSERT_FALSE(client);
  EXPECT_EQ(client.error().status, 403) << client.error().message;
}

TEST_P(ServerOpening, AFactoryThatMakesNoHandlerIs500) {
  make();
  listen([]() -> std::unique_ptr<SessionHandler> { return nullptr; });
  server_->start();
  EXPECT_NE(refusal().find("500"), std::string::npos);
  EXPECT_NE(refusal().find("500"), std::string::npos) << "the server lives on";
}

class ThrowsWhenAsked final : public SessionHandler {
 public:
  explicit ThrowsWhenAsked(bool parts) : parts_(parts) {}
  [[nodiscard]] bool wants_parts() const override { return parts_ ? throw std::runtime_error{"parts"} : false; }
  [[nodiscard]] bool wants_streams() const override { return parts_ ? false : throw std::runtime_error{"streams"}; }

 private:
  bool parts_;
};

TEST_P(ServerOpening, AHandlerThatThrowsWhenItIsAskedWhatItWantsIs500) {
  for (const bool parts : {true, false}) {
    make();
    listen([parts] { return std::make_unique<ThrowsWhenAsked>(parts); });
    server_->start();
    EXPECT_NE(refusal().find("500"), std::string::npos);
  }
}

TEST_P(ServerOpening, AStatusThatIsNoRefusalBecomes500) {
  start({.on_request = [](OpeningRequest& request) { request.reject(200, "fine"); }});
  EXPECT_NE(refusal().find("500"), std::string::npos) << refusal();
}

// --- Later -----------------------------------------------------------------------------------------------------------

/// Defers every opening at /later and accepts the others.
class Later {
 public:
  [[nodiscard]] HandlerFactory factory() {
    Calls calls{.on_message = [](Session& session, const Message& message) { session.send(message); }};
    calls.on_request = [this](OpeningRequest& request) {
      if (request.path() != "/later") return request.accept();
      id_.set(request.defer());
    };
    return calling(calls);
  }
  /// Gives it `task` from another thread as soon as it is there.
  std::thread post(TestServer& server, std::function<void(OpeningRequest&)> task) {
    return std::thread{[this, &server, task = std::move(task)] { server->post(id_.wait(), task); }};
  }
  [[nodiscard]] OpeningId id() const { return id_.wait(); }
  [[nodiscard]] bool has_come() const { return id_.get().has_value(); }

 private:
  Box<OpeningId> id_;
};

class DeferredOpening : public ServerOpening {
 protected:
  void start(ServerOptions options = {}) {
    make(std::move(options));
    listen(later_.factory(), "/{path}");
    server_->start();
  }
  Later later_;
};

TEST_P(DeferredOpening, IsAcceptedFromAnotherThread) {
  start();
  std::thread elsewhere = later_.post(*server_, [](OpeningRequest& request) {
    EXPECT_EQ(request.path(), "/later");
    EXPECT_EQ(request.query(), "a=b");
    EXPECT_EQ(request.parameter("path"), "later");
    EXPECT_EQ(request.subprotocols(), (std::vector<std::string_view>{"one", "two"}));
    request.accept("two");
  });
  ConnectOptions with_subprotocols = trusting();
  with_subprotocols.subprotocols = {"one", "two"};
  Client client;
  std::string subprotocol;
  std::string received;
  Calls calls;
  calls.on_open = [&](Session& session) {
    subprotocol = session.subprotocol();
    session.send(Message::text("hello"));
  };
  calls.on_message = [&](Session& session, const Message& message) {
    received = message.text();
    session.close();
  };
  ASSERT_TRUE(client.connect(base_ + "/later?a=b", std::make_unique<Called>(calls), with_subprotocols));
  client.run();
  elsewhere.join();
  EXPECT_EQ(subprotocol, "two");
  EXPECT_EQ(received, "hello");
}

TEST_P(DeferredOpening, IsRefusedFromAnotherThread) {
  start();
  std::thread elsewhere = later_.post(*server_, [](OpeningRequest& request) { request.reject(402, "pay first"); });
  EXPECT_NE(refusal("/later").find("402"), std::string::npos);
  elsewhere.join();
  (*server_)->post(later_.id(), [](OpeningRequest&) { ADD_FAILURE() << "it is answered already"; });
  expect_echo("/now");
}

TEST_P(DeferredOpening, ThatAnswersWithAnExceptionIs500) {
  start();
  std::thread elsewhere = later_.post(*server_, [](OpeningRequest&) { throw std::runtime_error{"no database"}; });
  EXPECT_NE(refusal("/later").find("500"), std::string::npos);
  elsewhere.join();
}

TEST_P(DeferredOpening, WithoutAnAnswerIs503AtTheDeadline) {
  const std::string wanted = "status 503, then hello";
  const auto told = [&](Duration limit) -> std::string {
    ServerOptions options;
    options.limits.handshake_timeout = limit;  // that of the phases before, too
    start(options);
    const std::string refused = refusal("/later");
    if (refused.find("status 503") == std::string::npos) return refused;
    (*server_)->post(later_.id(), [](OpeningRequest&) { ADD_FAILURE() << "it is gone"; });
    return "status 503, then " + echoed("/now");
  };
  EXPECT_EQ(told_at_a_limit(wanted, told), wanted);
}

TEST_P(DeferredOpening, WhoseClientHasLeftIsNoHarm) {
  start();
  {
    Client client;
    ASSERT_TRUE(client.connect(base_ + "/later", std::make_unique<Called>(Calls{}), trusting()));
    ASSERT_TRUE(turn_until(client, [&] { return later_.has_come(); }));
  }
  (*server_)->post(later_.id(), [](OpeningRequest& request) { request.accept(); });
  expect_echo("/now");
}

TEST_P(DeferredOpening, IsRefusedByADrain) {
  start();
  std::thread elsewhere{[&] {
    static_cast<void>(later_.id());
    (*server_)->drain();
  }};
  EXPECT_NE(refusal("/later").find("503"), std::string::npos);
  elsewhere.join();
  EXPECT_TRUE(server_->join());
}

TEST_P(DeferredOpening, IsGoneWithAServerThatIsStopped) {
  start();
  std::thread elsewhere{[&] {
    static_cast<void>(later_.id());
    (*server_)->stop();
  }};
  EXPECT_FALSE(connect("/later"));
  elsewhere.join();
  EXPECT_TRUE(server_->join());
}

INSTANTIATE_TEST_SUITE_P(Wires, ServerOpening, kEveryWire, [](const auto& wire) { return wire.param; });
INSTANTIATE_TEST_SUITE_P(Wires, DeferredOpening, kEveryWire, [](const auto& wire) { return wire.param; });

// --- HTTP ------------------------------------------------------------------------------------------------------------

TEST(ServerRoutes, ADuplicateOfListenIsToldAtOnceAndOneOfHttpByRun) {
  ServerOptions options;
  options.threads = 1;
  Server server{options};
  const auto url = server.listen("ws://127.0.0.1:0/chat/{room}", handler<Echo>());
  ASSERT_TRUE(url) << url.error().message;
  const std::string address = url->substr(0, url->find("/chat"));
  const auto again = server.listen(address + "/chat/{other}", handler<Echo>());
  ASSERT_FALSE(again);
  EXPECT_NE(again.error().message.find("is served already"), std::string::npos) << again.error().message;
  EXPECT_FALSE(server.listen(address + "/chat/{", handler<Echo>()));
  server.http("/health", [](const HttpRequest&) { return HttpResponse{}; });
  server.http("/health", [](const HttpRequest&) { return HttpResponse{}; });
  const auto ran = server.run();
  ASSERT_FALSE(ran);
  EXPECT_NE(ran.error().message.find("/health"), std::string::npos) << ran.error().message;
}

TEST(ServerRoutes, PagesGetTheirParameters) {
  TestServer server;
  const std::uint16_t port = port_of(server.listen("ws", handler<Echo>(), ""));
  server->http("/files/{name:*}", [](const HttpRequest& request) {
    return HttpResponse{.body = std::string{request.parameter("name")} + "?" + std::string{request.query()}};
  });
  server.start();
  RawClient client{port};
  client.send("GET /files/a/b%20c?d HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
  const std::string response = client.read_all();
  EXPECT_TRUE(response.ends_with("\r\n\r\na/b c?d")) << response;
}

TEST(ServerRoutes, WhatComesBehindADeferredUpgradeWaits) {
  TestServer deferring;
  Box<OpeningId> id;
  Calls calls{.on_message = [](Session& session, const Message& message) { session.send(message); }};
  calls.on_request = [&](OpeningRequest& request) { id.set(request.defer()); };
  const std::uint16_t other = port_of(deferring.listen("ws", calling(calls), ""));
  deferring.start();
  RawClient waiting{other};
  waiting.send(upgrade_request("Sec-WebSocket-Protocol: chat\r\n") + text_frame("early"));
  deferring->post(id.wait(), [](OpeningRequest& request) {
    EXPECT_EQ(request.header("Host"), "localhost");
    request.accept("chat");
  });
  const std::string head = waiting.read_to("\r\n\r\n");
  EXPECT_NE(head.find("Sec-WebSocket-Protocol: chat"), std::string::npos) << head;
  EXPECT_EQ(waiting.read_frame().payload, "early");
}

// The connection serves other requests after a refusal, and defers again.
TEST(ServerRoutes, SeveralDeferredUpgradesOnOneConnection) {
  TestServer server;
  Box<OpeningId> id;
  Calls calls;
  calls.on_request = [&](OpeningRequest& request) { id.set(request.defer()); };
  const std::uint16_t port = port_of(server.listen("ws", calling(calls), ""));
  server.start();
  RawClient client{port};
  OpeningId last;
  for (const int status : {401, 403}) {
    client.send(upgrade_request());
    ASSERT_TRUE(wait_until([&] { return id.get() && *id.get() != last; }));
    last = id.wait();
    server->post(last, [status](OpeningRequest& request) { request.reject(status, "no"); });
    EXPECT_TRUE(client.read_to("no\n").starts_with("HTTP/1.1 " + std::to_string(status)));
  }
}

TEST(HandlerProxies, LetTheirTargetRejectAnOpening) {
  Called rejecting{{.on_request = [](OpeningRequest& request) { request.reject(403, "not you"); }}};
  TestServer server;
  const std::uint16_t port =
      port_of(server.listen("ws", [&] { return std::make_unique<transport::HandlerProxy>(rejecting); }));
  server.start();
  RawClient client{port};
  EXPECT_TRUE(client.upgrade().starts_with("HTTP/1.1 403"));
}

/// A server of frames over TCP that lets few openings be under way.
class FewOpenings : public testing::Test {
 protected:
  void start(std::size_t handshakes_max) {
    ServerOptions options;
    options.limits.handshakes_max = handshakes_max;
    server_ = std::make_unique<TestServer>(std::move(options));
    const std::string url = server_->listen("tcp");
    port_ = port_of(url.substr(0, url.rfind('/')));
    server_->start();
  }
  static void expect_open(RawClient& client) {
    const std::string accepted = answer_frame(frames::kStatusAccepted, {});
    client.send(open_frame("/"));
    EXPECT_EQ(client.read_exactly(accepted.size()), accepted);
  }

  std::unique_ptr<TestServer> server_;
  std::uint16_t port_ = 0;
};

TEST_F(FewOpenings, OpenSessionsOfFramesDoNotCount) {
  start(1);
  RawClient first{port_};
  expect_open(first);
  RawClient second{port_};
  expect_open(second);
  for (RawClient* client : {&first, &second}) {
    client->send(message("still here"));
    EXPECT_EQ(client->read_exactly(message("still here").size()), message("still here"));
  }
}

TEST_F(FewOpenings, AFloodOfHalfOpenOnesOfFramesKeepsOnlyTheNewest) {
  constexpr std::size_t kMax = 8;
  start(kMax);
  std::vector<std::unique_ptr<RawClient>> flood;
  for (std::size_t i = 0; i < 5 * kMax; ++i) flood.push_back(std::make_unique<RawClient>(port_));
  EXPECT_TRUE(wait_until([&] {
    const ServerStats stats = (*server_)->stats();
    return stats.connections_accepted == flood.size() && stats.connections_open == kMax &&
           stats.connections_refused == flood.size() - kMax;
  }));
  EXPECT_EQ(flood.front()->read_all(), "") << "the oldest was cut";
  expect_open(*flood.back());
}

// On quic: it is RawOpenings' concern.
TEST(FrameOpening, AnAnswerThatIsNoneIsNotOurs) {
  const std::vector<std::pair<std::string, std::string>> answers{
      {{"\x01\x07PLT9\0\xC8\0", 9}, "bad_magic"},          {answer_frame(201, {}), "status_invalid"},
      {answer_frame(200, "b"), "subprotocol_not_offered"}, {{"\x01\x04PLT1", 6}, "open_truncated"},
      {{"\x01\x80\xFF\xFF\xFF", 5}, "open_too_big"},
  };
  for (const auto& [answer, reason] : answers) {
    auto listener = net::Listener::bind({.host = "127.0.0.1"});
    ASSERT_TRUE(listener);
    const std::string& bytes = answer;  // what a lambda can capture
    std::optional<CloseInfo> closed;
    const Calls calls{.on_open = [](Session&) { ADD_FAILURE() << "it never opened"; },
                      .on_close = [&](Session&, const CloseInfo& info) { closed = info; }};
    Client client;
    ConnectOptions options;
    options.subprotocols = {"a"};
    ASSERT_TRUE(client.connect("tcp://127.0.0.1:" + std::to_string(listener->port()) + "/",
                               std::make_unique<Called>(calls), options));
    net::Socket peer;
    ASSERT_TRUE(wait_until([&] {
      client.run_once(1ms);
      if (!peer.is_open() && listener->accept(peer).status == net::IoStatus::ok) peer.write(as_bytes(bytes));
      return closed.has_value();
    }));
    EXPECT_EQ(closed->reason, reason);
    EXPECT_EQ(closed->code, close_code::kAbnormal);
    EXPECT_FALSE(closed->started_by_us);
    EXPECT_FALSE(closed->clean);
  }
}

}  // namespace
}  // namespace plait::test
