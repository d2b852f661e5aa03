// Who makes room when connections or file descriptors run out, and who is told of it.
#include <sys/resource.h>
#include <unistd.h>

#include "h3/error.hpp"
#include "integration/server/raw_quic.hpp"
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

// Of those that have only just come. Where it took this machine a second to say so, it says nothing.
TEST_F(ServerRoom, AnOpeningUnderWayMakesNoneAtOnce) {
  bool soon = false;
  for (int i = 0; i < 10 && !soon; ++i) {
    start(1);
    const auto begin = std::chrono::steady_clock::now();
    RawClient first{port_};
    ASSERT_TRUE(wait_until([&] { return (*server_)->stats().connections_accepted == 1; }));
    RawClient newcomer{port_};
    ASSERT_TRUE(wait_until([&] { return (*server_)->stats().connections_refused == 1; }));
    soon = std::chrono::steady_clock::now() - begin < 1s;
    if (soon) expect_page(first);
  }
  EXPECT_TRUE(soon);
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

TEST_F(ServerRoom, BehindAResponseUnderWayTheNextIdleConnectionMakesRoom) {
  start(2);
  RawClient first{port_, 4096};
  first.send("GET /large HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_EQ(first.read_to("\r\n\r\n").substr(0, 12), "HTTP/1.1 200");
  const auto second = idle();
  RawClient newcomer{port_};
  expect_session(newcomer);
  EXPECT_EQ(second->read_all(), "");
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

// --- QUIC ------------------------------------------------------------------------------------------------------------

class QuicRoom : public EveryWire {
 protected:
  void start() {
    ServerOptions options;
    options.limits.connections_max = 1;
    options.limits.handshake_timeout = 60s;
    make(std::move(options));
    listen(handler<Echo>());
    (*server_)->http("/page", [](const HttpRequest&) { return HttpResponse{.body = "page"}; });
    server_->start();
    peer_ = std::make_unique<RawQuic>(port_of(base_), GetParam() == "https" ? "h3" : "plait/1");
  }
  /// Others come until one is let in.
  bool another_gets_in() {
    return peer_->turn_until([&] { return connect().has_value(); });
  }
  [[nodiscard]] bool was_ended() const {
    return peer_->turn_until([&] { return peer_->closed().has_value(); });
  }

  std::unique_ptr<RawQuic> peer_;
};

// After a second, in which an honest one is done.
TEST_P(QuicRoom, AConnectionWhoseHandshakeIsUnderWayMakesRoom) {
  start();
  ASSERT_TRUE(peer_->turn_until([&] { return (*server_)->stats().connections_accepted == 1; }));
  EXPECT_TRUE(wait_until([&] { return connect().has_value(); }));
  EXPECT_TRUE(was_ended());
}

TEST_P(QuicRoom, AConnectionThatSaysNothingMakesRoom) {
  start();
  ASSERT_TRUE(peer_->turn_until_ready());
  EXPECT_TRUE(another_gets_in());
  EXPECT_TRUE(was_ended());
}

INSTANTIATE_TEST_SUITE_P(Wires, QuicRoom, testing::Values("https", "quic"),
                         [](const auto& wire) { return wire.param; });

class Http3Room : public QuicRoom {
 protected:
  void start() {
    QuicRoom::start();
    ASSERT_TRUE(peer_->turn_until_ready());
    peer_->open(quic::Direction::unidirectional, raw::control_stream());
  }
};

TEST_P(Http3Room, AConnectionBetweenRequestsMakesRoom) {
  start();
  const auto page = peer_->open(quic::Direction::bidirectional, raw::request("GET", "/page"), true);
  ASSERT_TRUE(peer_->turn_until([&] { return peer_->stream(page).fin; }));
  EXPECT_TRUE(another_gets_in());
  ASSERT_TRUE(was_ended());
  EXPECT_EQ(peer_->closed()->code, h3::code::kNoError);
}

TEST_P(Http3Room, OneWhoseSessionHasEndedMakesRoom) {
  start();
  const auto session = peer_->open(quic::Direction::bidirectional, raw::connect());
  ASSERT_TRUE(peer_->turn_until([&] { return !peer_->stream(session).data.empty(); }));
  EXPECT_FALSE(connect()) << "a session makes none";
  peer_->write(session, "", true);
  EXPECT_TRUE(another_gets_in());
  EXPECT_TRUE(was_ended());
}

TEST_P(Http3Room, ARequestUnderWayIsFinished) {
  start();
  const auto page = peer_->open(quic::Direction::bidirectional, raw::request("GET", "/page"));
  ASSERT_TRUE(peer_->turn_until([&] { return (*server_)->stats().http_requests == 1; }));
  EXPECT_FALSE(connect());
  peer_->write(page, "", true);
  EXPECT_TRUE(peer_->turn_until([&] { return peer_->stream(page).fin; }));
}

INSTANTIATE_TEST_SUITE_P(Wires, Http3Room, testing::Values("https"), [](const auto& wire) { return wire.param; });

// --- What who finds no room is told ----------------------------------------------------------------------------------

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
