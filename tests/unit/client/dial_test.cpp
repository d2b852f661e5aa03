// A server with several addresses, of which some do not answer: which one a client ends at, and when it gives up.
#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <mutex>

#include "client/quic_client.hpp"
#include "client/tcp_dial.hpp"
#include "http/uri.hpp"
#include "integration/server/support.hpp"
#include "net/socket.hpp"
#include "net/udp_socket.hpp"
#include "support/transport_loop.hpp"
#include "transport/tcp/ws_connect.hpp"

namespace plait::client {
namespace {

using namespace std::chrono_literals;
using test::Called;
using test::Calls;

// Each process has two loopback addresses of its own: on one that others use, too, a test that runs at the same time
// may have the port that was free on 127.0.0.1. A process ID has 22 bits at most, so these begin with 127.64 to
// 127.191.
std::string own_loopback(std::uint32_t index) {
  constexpr std::uint32_t kFirst = 127U << 24 | 64U << 16;
  const in_addr address{.s_addr = htonl(kFirst + 2 * static_cast<std::uint32_t>(::getpid()) + index)};
  std::array<char, INET_ADDRSTRLEN> text{};
  EXPECT_NE(::inet_ntop(AF_INET, &address, text.data(), text.size()), nullptr);
  return text.data();
}

// What "server.test" resolves to, and a loop to connect on.
class DialTest : public testing::Test, protected test::SecureServer, protected transport::TransportLoop {
 protected:
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
    make();
    port_ = test::port_of(server_->listen(scheme));
    server_->start();
  }
  std::unique_ptr<SessionHandler> handler() {
    Calls calls{.on_open = [this](Session& session) { peer_ = session.peer(); },
                .on_close = [this](Session&, const CloseInfo& info) { closed_ = info; }};
    return std::make_unique<Called>(calls);
  }
  SessionId connect_quic(const std::string& scheme, Duration timeout = 20s) {
    ConnectOptions options;
    options.verify_certificate = false;
    options.timeout = timeout;
    options.reuse_connection = share_;
    const auto uri = http::parse_uri(scheme + "://server.test:" + std::to_string(port_) + "/");
    const auto id = quic_->connect(*uri, handler(), {}, options);
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
    return Dial::start(std::make_unique<TcpDial>(context_, *resolver_, settings_, std::move(load)),
                       {.host = "server.test", .port = port_}, std::chrono::steady_clock::now() + timeout);
  }
  bool turn_until(const std::function<bool()>& done) {
    return test::wait_until([&] {
      loop_->run_once(1ms);
      return done();
    });
  }
  /// The name server has the same limit.
  void expect_at_the_limit(const std::string& reason, const std::function<void(Duration limit)>& act) {
    EXPECT_EQ(test::told_at_a_limit(reason,
                                    [&](Duration limit) {
                                      closed_.reset();
                                      act(limit);
                                      EXPECT_TRUE(turn_until([&] { return closed_.has_value(); }));
                                      return closed_ ? closed_->reason : "";
                                    }),
              reason);
  }
  bool turn_until_open() {
    return turn_until([&] { return !peer_.empty() || closed_; }) && !peer_.empty();
  }

  const std::string second_ = own_loopback(0);  // the first is 127.0.0.1, where the server listens
  const std::string third_ = own_loopback(1);
  std::uint16_t port_ = 0;
  DialSettings settings_{.attempt_delay = 20ms};
  std::unique_ptr<net::Resolver> resolver_;
  std::unique_ptr<QuicClient> quic_;
  std::string peer_;
  std::optional<CloseInfo> closed_;
  bool share_ = false;
};

// WebTransport, and QUIC without HTTP/3.
class QuicDial : public DialTest, public testing::WithParamInterface<const char*> {
 protected:
  SessionId connect(Duration timeout = 20s) { return connect_quic(GetParam(), timeout); }
};

TEST_P(QuicDial, GoesOnWhereTheFirstAddressDoesNotAnswer) {
  start_server(GetParam());
  // A socket that nobody reads.
  const auto silent = net::UdpSocket::bind(net::Address{.host = second_, .port = port_}, {});
  ASSERT_TRUE(silent);
  resolve_to({second_, "127.0.0.1"});
  const SessionId id = connect();
  ASSERT_TRUE(turn_until_open()) << (closed_ ? closed_->reason : "");
  EXPECT_EQ(peer_, "127.0.0.1:" + std::to_string(port_));
  ASSERT_NE(context_.entries.find(id), nullptr);
  EXPECT_NE(context_.entries.find(id)->session(), nullptr) << "the ID is that of the session";
  const std::size_t left = GetParam() == std::string{"https"} ? 2 : 1;  // HTTP/3 has a connection below the session
  EXPECT_TRUE(turn_until([&] { return context_.entries.size() == left; })) << "the loser is gone";
}

TEST_P(QuicDial, TriesTheOtherFamily) {
  start_server(GetParam());
  resolve_to({"::1", "127.0.0.1"});  // nobody listens at ::1, if there is IPv6 at all
  connect();
  ASSERT_TRUE(turn_until_open());
  EXPECT_EQ(peer_, "127.0.0.1:" + std::to_string(port_));
}

// The hosts of these addresses say that nobody listens (ICMP): nothing has to be waited for.
TEST_P(QuicDial, GoesOnAtOnceWhereTheFirstAddressRefuses) {
  start_server(GetParam());
  settings_.attempt_delay = 1h;
  resolve_to({second_, "127.0.0.1"});
  connect();
  ASSERT_TRUE(turn_until_open()) << (closed_ ? closed_->reason : "");
  EXPECT_EQ(peer_, "127.0.0.1:" + std::to_string(port_));
}

TEST_P(QuicDial, TellsAtOnceThatNobodyListens) {
  port_ = 1;  // nobody's: one that was free a moment ago may be a parallel test's
  settings_.attempt_delay = 1h;
  resolve_to({"127.0.0.1", "::1"});
  connect(1h);
  ASSERT_TRUE(turn_until([&] { return closed_.has_value(); }));
  EXPECT_NE(closed_->reason.find("nobody listens at this UDP port"), std::string::npos) << closed_->reason;
  EXPECT_TRUE(turn_until([&] { return context_.entries.size() == 0; }));
}

TEST_P(QuicDial, EndsInTimeWhenNobodyAnswers) {
  const auto silent = net::UdpSocket::bind(net::Address{.host = second_}, {});
  const auto other = net::UdpSocket::bind(net::Address{.host = third_, .port = silent->name().port()}, {});
  ASSERT_TRUE(silent && other);
  port_ = silent->name().port();
  resolve_to({second_, third_});
  expect_at_the_limit("no answer: does the peer speak QUIC on this UDP port?", [&](Duration limit) { connect(limit); });
  EXPECT_TRUE(turn_until([&] { return context_.entries.size() == 0; }));
}

TEST_P(QuicDial, CanBeAbortedWhileItDials) {
  const auto silent = net::UdpSocket::bind(net::Address{.host = second_}, {});
  ASSERT_TRUE(silent);
  port_ = silent->name().port();
  resolve_to({second_});
  const SessionId id = connect();
  for (int i = 0; i < 5; ++i) loop_->run_once(1ms);
  context_.entries.find(id)->abort({.reason = "changed my mind"});
  EXPECT_EQ(closed_->reason, "changed my mind");
  EXPECT_EQ(context_.entries.find(id), nullptr);
  EXPECT_TRUE(turn_until([&] { return context_.entries.size() == 0; }));
}

TEST_P(QuicDial, ANameThatCannotBeResolvedIsToldInOnClose) {
  resolver_ = std::make_unique<net::Resolver>(
      *loop_, [](const net::Address&) -> Result<net::Addresses, Error> { return err(Error{"no such host"}); });
  quic_ = std::make_unique<QuicClient>(context_, *resolver_, settings_);
  port_ = 1;
  connect();
  EXPECT_FALSE(closed_) << "not inside the call";
  ASSERT_TRUE(turn_until([&] { return closed_.has_value(); }));
  EXPECT_EQ(closed_->reason, "no such host");
  EXPECT_EQ(context_.entries.size(), 0U);
}

TEST_P(QuicDial, TheLoopTurnsWhileTheNameIsLookedUp) {
  std::mutex held;
  std::unique_lock lock{held};
  std::atomic<bool> asked{false};
  resolver_ = std::make_unique<net::Resolver>(*loop_, [&](const net::Address&) -> Result<net::Addresses, Error> {
    asked = true;
    const std::lock_guard wait{held};
    return err(Error{"no such host"});
  });
  quic_ = std::make_unique<QuicClient>(context_, *resolver_, settings_);
  port_ = 1;
  connect();
  ASSERT_TRUE(turn_until([&] { return asked.load(); }));
  bool turned = false;
  loop_->post([&] { turned = true; });
  EXPECT_TRUE(turn_until([&] { return turned; }));
  EXPECT_FALSE(closed_);
  lock.unlock();
  EXPECT_TRUE(turn_until([&] { return closed_.has_value(); }));
}

INSTANTIATE_TEST_SUITE_P(Schemes, QuicDial, testing::Values("https", "quic"),
                         [](const auto& tested) { return std::string{tested.param}; });

TEST_F(DialTest, SessionsOverRawQuicShareNoConnection) {
  start_server("quic");
  resolve_to({"127.0.0.1"});
  share_ = true;
  const SessionId first = connect_quic("quic");
  const SessionId second = connect_quic("quic");
  const auto is_open = [&](SessionId id) {
    return context_.entries.find(id) != nullptr && context_.entries.find(id)->session() != nullptr;
  };
  ASSERT_TRUE(turn_until([&] { return (is_open(first) && is_open(second)) || closed_; }));
  EXPECT_EQ(context_.counters.connections_open.get(), 2U);
}

TEST_F(DialTest, TcpGoesOnWhereTheFirstAddressDoesNotAnswer) {
  start_server("ws");
  // A listener whose backlog is full: the kernel drops further SYNs.
  auto full = net::Listener::bind({.host = second_, .port = port_}, {.backlog = 0, .reuse_port = false});
  ASSERT_TRUE(full);
  std::vector<net::Socket> fillers;
  for (int i = 0; i < 8; ++i) fillers.push_back(*net::Socket::connect({.host = second_, .port = port_}));
  resolve_to({second_, "127.0.0.1"});
  const SessionId id = connect_tcp();
  ASSERT_TRUE(turn_until_open()) << (closed_ ? closed_->reason : "");
  EXPECT_EQ(peer_, "127.0.0.1:" + std::to_string(port_));
  EXPECT_NE(context_.entries.find(id)->session(), nullptr);
}

TEST_F(DialTest, TcpTellsThatNobodyAnswers) {
  auto full = net::Listener::bind({.host = second_}, {.backlog = 0, .reuse_port = false});
  ASSERT_TRUE(full);
  port_ = full->port();
  std::vector<net::Socket> fillers;
  for (int i = 0; i < 8; ++i) fillers.push_back(*net::Socket::connect({.host = second_, .port = port_}));
  resolve_to({second_});
  expect_at_the_limit("no answer: is the address right, or does a firewall drop the packets?",
                      [&](Duration limit) { connect_tcp(limit); });
}

TEST_F(DialTest, TcpGoesOnAtOnceWhereTheFirstAddressRefuses) {
  start_server("ws");
  settings_.attempt_delay = 1h;
  resolve_to({second_, "127.0.0.1"});
  connect_tcp();
  ASSERT_TRUE(turn_until_open());
  EXPECT_EQ(peer_, "127.0.0.1:" + std::to_string(port_));
}

TEST_F(DialTest, TcpTellsWhatWasWrongWithEachAddress) {
  const test::DeafPort deaf{second_};
  port_ = deaf.number();
  resolve_to({second_, third_});
  connect_tcp();
  ASSERT_TRUE(turn_until([&] { return closed_.has_value(); }));
  const std::string port = std::to_string(port_);
  EXPECT_EQ(closed_->reason, second_ + ":" + port + ": connect failed: Connection refused; " + third_ + ":" + port +
                                 ": connect failed: Connection refused");
  EXPECT_EQ(context_.entries.size(), 0U);
}

TEST_F(DialTest, ANameThatCannotBeResolvedIsToldInOnClose) {
  resolver_ = std::make_unique<net::Resolver>(
      *loop_, [](const net::Address&) -> Result<net::Addresses, Error> { return err(Error{"no such host"}); });
  port_ = 1;
  connect_tcp();
  ASSERT_TRUE(turn_until([&] { return closed_.has_value(); }));
  EXPECT_EQ(closed_->reason, "no such host");
}

}  // namespace
}  // namespace plait::client
