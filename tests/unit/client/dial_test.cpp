// A server with several addresses, of which some do not answer: which one a client ends at, and when it gives up.
#include <sys/socket.h>

#include "client/quic_client.hpp"
#include "client/tcp_dial.hpp"
#include "http/uri.hpp"
#include "integration/server/support.hpp"
#include "net/socket.hpp"
#include "net/udp_socket.hpp"
#include "transport/ws_connect.hpp"

namespace plait::client {
namespace {

using namespace std::chrono_literals;
using test::Called;
using test::Calls;

// What "server.test" resolves to, and a loop to connect on.
class DialTest : public testing::Test {
 protected:
  DialTest() : loop_(std::move(*net::Loop::make())), context_(*loop_, limits_, 0, connection_count_) {
    settings_.attempt_delay = 20ms;
  }
  ~DialTest() override { context_.end_connections(); }

  void resolve_to(std::vector<std::string> hosts) {
    resolver_ = std::make_unique<net::Resolver>(*loop_, [hosts](const net::Address& address) {
      net::Addresses found;
      for (const std::string& host : hosts) found.push_back(*net::as_literal({.host = host, .port = address.port}));
      return Result<net::Addresses, Error>{found};
    });
    quic_ = std::make_unique<QuicClient>(context_, *resolver_, settings_);
  }
  void start_server(const std::string& scheme) {
    ServerOptions options;
    options.tls = test::write_certificate(folder_);
    server_ = std::make_unique<test::TestServer>(std::move(options));
    port_ = test::port_of(server_->listen(scheme));
    server_->start();
  }
  std::unique_ptr<SessionHandler> handler() {
    Calls calls{.on_open = [this](Session& session) { peer_ = session.peer(); },
                .on_close = [this](Session&, const CloseInfo& info) { closed_ = info; }};
    return std::make_unique<Called>(calls);
  }
  SessionId connect_quic(Duration timeout = 20s) {
    ConnectOptions options;
    options.verify_certificate = false;
    options.timeout = timeout;
    const auto uri = http::parse_uri("https://server.test:" + std::to_string(port_) + "/");
    const auto id = quic_->connect(*uri, handler(), options);
    EXPECT_TRUE(id);
    return *id;
  }
  SessionId connect_tcp(Duration timeout = 20s) {
    TcpDial::Load load{
        .tls = nullptr, .handler = handler(), .make_protocol = [](auto handler) {
          return std::make_unique<transport::WsConnect>(
              std::move(handler),
              transport::WsConnect::Request{.target = "/", .host = "server.test", .subprotocols = {}, .headers = {}});
        }};
    return TcpDial::start(context_, *resolver_, settings_, {.host = "server.test", .port = port_}, std::move(load),
                          std::chrono::steady_clock::now() + timeout);
  }
  bool turn_until(const std::function<bool()>& done) {
    return test::wait_until([&] {
      loop_->run_once(1ms);
      return done();
    });
  }
  bool turn_until_open() {
    return turn_until([&] { return !peer_.empty() || closed_; }) && !peer_.empty();
  }

  test::Folder folder_;
  std::unique_ptr<test::TestServer> server_;
  std::uint16_t port_ = 0;
  std::unique_ptr<net::Loop> loop_;
  Limits limits_;
  std::atomic<std::size_t> connection_count_{0};
  DialSettings settings_;
  transport::LoopContext context_;
  std::unique_ptr<net::Resolver> resolver_;
  std::unique_ptr<QuicClient> quic_;
  std::string peer_;
  std::optional<CloseInfo> closed_;
};

TEST_F(DialTest, QuicGoesOnWhereTheFirstAddressDoesNotAnswer) {
  start_server("https");
  // 127.0.0.2 is ours, too: a socket that nobody reads.
  const auto silent = net::UdpSocket::bind(net::Address{.host = "127.0.0.2", .port = port_}, {});
  ASSERT_TRUE(silent);
  resolve_to({"127.0.0.2", "127.0.0.1"});
  const SessionId id = connect_quic();
  ASSERT_TRUE(turn_until_open()) << (closed_ ? closed_->reason : "");
  EXPECT_EQ(peer_, "127.0.0.1:" + std::to_string(port_));
  EXPECT_NE(context_.connections.find(id)->session(), nullptr) << "the ID is that of the session";
  EXPECT_TRUE(turn_until([&] { return context_.connections.size() == 2; })) << "the loser is gone";
}

TEST_F(DialTest, QuicTriesTheOtherFamily) {
  start_server("https");
  resolve_to({"::1", "127.0.0.1"});  // nobody listens at ::1, if there is IPv6 at all
  connect_quic();
  ASSERT_TRUE(turn_until_open());
  EXPECT_EQ(peer_, "127.0.0.1:" + std::to_string(port_));
}

TEST_F(DialTest, QuicEndsInTimeWhenNobodyAnswers) {
  const auto silent = net::UdpSocket::bind(net::Address{.host = "127.0.0.2"}, {});
  ASSERT_TRUE(silent);
  port_ = silent->name().port();
  resolve_to({"127.0.0.2", "127.0.0.3"});
  connect_quic(200ms);
  ASSERT_TRUE(turn_until([&] { return closed_.has_value(); }));
  EXPECT_NE(closed_->reason.find("too long"), std::string::npos) << closed_->reason;
  EXPECT_TRUE(turn_until([&] { return context_.connections.size() == 0; }));
}

TEST_F(DialTest, QuicCanBeAbortedWhileItDials) {
  const auto silent = net::UdpSocket::bind(net::Address{.host = "127.0.0.2"}, {});
  ASSERT_TRUE(silent);
  port_ = silent->name().port();
  resolve_to({"127.0.0.2"});
  const SessionId id = connect_quic();
  for (int i = 0; i < 5; ++i) loop_->run_once(1ms);
  context_.connections.find(id)->abort({.reason = "changed my mind"});
  EXPECT_EQ(closed_->reason, "changed my mind");
  EXPECT_EQ(context_.connections.find(id), nullptr);
  EXPECT_TRUE(turn_until([&] { return context_.connections.size() == 0; }));
}

TEST_F(DialTest, TcpGoesOnWhereTheFirstAddressDoesNotAnswer) {
  start_server("ws");
  // A listener whose backlog is full: the kernel drops further SYNs.
  auto full = net::Listener::bind({.host = "127.0.0.2", .port = port_}, {.backlog = 0, .reuse_port = false});
  ASSERT_TRUE(full);
  std::vector<net::Socket> fillers;
  for (int i = 0; i < 8; ++i) fillers.push_back(*net::Socket::connect({.host = "127.0.0.2", .port = port_}));
  resolve_to({"127.0.0.2", "127.0.0.1"});
  const SessionId id = connect_tcp();
  ASSERT_TRUE(turn_until_open()) << (closed_ ? closed_->reason : "");
  EXPECT_EQ(peer_, "127.0.0.1:" + std::to_string(port_));
  EXPECT_NE(context_.connections.find(id)->session(), nullptr);
}

TEST_F(DialTest, TcpGoesOnAtOnceWhereTheFirstAddressRefuses) {
  start_server("ws");
  settings_.attempt_delay = 1h;
  resolve_to({"127.0.0.2", "127.0.0.1"});
  connect_tcp();
  ASSERT_TRUE(turn_until_open());
  EXPECT_EQ(peer_, "127.0.0.1:" + std::to_string(port_));
}

TEST_F(DialTest, TcpTellsWhatWasWrongWithEachAddress) {
  {
    const auto once = net::Listener::bind({.host = "127.0.0.2"});
    ASSERT_TRUE(once);
    port_ = once->port();
  }
  resolve_to({"127.0.0.2", "127.0.0.3"});
  connect_tcp();
  ASSERT_TRUE(turn_until([&] { return closed_.has_value(); }));
  const std::string port = std::to_string(port_);
  EXPECT_EQ(closed_->reason, "127.0.0.2:" + port + ": connect failed: Connection refused; 127.0.0.3:" + port +
                                 ": connect failed: Connection refused");
  EXPECT_EQ(context_.connections.size(), 0U);
}

TEST_F(DialTest, ANameThatCannotBeResolvedIsToldInOnClose) {
  resolver_ = std::make_unique<net::Resolver>(
      *loop_, [](const net::Address&) -> Result<net::Addresses, Error> { return err(Error{"no such host"}); });
  quic_ = std::make_unique<QuicClient>(context_, *resolver_, settings_);
  port_ = 1;
  connect_tcp();
  ASSERT_TRUE(turn_until([&] { return closed_.has_value(); }));
  EXPECT_EQ(std::exchange(closed_, std::nullopt)->reason, "no such host");
  connect_quic();
  ASSERT_TRUE(turn_until([&] { return closed_.has_value(); }));
  EXPECT_EQ(closed_->reason, "no such host");
}

}  // namespace
}  // namespace plait::client
