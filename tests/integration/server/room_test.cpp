// Who makes room when connections or file descriptors run out, and who is told of it.
#include <sys/resource.h>
#include <unistd.h>

#include "integration/server/wires.hpp"

namespace plait::test {
namespace {

/// Lets this process open `more` files than it has open, and no others, while it lives.
class FewFiles {
 public:
  explicit FewFiles(int more) {
    EXPECT_EQ(::getrlimit(RLIMIT_NOFILE, &before_), 0);
    const int next = ::dup(STDERR_FILENO);
    ::close(next);
    const rlimit few{.rlim_cur = static_cast<rlim_t>(next + more), .rlim_max = before_.rlim_max};
    EXPECT_EQ(::setrlimit(RLIMIT_NOFILE, &few), 0);
  }
  FewFiles(const FewFiles&) = delete;
  FewFiles& operator=(const FewFiles&) = delete;
  ~FewFiles() { EXPECT_EQ(::setrlimit(RLIMIT_NOFILE, &before_), 0); }

 private:
  rlimit before_{};
};

constexpr const char* kGet = "GET /page HTTP/1.1\r\nHost: localhost\r\n\r\n";

class ServerRoom : public testing::Test {
 protected:
  void start(std::size_t connections_max = 1'000'000) {
    ServerOptions options;
    options.limits.connections_max = connections_max;
    options.limits.handshake_timeout = 60s;
    server_ = std::make_unique<TestServer>(std::move(options));
    port_ = port_of(server_->listen("ws", handler<Echo>(), ""));
    (*server_)->http("/page", [](const HttpRequest&) { return HttpResponse{.body = "page"}; });
    (*server_)->http("/large", [](const HttpRequest&) { return HttpResponse{.body = pattern(kLargeBytes)}; });
    server_->start();
    log_ = std::make_unique<QuietLog>();
  }
  /// One that has had a page and may ask for more.
  std::unique_ptr<RawClient> idle() {
    auto client = std::make_unique<RawClient>(port_);
    expect_page(*client);
    return client;
  }
  static void expect_page(RawClient& client) {
    client.send(kGet);
    EXPECT_EQ(client.read_to("\r\n\r\npage").substr(0, 12), "HTTP/1.1 200");
  }
  static void expect_session(RawClient& client) { EXPECT_EQ(client.upgrade().substr(0, 12), "HTTP/1.1 101"); }
  [[nodiscard]] std::size_t times_logged(std::string_view words) const {
    const std::string text = log_->text();
    std::size_t count = 0;
    for (std::size_t at = text.find(words); at != std::string::npos; at = text.find(words, at + 1)) ++count;
    return count;
  }

  static constexpr std::size_t kLargeBytes = std::size_t{256} << 10;
  std::unique_ptr<TestServer> server_;
  std::unique_ptr<QuietLog> log_;
  std::uint16_t port_ = 0;
};

TEST_F(ServerRoom, TheConnectionThatHasBeenIdleLongestMakesRoomAtConnectionsMax) {
  start(3);
  const auto first = idle();
  const auto second = idle();
  const auto third = idle();
  expect_page(*first);  // now the second has been idle longest
  RawClient newcomer{port_};
  expect_session(newcomer);
  EXPECT_EQ(second->read_all(), "");
  expect_page(*first);
  expect_page(*third);
  EXPECT_EQ((*server_)->stats().connections_refused, 1U);
}

TEST_F(ServerRoom, IdleConnectionsMakeRoomWhenDescriptorsRunOut) {
  start();
  const auto first = idle();
  const auto second = idle();
  std::vector<std::unique_ptr<RawClient>> newcomers;
  for (RawClient* idle : {first.get(), second.get()}) {
    const FewFiles files{1};
    newcomers.push_back(std::make_unique<RawClient>(port_));  // has the last one
    expect_session(*newcomers.back());
    EXPECT_EQ(idle->read_all(), "");
  }
  EXPECT_EQ(times_logged("ulimit -n; LimitNOFILE="), 1U) << log_->text();
}

// After a second, in which an honest one is done.
TEST_F(ServerRoom, HalfOpenConnectionsMakeRoom) {
  start(2);
  const RawClient first{port_};
  const RawClient second{port_};
  ASSERT_TRUE(wait_until([&] { return (*server_)->stats().connections_accepted == 2; }));
  EXPECT_TRUE(wait_until([&] {
    RawClient newcomer{port_};
    newcomer.send(kGet);
    return newcomer.read_to("\r\n\r\npage").starts_with("HTTP/1.1 200");
  }));
  EXPECT_FALSE(first.is_silent()) << "it was cut";
}

TEST_F(ServerRoom, ARequestUnderWayIsFinished) {
  start(1);
  const auto first = idle();
  first->send(std::string_view{kGet}.substr(0, 20));
  EXPECT_EQ(RawClient{port_}.read_all(), "");
  first->send(std::string_view{kGet}.substr(20));
  EXPECT_EQ(first->read_to("\r\n\r\npage").substr(0, 12), "HTTP/1.1 200");
}

TEST_F(ServerRoom, AResponseUnderWayIsFinished) {
  start(1);
  RawClient first{port_, 4096};
  first.send("GET /large HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_EQ(first.read_to("\r\n\r\n").substr(0, 12), "HTTP/1.1 200");
  EXPECT_EQ(RawClient{port_}.read_all(), "");
  EXPECT_EQ(first.read_exactly(kLargeBytes), pattern(kLargeBytes));
}

TEST_F(ServerRoom, SessionsMakeNoneAndTheLimitIsNamedOnce) {
  start(1);
  RawClient first{port_};
  expect_session(first);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(RawClient{port_}.read_all(), "");
  first.send(text_frame("still here"));
  EXPECT_EQ(first.read_frame().payload, "still here");
  EXPECT_EQ(times_logged("connections_max allows (1)"), 1U) << log_->text();
}

class FullServer : public EveryWire {};

TEST_P(FullServer, IsNamedAsThePossibleCause) {
  ServerOptions options;
  options.limits.connections_max = 1;
  start(echo(), options);
  const auto first = connect();
  ASSERT_TRUE(first) << first.error().message;
  EXPECT_NE(refusal().find("the server is full"), std::string::npos) << refusal();
}

INSTANTIATE_TEST_SUITE_P(Wires, FullServer, testing::Values("tcp", "tls", "ws", "wss", "unix"),
                         [](const auto& wire) { return wire.param; });

class FullQuicServer : public EveryWire {};

TEST_P(FullQuicServer, SaysSo) {
  ServerOptions options;
  options.limits.connections_max = 1;
  start(echo(), options);
  const auto first = connect();
  ASSERT_TRUE(first) << first.error().message;
  EXPECT_NE(refusal().find("the server refused the connection: it is full"), std::string::npos) << refusal();
}

INSTANTIATE_TEST_SUITE_P(Wires, FullQuicServer, testing::Values("https", "quic"),
                         [](const auto& wire) { return wire.param; });

}  // namespace
}  // namespace plait::test
