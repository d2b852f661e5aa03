// QUIC connections as a whole: resumed, refused, and left by clients that are gone at once.
#include "integration/server/support.hpp"

namespace plait::test {
namespace {

class QuicConnections : public SecureServer, public testing::Test {
 protected:
  void start(const std::string& wire = "https", ServerOptions options = {}) {
    make(std::move(options));
    url_ = server_->listen(wire);
    server_->start();
  }
  /// A session that is opened, closed, and gone with its connection. How it ended.
  CloseInfo visit(Client& client, const ConnectOptions& options) {
    CloseInfo closed;
    const Calls calls{.on_open = [](Session& session) { session.close(); },
                      .on_close = [&](Session&, const CloseInfo& info) { closed = info; }};
    EXPECT_TRUE(client.connect(url_, std::make_unique<Called>(calls), options));
    client.run();
    EXPECT_TRUE(turn_until(client, [&] { return client.is_idle(); }));
    return closed;
  }

  /// Unless the client asks for none.
  void expect_a_second_visit_is_resumed() {
    Client client;
    EXPECT_TRUE(visit(client, trusting()).clean);
    EXPECT_EQ((*server_)->stats().quic_resumed, 0U);
    EXPECT_TRUE(visit(client, trusting()).clean);
    EXPECT_EQ((*server_)->stats().quic_resumed, 1U);
    ConnectOptions stranger = trusting();
    stranger.resume = false;
    EXPECT_TRUE(visit(client, stranger).clean);
    EXPECT_EQ((*server_)->stats().quic_resumed, 1U);
  }

  std::string url_;
};

TEST_F(QuicConnections, AClientThatComesAgainIsResumed) {
  start();
  expect_a_second_visit_is_resumed();
}

TEST_F(QuicConnections, ARawClientThatComesAgainIsResumed) {
  start("quic");
  expect_a_second_visit_is_resumed();
}

TEST_F(QuicConnections, RefusedOnesAreCounted) {
  ServerOptions limited;
  limited.limits.connections_max = 1;
  start("https", limited);
  Client client;
  bool open = false;
  const auto first =
      client.connect(url_, std::make_unique<Called>(Calls{.on_open = [&](Session&) { open = true; }}), trusting());
  ASSERT_TRUE(first);
  EXPECT_TRUE(turn_until(client, [&] { return open; }));
  Client other;
  EXPECT_EQ(visit(other, trusting()).code, close_code::kAbnormal);
  EXPECT_EQ((*server_)->stats().connections_refused, 1U);
}

TEST_F(QuicConnections, AClientThatIsGoneAtOnceLeavesNothing) {
  start();
  for (int turns = 0; turns < 60; ++turns) {
    {
      Client client;
      ASSERT_TRUE(client.connect(url_, std::make_unique<Called>(Calls{}), trusting()));
      for (int i = 0; i < turns % 20; ++i) client.run_once(1ms);
    }
    // Far less than the idle timeout.
    EXPECT_TRUE(wait_until([&] { return (*server_)->stats().connections_open == 0; })) << turns;
    EXPECT_EQ((*server_)->stats().sessions_open, 0U) << turns;
  }
  // Whatever they have sent came before this one, which the server has seen to its end.
  Client last;
  EXPECT_TRUE(visit(last, trusting()).clean);
  EXPECT_TRUE(wait_until([&] { return (*server_)->stats().connections_open == 0; }));
  EXPECT_GT((*server_)->stats().connections_accepted, 1U) << "the last is not the only one that it heard of";
}

TEST_F(QuicConnections, ManyThatAreGoneAtOnceLeaveNothing) {
  constexpr Duration kForAllHandshakes = 25s;
  ServerOptions patient;
  patient.limits.handshake_timeout = kForAllHandshakes;
  start("https", patient);
  ConnectOptions options = trusting();
  options.timeout = kForAllHandshakes;
  constexpr std::size_t kSessions = 300;
  {
    Client client;
    std::size_t open = 0;
    for (std::size_t i = 0; i < kSessions; ++i) {
      ASSERT_TRUE(client.connect(url_, std::make_unique<Called>(Calls{.on_open = [&](Session&) { ++open; }}), options));
    }
    EXPECT_TRUE(turn_until(client, [&] { return open == kSessions; }));
  }
  EXPECT_TRUE(wait_until([&] { return (*server_)->stats().connections_open == 0; }))
      << (*server_)->stats().connections_open << " are left";
}

}  // namespace
}  // namespace plait::test
