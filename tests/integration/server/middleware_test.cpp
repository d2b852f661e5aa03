// Middleware in front of sessions on every wire, and of pages over HTTP/1.1 and HTTP/3.
#include <plait/middleware.hpp>

#include <algorithm>
#include <regex>

#include "integration/server/wires.hpp"
#include "server/rate_limiter.hpp"

namespace plait::test {
namespace {

/// Middleware made of functions.
class Link final : public Middleware {
 public:
  using Ask = std::function<std::optional<HttpResponse>(IncomingRequest&)>;
  using Tell = std::function<void(const IncomingRequest&, HttpResponse&)>;
  explicit Link(Ask ask, Tell tell = nullptr) : ask_(std::move(ask)), tell_(std::move(tell)) {}
  std::optional<HttpResponse> on_request(IncomingRequest& request) override { return ask_(request); }
  void on_response(const IncomingRequest& request, HttpResponse& response) override {
    if (tell_) tell_(request, response);
  }

 private:
  Ask ask_;
  Tell tell_;
};

std::optional<HttpResponse> pass(const IncomingRequest&) { return std::nullopt; }

class ServerMiddleware : public EveryWire {
 protected:
  void start_with(std::unique_ptr<Middleware> link, Calls calls = echo()) {
    make();
    listen(calling(std::move(calls)), "/{path}");
    (*server_)->use(std::move(link));
    server_->start();
  }
};

TEST_P(ServerMiddleware, SeesTheRequestBeforeTheHandlerAndTheAnswerAfterIt) {
  Box<std::string> order;
  std::string so_far;
  const auto note = [&](const std::string& what) { order.set(so_far += what + " "); };
  Calls calls = echo();
  calls.on_request = [&](OpeningRequest& request) {
    note("handler");
    request.path() == "/good" ? request.accept() : request.reject(402, "pay");
  };
  make();
  listen(calling(calls), "/{path}");
  for (const char* name : {"a", "b"}) {
    (*server_)->use(std::make_unique<Link>(
        [&, name](const IncomingRequest& request) {
          EXPECT_TRUE(request.opens_session());
          EXPECT_TRUE(request.is_origin_allowed());
          note(std::string{name} + request.parameter("path").data());
          return pass(request);
        },
        [&, name](const IncomingRequest&, HttpResponse& response) { note(name + std::to_string(response.status)); }));
  }
  server_->start();
  expect_echo("/good");
  const std::string accepted = GetParam() == "ws" || GetParam() == "wss" || GetParam() == "unix" ? "101" : "200";
  EXPECT_EQ(order.wait(), "agood bgood handler b" + accepted + " a" + accepted + " ");
  so_far.clear();
  EXPECT_NE(refusal("/bad").find("402"), std::string::npos);
  EXPECT_EQ(order.wait(), "abad bbad handler b402 a402 ");
}

TEST_P(ServerMiddleware, MayRefuseWithStatusAndReason) {
  Calls calls = echo();
  calls.on_request = [](OpeningRequest& request) {
    EXPECT_EQ(request.path(), "/good") << "what is refused gets to no handler";
    request.accept();
  };
  start_with(std::make_unique<Link>([](const IncomingRequest& request) -> std::optional<HttpResponse> {
               if (request.path() == "/good") return std::nullopt;
               if (request.path() == "/none") return HttpResponse{.status = 200, .body = "fine"};
               return HttpResponse{.status = 418, .body = "I am a teapot\n", .headers = {{"X-Kind", "tea"}}};
             }),
             calls);
  expect_echo("/good");
  EXPECT_NE(refusal("/bad").find("418"), std::string::npos) << refusal("/bad");
  EXPECT_NE(refusal("/none").find("500"), std::string::npos) << "an opening is not answered by a page";
}

TEST_P(ServerMiddleware, ThatThrowsIs500) {
  start_with(std::make_unique<Link>([](const IncomingRequest& request) {
    return request.path() == "/good" ? pass(request) : throw std::runtime_error{"secret"};
  }));
  EXPECT_NE(refusal("/bad").find("500"), std::string::npos);
  EXPECT_EQ(refusal("/bad").find("secret"), std::string::npos);
  expect_echo("/good");
}

TEST_P(ServerMiddleware, HearsOfDeferredOpeningsWhenTheyAreAnswered) {
  Box<OpeningId> id;
  Box<int> status;
  Calls calls = echo();
  calls.on_request = [&](OpeningRequest& request) { id.set(request.defer()); };
  start_with(std::make_unique<Link>(pass,
                                    [&](const IncomingRequest& request, HttpResponse& response) {
                                      EXPECT_EQ(request.path(), "/later");
                                      status.set(response.status);
                                    }),
             calls);
  std::thread elsewhere{[&] {
    const OpeningId deferred = id.wait();
    EXPECT_FALSE(status.get());
    (*server_)->post(deferred, [](OpeningRequest& request) { request.reject(409, "taken"); });
  }};
  EXPECT_NE(refusal("/later").find("409"), std::string::npos);
  elsewhere.join();
  EXPECT_EQ(status.wait(), 409);
}

TEST_P(ServerMiddleware, AuthenticateRefusesWith401AndExceptionsWith500) {
  start_with(authenticate([](const IncomingRequest& request) {
    if (request.path() == "/broken") throw std::runtime_error{"no database"};
    return request.header("authorization") == "Bearer good";
  }));
  EXPECT_NE(refusal("/x").find("401"), std::string::npos);
  EXPECT_NE(refusal("/broken").find("500"), std::string::npos);
  EXPECT_EQ((*server_)->stats().openings_refused_401, 1U);
  EXPECT_EQ((*server_)->stats().openings_refused_other, 1U);
  ConnectOptions with_token = trusting();
  with_token.headers = {{"Authorization", "Bearer good"}};
  EXPECT_TRUE(BlockingClient::connect(base_ + "/x", with_token));
}

TEST_P(ServerMiddleware, LimitRateRefusesWith429) {
  start_with(limit_rate({.requests_max = 2, .window = std::chrono::hours{1}}));
  expect_echo("/1");
  expect_echo("/2");
  if (GetParam() == "unix") return expect_echo("/3");  // who is on this machine has no address
  EXPECT_NE(refusal("/3").find("429"), std::string::npos) << refusal("/3");
}

bool has_match(const std::string& text, const std::string& pattern) {
  return std::regex_search(text, std::regex{pattern});
}

TEST_P(ServerMiddleware, AccessLogNamesPeerPathStatusAndUser) {
  make();
  Calls calls = echo();
  calls.on_request = [](OpeningRequest& request) {
    request.set_user(R"(a "user")");
    request.accept();
  };
  listen(calling(calls), "/{path}");
  (*server_)->use(access_log());
  QuietLog log;
  server_->start();
  expect_echo("/good?token=secret");
  EXPECT_NE(refusal("/a/b").find("404"), std::string::npos);
  EXPECT_TRUE(wait_until([&] { return log.text().find(" /a/b 404\n") != std::string::npos; })) << log.text();
  const bool is_upgrade = GetParam() == "ws" || GetParam() == "wss" || GetParam() == "unix";
  const std::string method = is_upgrade ? "GET" : GetParam() == "https" ? "CONNECT" : "OPEN";
  const std::string peer = GetParam() == "unix" ? "unix" : "127\\.0\\.0\\.1:[1-9][0-9]*";
  const std::string prefix = "(^|\n)" + peer + " " + method;
  EXPECT_TRUE(
      has_match(log.text(), prefix + " /good " + (is_upgrade ? "101" : "200") + R"( user="a \\"user\\"")" + "\n"))
      << log.text();
  EXPECT_TRUE(has_match(log.text(), prefix + " /a/b 404\n")) << log.text();
  EXPECT_EQ(log.text().find("secret"), std::string::npos) << "a query may hold a token";
}

INSTANTIATE_TEST_SUITE_P(Wires, ServerMiddleware, kEveryWire, [](const auto& wire) { return wire.param; });

// --- Pages -----------------------------------------------------------------------------------------------------------

class PageMiddleware : public SecureServer, public testing::Test {
 protected:
  void start(std::unique_ptr<Middleware> link, ServerOptions options = {}) {
    make(std::move(options));
    port_ = port_of(server_->listen("ws", handler<Echo>(), "/ws"));
    quic_port_ = port_of(server_->listen("https", handler<Echo>(), "/ws"));
    (*server_)->http("/page", [](const HttpRequest&) { return HttpResponse{.body = "page"}; });
    (*server_)->use(std::move(link));
    server_->start();
  }
  std::string ask(const std::string& method, const std::string& fields = {}, const std::string& path = "/page") {
    RawClient client{port_};
    client.send(method + " " + path + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n" + fields + "\r\n");
    return client.read_all();
  }
  static bool has(const std::string& response, std::string_view text) {
    return response.find(text) != std::string::npos;
  }

  std::uint16_t port_ = 0;
  std::uint16_t quic_port_ = 0;
};

TEST_F(PageMiddleware, SeesAndChangesPagesOfBothVersionsOfHttp) {
  Box<std::string> seen;
  start(std::make_unique<Link>(
      [&](const IncomingRequest& request) {
        EXPECT_FALSE(request.opens_session());
        seen.set(std::string{request.method()} + " " + std::string{request.path()} +
                 (request.secure() ? " secure" : ""));
        return pass(request);
      },
      [](const IncomingRequest&, HttpResponse& response) { response.headers.emplace_back("x-extra", "yes"); }));
  const std::string response = ask("GET");
  EXPECT_TRUE(has(response, "x-extra: yes\r\n")) << response;
  EXPECT_EQ(seen.wait(), "GET /page");
  EXPECT_TRUE(has(ask("GET", {}, "/none"), "HTTP/1.1 404")) << "it sees what nobody answers, too";
  EXPECT_EQ(seen.wait(), "GET /none");
  ConnectOptions options;
  options.verify_certificate = false;
  std::optional<Response> answer;
  Client client;
  ASSERT_TRUE(client.get(
      "https://127.0.0.1:" + std::to_string(quic_port_) + "/page",
      [&](const Result<Response, Error>& result) {
        if (result) answer = *result;
      },
      options));
  client.run();
  EXPECT_EQ(seen.wait(), "GET /page secure");
  ASSERT_TRUE(answer);
  EXPECT_EQ(std::ranges::count(answer->headers, std::pair<std::string, std::string>{"x-extra", "yes"}), 1);
}

// The middleware that knows who asks says so to the page and to the log, as a handler does of its opening.
TEST_F(PageMiddleware, SaysWhoAsks) {
  make();
  port_ = port_of(server_->listen("ws", handler<Echo>(), "/ws"));
  (*server_)->use(access_log());
  (*server_)->use(authenticate([](IncomingRequest& request) {
    request.set_user(request.header("x-user"));
    return !request.user().empty();
  }));
  (*server_)->http("/page", [](HttpRequest& request) {
    const HttpResponse response{.body = "for " + std::string{request.user()}};
    request.set_user(std::string{request.user()} + ", again");
    return response;
  });
  const QuietLog log;
  server_->start();
  EXPECT_TRUE(has(ask("GET"), "HTTP/1.1 401"));
  EXPECT_TRUE(has(ask("GET", "X-User: ann\r\n"), "for ann"));
  EXPECT_TRUE(wait_until([&] { return has(log.text(), " /page 200 user=\"ann, again\"\n"); })) << log.text();
}

TEST_F(PageMiddleware, LimitRateSaysWhenToComeAgain) {
  start(limit_rate({.requests_max = 1, .window = std::chrono::hours{1}}));
  EXPECT_TRUE(has(ask("GET"), "HTTP/1.1 200"));
  const std::string refused = ask("GET");
  EXPECT_TRUE(has(refused, "HTTP/1.1 429 Too Many Requests")) << refused;
  EXPECT_THAT(refused, testing::ContainsRegex("Retry-After: (359[0-9]|3600)\r\n")) << "of a window begun just now";
}

TEST_F(PageMiddleware, CorsNamesAllowedOriginsAndRefusesOthers) {
  ServerOptions options;
  options.allowed_origins = {"https://*.example.org"};
  start(cors(), options);
  const std::string allowed = ask("GET", "Origin: https://app.example.org\r\n");
  EXPECT_TRUE(has(allowed, "HTTP/1.1 200")) << allowed;
  EXPECT_TRUE(has(allowed, "Access-Control-Allow-Origin: https://app.example.org\r\n")) << allowed;
  EXPECT_TRUE(has(allowed, "Vary: Origin\r\n")) << allowed;
  const std::string own = ask("POST", "Origin: http://localhost\r\n");
  EXPECT_TRUE(has(own, "HTTP/1.1 200")) << own;
  for (const char* origin : {"https://example.org", "https://app.example.org.evil.example", "http://app.example.org",
                             "null", "https://evil.example/.example.org"}) {
    const std::string refused = ask("GET", "Origin: " + std::string{origin} + "\r\n");
    EXPECT_TRUE(has(refused, "HTTP/1.1 403")) << origin << refused;
    EXPECT_FALSE(has(refused, "Access-Control-Allow-Origin")) << origin;
  }
  const std::string plain = ask("GET");
  EXPECT_TRUE(has(plain, "HTTP/1.1 200") && has(plain, "Vary: Origin\r\n")) << plain;
  EXPECT_FALSE(has(plain, "Access-Control-Allow-Origin")) << plain;
}

TEST_F(PageMiddleware, CorsAnswersPreflights) {
  ServerOptions options;
  options.allowed_origins = {"https://app.example.org"};
  start(cors({.methods = {"GET", "PUT"}, .headers = {"X-Kind"}, .max_age = 60s}), options);
  const std::string fields = "Origin: https://app.example.org\r\nAccess-Control-Request-Method: PUT\r\n";
  const std::string answer = ask("OPTIONS", fields);
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 204")) << answer;
  for (const char* field :
       {"Access-Control-Allow-Origin: https://app.example.org\r\n", "Access-Control-Allow-Methods: GET, PUT\r\n",
        "Access-Control-Allow-Headers: X-Kind\r\n", "Access-Control-Max-Age: 60\r\n", "Vary: Origin\r\n"}) {
    EXPECT_TRUE(has(answer, field)) << answer;
  }
  EXPECT_FALSE(has(answer, "page"));
  EXPECT_TRUE(has(ask("OPTIONS", "Origin: https://evil.example\r\nAccess-Control-Request-Method: PUT\r\n"), " 403"));
  EXPECT_TRUE(has(ask("OPTIONS"), "page")) << "the handler's: no page asks";
}

// --- RateLimiter -----------------------------------------------------------------------------------------------------

net::Network network(const std::string& peer) { return net::network_of(peer).value(); }

TEST(RateLimiter, LetsPassWhatTheWindowAllowsAndSaysWhenMore) {
  server::RateLimiter limiter{{.requests_max = 3, .window = 30s}};
  const core::TimePoint start{};
  for (int i = 0; i < 3; ++i) EXPECT_EQ(limiter.try_pass(network("192.0.2.1:1"), start), std::nullopt);
  EXPECT_EQ(limiter.try_pass(network("192.0.2.1:2"), start), 10U) << "another port is the same address";
  EXPECT_EQ(limiter.try_pass(network("192.0.2.2:1"), start), std::nullopt);
  EXPECT_EQ(limiter.try_pass(network("192.0.2.1:1"), start + 9s), 1U);
  EXPECT_EQ(limiter.try_pass(network("192.0.2.1:1"), start + 10s), std::nullopt);
  EXPECT_EQ(limiter.try_pass(network("192.0.2.1:1"), start + 10s), 10U);
}

TEST(RateLimiter, WithoutALimitLetsAllPassAndRemembersNobody) {
  server::RateLimiter limiter{{.requests_max = 0, .window = 1h}};
  for (int i = 0; i < 3; ++i) EXPECT_EQ(limiter.try_pass(network("192.0.2.1:1"), {}), std::nullopt);
  EXPECT_EQ(limiter.size(), 0U);
}

TEST(RateLimiter, AnIpv6AddressCountsByIts64) {
  server::RateLimiter limiter{{.requests_max = 1, .window = 30s}};
  EXPECT_EQ(limiter.try_pass(network("[2001:db8:1:2::1]:1"), {}), std::nullopt);
  EXPECT_TRUE(limiter.try_pass(network("[2001:db8:1:2:ffff::9]:1"), {}));
  EXPECT_EQ(limiter.try_pass(network("[2001:db8:1:3::1]:1"), {}), std::nullopt);
  EXPECT_EQ(net::network_of("unix"), std::nullopt);
  EXPECT_EQ(net::network_of(""), std::nullopt);
  EXPECT_EQ(net::network_of("not connected"), std::nullopt);
}

TEST(RateLimiter, ForgetsTheAddressThatWasSeenLongestAgo) {
  server::RateLimiter limiter{{.requests_max = 1, .window = 30s, .addresses_max = 2}};
  const auto passes = [&](const char* peer) { return !limiter.try_pass(network(peer), {}); };
  EXPECT_TRUE(passes("192.0.2.1:1"));
  EXPECT_TRUE(passes("192.0.2.2:1"));
  EXPECT_FALSE(passes("192.0.2.1:1"));
  EXPECT_TRUE(passes("192.0.2.3:1"));
  EXPECT_EQ(limiter.size(), 2U);
  EXPECT_FALSE(passes("192.0.2.1:1")) << "seen after the second";
  EXPECT_TRUE(passes("192.0.2.2:1"));
}

}  // namespace
}  // namespace plait::test
