// HTTP/3 requests of Plait's own client.
#include <stdexcept>

#include "h3/error.hpp"
#include "integration/server/raw_quic.hpp"

namespace plait::test {
namespace {

using quic::Direction;

class ClientGet : public SecureServer, public testing::Test {
 protected:
  void start(ClientOptions client = {}) {
    make();
    url_ = server_->listen("https");
    url_.pop_back();
    server_->server().http("/hello", [](const HttpRequest& request) {
      return HttpResponse{.body = "hello " + std::string{request.query()} + std::string{request.header("x-name")},
                          .headers = {{"X-Wire", "h3"}}};
    });
    server_->server().http("/asked", [](const HttpRequest& request) {
      return HttpResponse{.body = std::string{request.path()} + (request.secure() ? " secure" : " plain") +
                                  (request.is_origin_allowed() ? " own" : " foreign")};
    });
    server_->server().http("/big", [](const HttpRequest&) { return HttpResponse{.body = pattern(kBigBytes)}; });
    Bytes shared = Bytes::copy_of("shared");
    shared.share_between_threads();
    server_->server().http("/shared", [=](const HttpRequest&) { return HttpResponse{.shared_body = shared}; });
    server_->server().http("/own-fields", [](const HttpRequest&) {
      return HttpResponse{.body = "{}",
                          .headers = {{"Content-Type", "application/json"},
                                      {"DATE", "Thu, 01 Jan 1970 00:00:00 GMT"},
                                      {"Connection", "close"},
                                      {"keep-alive", "timeout=5"}}};
    });
    for (const int status : {103, 204, 205, 304}) {
      server_->server().http("/" + std::to_string(status),
                             [=](const HttpRequest&) { return HttpResponse{.status = status, .body = "x"}; });
    }
    server_->server().http("/nothing", [](const HttpRequest&) { return HttpResponse{.status = 204}; });
    server_->start();
    client_ = std::make_unique<Client>(client);
  }
  void start_raw() {
    raw_ = std::make_unique<RawQuic>(write_certificate(folder_));
    raw_->on_ready_do = [this] { raw_->open(Direction::unidirectional, raw::control_stream()); };
    url_ = "https://127.0.0.1:" + std::to_string(raw_->port());
    client_ = std::make_unique<Client>();
  }
  void ask(const std::string& path, const ConnectOptions& options) {
    const auto asked = client_->get(
        url_ + path, [this](const Result<Response, Error>& answer) { answers_.push_back(answer); }, options);
    EXPECT_TRUE(asked) << asked.error().message;
  }
  /// What a raw server's client was told, once it was.
  std::string error_of_raw(const std::function<void()>& answer, const std::string& path = "/") {
    raw_->on_data_do = [answer](std::uint64_t id) {
      if (id == 0) answer();
    };
    ask(path, trusting());
    EXPECT_TRUE(raw_->turn_until([&] { return !answers_.empty(); }, [&] { client_->run_once(1ms); }));
    return answers_.empty() || answers_[0] ? "" : answers_[0].error().message;
  }
  struct GoneOn {
    std::string sent{};
    Duration pause_max{};  ///< between two turns
  };
  /// A raw server's response whose parts come for longer than the client's time-out.
  GoneOn go_on_beyond(Duration timeout) {
    using Clock = std::chrono::steady_clock;
    start_raw();
    answers_.clear();
    std::optional<Clock::time_point> begun, next;
    raw_->on_data_do = [&](std::uint64_t id) {
      if (id != 0 || begun) return;
      raw_->write(0, raw::headers({{":status", "200"}}));
      begun = next = Clock::now();
    };
    ConnectOptions options = trusting();
    options.timeout = timeout;
    ask("/", options);
    GoneOn gone_on;
    const auto turn = [&, last_turn = Clock::now()]() mutable {
      client_->run_once(1ms);
      const auto now = Clock::now();
      gone_on.pause_max = std::max<Duration>(gone_on.pause_max, now - std::exchange(last_turn, now));
      if (!next || now < *next) return;
      const bool is_last = now - *begun > timeout + timeout / 4;
      raw_->write(0, raw::data("part "), is_last);
      gone_on.sent += "part ";
      next = is_last ? std::nullopt : std::optional{now + 50ms};
    };
    EXPECT_TRUE(raw_->turn_until([&] { return !answers_.empty(); }, turn));
    return gone_on;
  }
  static std::string field(const Response& response, std::string_view name) {
    for (const auto& [own, value] : response.headers) {
      if (own == name) return value;
    }
    return {};
  }

  static constexpr std::size_t kBigBytes = 3'000'000;
  std::unique_ptr<RawQuic> raw_;
  std::string url_;
  std::unique_ptr<Client> client_;
  std::vector<Result<Response, Error>> answers_;
};

TEST_F(ClientGet, AStatusFieldsAndABody) {
  start();
  ConnectOptions own = trusting();
  own.headers.emplace_back("X-Name", "!");
  ask("/hello?world", own);
  client_->run();
  ASSERT_EQ(answers_.size(), 1U);
  ASSERT_TRUE(answers_[0]) << answers_[0].error().message;
  EXPECT_EQ(answers_[0]->status, 200);
  EXPECT_EQ(answers_[0]->body, "hello world!");
  EXPECT_EQ(field(*answers_[0], "x-wire"), "h3");
  EXPECT_EQ(field(*answers_[0], "content-length"), "12");
  EXPECT_TRUE(wait_until([&] { return server_->server().stats().connections_open == 0; }));
}

TEST_F(ClientGet, AHandlerSeesWhatMiddlewareDoes) {
  start();
  ask("/asked?query", trusting());
  client_->run();
  ASSERT_EQ(answers_.size(), 1U);
  ASSERT_TRUE(answers_[0]) << answers_[0].error().message;
  EXPECT_EQ(answers_[0]->body, "/asked secure own");
}

TEST_F(ClientGet, StatusesOfEveryKindAreAnswers) {
  start();
  for (const char* path : {"/none", "/nothing", "/"}) ask(path, trusting());
  client_->run();
  std::vector<int> statuses;
  for (const auto& answer : answers_) statuses.push_back(answer ? answer->status : 0);
  std::ranges::sort(statuses);
  EXPECT_EQ(statuses, (std::vector<int>{204, 404, 405}));
}

TEST_F(ClientGet, Rfc9110Section15_5_6WhatASessionsPathAllowsIsNamed) {
  start();
  ask("/", trusting());
  client_->run();
  ASSERT_EQ(answers_.size(), 1U);
  ASSERT_TRUE(answers_[0]) << answers_[0].error().message;
  EXPECT_EQ(answers_[0]->status, 405);
  EXPECT_EQ(field(*answers_[0], "allow"), "CONNECT");
}

// What is HTTP/1.1's is left out (RFC 9114 §4.2): the same handler answers there.
TEST_F(ClientGet, AHandlersContentTypeAndDateTakeThePlaceOfOursAndItsConnectionFieldsAreNotSent) {
  start();
  ask("/own-fields", trusting());
  client_->run();
  ASSERT_EQ(answers_.size(), 1U);
  ASSERT_TRUE(answers_[0]) << answers_[0].error().message;
  using Headers = std::vector<std::pair<std::string, std::string>>;
  EXPECT_EQ(answers_[0]->headers, (Headers{{"content-length", "2"},
                                           {"content-type", "application/json"},
                                           {"date", "Thu, 01 Jan 1970 00:00:00 GMT"}}));
  EXPECT_EQ(answers_[0]->body, "{}");
}

TEST_F(ClientGet, AResponseWithoutABodyHasNoneAndAnInterimStatusOfAHandlerIs500) {
  start();
  for (const char* path : {"/103", "/204", "/304", "/205"}) {
    ask(path, trusting());
    client_->run();
  }
  ASSERT_EQ(answers_.size(), 4U);
  for (const auto& answer : answers_) ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answers_[0]->status, 500);
  for (const std::size_t i : {1U, 2U}) {
    EXPECT_EQ(answers_[i]->body, "");
    EXPECT_EQ(field(*answers_[i], "content-length"), "");
  }
  EXPECT_EQ(answers_[3]->body, "");
  EXPECT_EQ(field(*answers_[3], "content-length"), "0") << "RFC 9110 §15.3.6";
}

TEST_F(ClientGet, ManyRequestsShareAConnectionAlsoWithSessions) {
  start();
  ConnectOptions sharing = trusting();
  sharing.reuse_connection = true;
  bool opened = false;
  ASSERT_TRUE(client_->connect(url_ + "/",
                               std::make_unique<Called>(Calls{.on_open =
                                                                  [&](Session& session) {
                                                                    opened = true;
                                                                    session.close();
                                                                  }}),
                               sharing));
  for (int i = 0; i < 150; ++i) ask("/hello?" + std::to_string(i), trusting());  // more than streams at a time
  client_->run();
  EXPECT_TRUE(opened);
  ASSERT_EQ(answers_.size(), 150U);
  std::vector<std::string> bodies;
  for (const auto& answer : answers_) bodies.push_back(answer ? answer->body : answer.error().message);
  for (int i = 0; i < 150; ++i) {
    EXPECT_TRUE(std::ranges::find(bodies, "hello " + std::to_string(i)) != bodies.end()) << i;
  }
  EXPECT_EQ(server_->server().stats().connections_accepted, 1U);
}

TEST_F(ClientGet, WhoAsksAgainInTheAnswerKeepsTheConnection) {
  start();
  int left = 5;
  std::function<void(const Result<Response, Error>&)> again = [&](const Result<Response, Error>& answer) {
    EXPECT_TRUE(answer);
    if (--left == 0) return;
    EXPECT_TRUE(client_->get(url_ + "/hello", again, trusting()));
  };
  ASSERT_TRUE(client_->get(url_ + "/hello", again, trusting()));
  client_->run();
  EXPECT_EQ(left, 0);
  EXPECT_EQ(server_->server().stats().connections_accepted, 1U);
}

TEST_F(ClientGet, ABodyThatResponsesShare) {
  start();
  for (int i = 0; i < 2; ++i) ask("/shared", trusting());
  client_->run();
  for (const auto& answer : answers_) EXPECT_EQ(answer ? answer->body : answer.error().message, "shared");
}

TEST_F(ClientGet, ALargeBodyInPartsAndWhole) {
  start();
  class Parts final : public ResponseHandler {
   public:
    Parts(std::string& body, bool& whole) : body_(body), whole_(whole) {}
    void on_head(const Response& head) override { EXPECT_EQ(head.status, 200); }
    bool on_body(ByteView part) override {
      body_ += as_text(part);
      return true;
    }
    void on_end(const Result<void, Error>& result) override { whole_ = result.has_value(); }

   private:
    std::string& body_;
    bool& whole_;
  };
  std::string body;
  bool whole = false;
  ASSERT_TRUE(client_->get(url_ + "/big", std::make_unique<Parts>(body, whole), trusting()));
  ask("/big", trusting());
  client_->run();
  EXPECT_TRUE(whole);
  EXPECT_TRUE(body == pattern(kBigBytes));
  ASSERT_TRUE(answers_[0]);
  EXPECT_TRUE(answers_[0]->body == body);
}

// It went on as if nothing had happened, and ended as a success.
TEST_F(ClientGet, AnExceptionOfTheHandlerEndsTheRequestWithAnError) {
  start();
  class Throwing final : public ResponseHandler {
   public:
    Throwing(bool in_head, std::string& events) : in_head_(in_head), events_(events) {}
    void on_head(const Response&) override {
      events_ += "head ";
      if (in_head_) throw std::runtime_error{"user"};
    }
    bool on_body(ByteView) override {
      events_ += "body ";
      throw std::runtime_error{"user"};
    }
    void on_end(const Result<void, Error>& result) override { events_ += result ? "whole" : result.error().message; }

   private:
    const bool in_head_;
    std::string& events_;
  };
  std::string of_head, of_body;
  ASSERT_TRUE(client_->get(url_ + "/big", std::make_unique<Throwing>(true, of_head), trusting()));
  ASSERT_TRUE(client_->get(url_ + "/big", std::make_unique<Throwing>(false, of_body), trusting()));
  client_->run();
  EXPECT_EQ(of_head, "head the handler of the response threw");
  EXPECT_EQ(of_body, "head body the response is not wanted any more");
}

TEST_F(ClientGet, ABodyAboveTheLimitIsAnError) {
  ClientOptions small;
  small.limits.message_bytes_max = 100'000;
  start(small);
  ask("/big", trusting());
  ask("/hello", trusting());
  client_->run();
  ASSERT_EQ(answers_.size(), 2U);
  const auto failed = std::ranges::find_if(answers_, [](const auto& answer) { return !answer; });
  ASSERT_TRUE(failed != answers_.end());
  EXPECT_NE(failed->error().message.find("message_bytes_max"), std::string::npos) << failed->error().message;
  EXPECT_TRUE(std::ranges::any_of(answers_, [](const auto& answer) { return answer && answer->body == "hello "; }));
}

TEST_F(ClientGet, WhatCannotBeAsked) {
  start();
  const auto done = [](const Result<Response, Error>&) { ADD_FAILURE() << "told twice"; };
  for (const char* url : {"http://127.0.0.1/", "ws://127.0.0.1/", "nonsense", "https://"}) {
    const auto asked = client_->get(url, done);
    ASSERT_FALSE(asked) << url;
    EXPECT_NE(asked.error().message.find("cannot get"), std::string::npos) << asked.error().message;
  }
  ConnectOptions bad = trusting();
  bad.headers.emplace_back("te", "gzip");
  ask("/hello", bad);
  client_->run();
  ASSERT_EQ(answers_.size(), 1U);
  EXPECT_NE(answers_[0].error().message.find("header field"), std::string::npos) << answers_[0].error().message;
}

TEST_F(ClientGet, AnUntrustedCertificateIsAnError) {
  start();
  ask("/hello", {});
  client_->run();
  ASSERT_EQ(answers_.size(), 1U);
  EXPECT_FALSE(answers_[0]);
}

TEST_F(ClientGet, AServerThatIsSilentIsGivenUp) {
  const std::string wanted = "too long";
  const std::string told = told_at_a_limit(wanted, [&](Duration limit) -> std::string {
    start_raw();
    answers_.clear();
    ConnectOptions hasty = trusting();
    hasty.timeout = limit;
    ask("/", hasty);
    EXPECT_TRUE(raw_->turn_until([&] { return !answers_.empty(); }, [&] { client_->run_once(1ms); }));
    return answers_.empty() || answers_[0] ? "no error" : answers_[0].error().message;
  });
  EXPECT_NE(told.find(wanted), std::string::npos) << told;
}

TEST_F(ClientGet, WhateverTheAnswersHandlerThrowsIsLogged) {
  const QuietLog log;
  client_ = std::make_unique<Client>();
  int calls = 0;
  const auto throws = [&](const Result<Response, Error>& answer) {
    EXPECT_FALSE(answer);
    ++calls;
    throw 42;
  };
  ASSERT_TRUE(client_->get("https://127.0.0.1:1/", throws, {}));  // nobody is there
  client_->run();
  EXPECT_EQ(calls, 1);
  EXPECT_NE(log.text().find("not a std::exception"), std::string::npos) << log.text();
}

TEST_F(ClientGet, AResponseThatStopsInTheMiddleIsGivenUp) {
  start_raw();
  raw_->on_data_do = [&](std::uint64_t id) {
    if (id == 0) raw_->write(0, raw::headers({{":status", "200"}}) + raw::data("half"));
  };
  ConnectOptions hasty = trusting();
  hasty.timeout = 300ms;
  ask("/", hasty);
  ASSERT_TRUE(raw_->turn_until([&] { return !answers_.empty(); }, [&] { client_->run_once(1ms); }));
  EXPECT_FALSE(answers_[0]);
}

TEST_F(ClientGet, TheLastRequestEndsAConnectionWhoseSessionWasAbortedMeanwhile) {
  raw_ = std::make_unique<RawQuic>(write_certificate(folder_));
  raw_->on_ready_do = [this] { raw_->open(Direction::unidirectional, raw::control_stream()); };
  std::optional<std::uint64_t> asked;  // the stream of the request; the session has one for its messages
  raw_->on_data_do = [&](std::uint64_t id) {
    if (id != 0 && raw_->stream(id).data.starts_with('\1')) asked = id;  // HEADERS
  };
  url_ = "https://127.0.0.1:" + std::to_string(raw_->port());
  ClientOptions client;
  client.limits.close_timeout = 100ms;
  client_ = std::make_unique<Client>(client);
  ConnectOptions shared = trusting();
  shared.reuse_connection = true;
  bool closed = false;
  const Calls calls{.on_close = [&](Session&, const CloseInfo&) { closed = true; }};
  const auto session = client_->connect(url_ + "/session", std::make_unique<Called>(calls), shared);
  ASSERT_TRUE(session);
  const auto turn = [&] { client_->run_once(1ms); };
  ASSERT_TRUE(raw_->turn_until([&] { return !raw_->stream(0).data.empty(); }, turn));
  raw_->write(0, raw::headers({{":status", "200"}}));
  ask("/", shared);
  ASSERT_TRUE(raw_->turn_until([&] { return asked.has_value(); }, turn));
  client_->post(*session, [](Session& one) { one.abort(); });
  ASSERT_TRUE(raw_->turn_until([&] { return closed; }, turn));
  raw_->write(*asked, raw::headers({{":status", "200"}}), true);
  EXPECT_TRUE(raw_->turn_until([&] { return raw_->closed().has_value(); }, turn));
  EXPECT_EQ(answers_.size(), 1U);
}

// Each part renews the time. A machine that lets this thread wait for as long gets more of it.
TEST_F(ClientGet, AResponseThatGoesOnMayTakeLongerThanTheTimeout) {
  Duration timeout = 2s;  // far more than from one part to the next
  GoneOn gone_on = go_on_beyond(timeout);
  for (int i = 0; i < 2 && gone_on.pause_max > timeout / 2; ++i) gone_on = go_on_beyond(timeout *= 2);
  ASSERT_EQ(answers_.size(), 1U);
  ASSERT_TRUE(answers_[0]) << answers_[0].error().message;
  EXPECT_EQ(answers_[0]->body, gone_on.sent);
}

TEST_F(ClientGet, AnInterimResponseIsSkipped) {
  start_raw();
  EXPECT_EQ(
      error_of_raw([&] {
        raw_->write(0, raw::headers({{":status", "103"}}) + raw::headers({{":status", "200"}}) + raw::data("x"), true);
      }),
      "");
  ASSERT_TRUE(answers_[0]);
  EXPECT_EQ(answers_[0]->status, 200);
  EXPECT_EQ(answers_[0]->body, "x");
}

TEST_F(ClientGet, AResetIsAnError) {
  start_raw();
  EXPECT_NE(error_of_raw([&] { raw_->connection().reset(0, h3::code::kInternalError); }).find("reset"),
            std::string::npos);
}

TEST_F(ClientGet, ABodyOfAnotherLengthIsAnError) {
  start_raw();
  EXPECT_NE(error_of_raw([&] {
              raw_->write(0, raw::headers({{":status", "200"}, {"content-length", "5"}}) + raw::data("four"), true);
            }),
            "");
}

TEST_F(ClientGet, AnEndWithoutAResponseIsAnError) {
  start_raw();
  EXPECT_NE(error_of_raw([&] { raw_->write(0, {}, true); }), "");
}

TEST_F(ClientGet, AConnectionThatIsClosedIsAnError) {
  start_raw();
  EXPECT_EQ(error_of_raw([&] { raw_->connection().close(h3::code::kNoError, "restarting"); }), "restarting");
}

TEST_F(ClientGet, AClientThatEndsMeanwhileTellsAll) {
  start();
  for (int i = 0; i < 3; ++i) ask("/big", trusting());
  client_->run_once(1ms);
  client_ = nullptr;
  EXPECT_EQ(answers_.size(), 3U);
}

}  // namespace
}  // namespace plait::test
