// Several WebTransport sessions of a client on one QUIC connection.
#include "h3/error.hpp"
#include "integration/server/raw_quic.hpp"

namespace plait::test {
namespace {

using quic::Direction;

class ConnectionReuse : public SecureServer, public testing::Test {
 protected:
  void start(ServerOptions options = {}) {
    make(std::move(options));
    url_ = server_->listen("https");
    server_->start();
  }
  [[nodiscard]] ConnectOptions options(bool reuse = true) const {
    ConnectOptions options = trusting();
    options.reuse_connection = reuse;
    return options;
  }
  /// A client's session that counts itself, and says what on_open is to do.
  void connect(Client& client, const ConnectOptions& options, std::function<void(Session&)> on_open = {}) {
    Calls calls{.on_open =
                    [this, on_open](Session& session) {
                      opened_.push_back(session.id());
                      if (on_open) on_open(session);
                    },
                .on_message = [this](Session&, const Message& message) { echoes_.emplace_back(message.text()); },
                .on_close = [this](Session&, const CloseInfo& info) { closed_.push_back(info); }};
    const auto id = client.connect(url_, std::make_unique<Called>(calls), options);
    ASSERT_TRUE(id) << id.error().message;
    asked_.push_back(*id);
  }
  void close_all(Client& client) {
    for (const SessionId id : opened_) client.post(id, [](Session& session) { session.close(); });
  }
  [[nodiscard]] std::uint64_t accepted() { return server_->server().stats().connections_accepted; }
  [[nodiscard]] std::uint64_t open_connections() { return server_->server().stats().connections_open; }

  std::string url_;
  std::vector<SessionId> asked_, opened_;
  std::vector<std::string> echoes_;
  std::vector<CloseInfo> closed_;
};

TEST_F(ConnectionReuse, SessionsThatAskForItShareOneConnection) {
  start();
  Client client;
  for (int i = 0; i < 5; ++i) {
    connect(client, options(), [i](Session& session) { session.send(Message::text(std::to_string(i))); });
  }
  ASSERT_TRUE(turn_until(client, [&] { return echoes_.size() == 5; }));
  EXPECT_EQ(accepted(), 1U);
  for (const SessionId id : asked_) EXPECT_TRUE(std::ranges::find(opened_, id) != opened_.end());
  connect(client, options());  // also one that comes when the connection is there
  ASSERT_TRUE(turn_until(client, [&] { return opened_.size() == 6; }));
  EXPECT_EQ(accepted(), 1U);
  close_all(client);
  client.run();
  EXPECT_EQ(closed_.size(), 6U);
  for (const CloseInfo& info : closed_) EXPECT_TRUE(info.clean) << info.reason;
  EXPECT_TRUE(wait_until([&] { return open_connections() == 0; })) << "it ends with its last session";
}

TEST_F(ConnectionReuse, ByDefaultEachSessionHasItsOwn) {
  start();
  Client client;
  for (int i = 0; i < 3; ++i) connect(client, options(i == 0));
  ASSERT_FALSE(ConnectOptions{}.reuse_connection);
  ASSERT_TRUE(turn_until(client, [&] { return opened_.size() == 3; }));
  EXPECT_EQ(accepted(), 3U);
}

TEST_F(ConnectionReuse, AnotherChoiceOfCertificatesSharesNothing) {
  start();
  Client client;
  ConnectOptions unverified = options();
  unverified.verify_certificate = false;
  connect(client, options());
  connect(client, unverified);
  connect(client, options());
  ASSERT_TRUE(turn_until(client, [&] { return opened_.size() == 3; }));
  EXPECT_EQ(accepted(), 2U);
}

TEST_F(ConnectionReuse, OneSessionEndsWithoutTheOthers) {
  start();
  Client client;
  connect(client, options(), [](Session& session) { session.close(1000, "done"); });
  connect(client, options());
  ASSERT_TRUE(turn_until(client, [&] { return closed_.size() == 1 && opened_.size() == 2; }));
  client.post(opened_[0] == asked_[1] ? opened_[0] : opened_[1],
              [](Session& session) { session.send(Message::text("still here")); });
  ASSERT_TRUE(turn_until(client, [&] { return !echoes_.empty(); }));
  EXPECT_EQ(echoes_.front(), "still here");
  EXPECT_EQ(accepted(), 1U);
}

TEST_F(ConnectionReuse, AfterTheLastSessionThereIsANewConnection) {
  start();
  Client client;
  for (int round = 1; round <= 2; ++round) {
    connect(client, options(), [](Session& session) { session.close(); });
    client.run();
    EXPECT_EQ(closed_.size(), static_cast<std::size_t>(round));
  }
  EXPECT_EQ(accepted(), 2U);
}

TEST_F(ConnectionReuse, WhoConnectsAgainInOnCloseKeepsTheConnection) {
  start();
  Client client;
  int left = 3;
  std::function<void()> again = [&] {
    Calls calls{.on_open = [](Session& session) { session.close(); },
                .on_close =
                    [&](Session&, const CloseInfo& info) {
                      EXPECT_TRUE(info.clean) << info.reason;
                      if (--left > 0) again();
                    }};
    EXPECT_TRUE(client.connect(url_, std::make_unique<Called>(calls), options()));
  };
  again();
  client.run();
  EXPECT_EQ(left, 0);
  EXPECT_EQ(accepted(), 1U);
}

TEST_F(ConnectionReuse, MoreThanTheServerAllowsGetAnotherConnection) {
  start();
  Client client;
  for (int i = 0; i < 20; ++i) connect(client, options());  // the server allows 16
  ASSERT_TRUE(turn_until(client, [&] { return opened_.size() == 20; })) << closed_.size() << " failed";
  EXPECT_EQ(accepted(), 2U);
}

TEST_F(ConnectionReuse, TheEndOfTheConnectionReachesEverySession) {
  start();
  Client client;
  for (int i = 0; i < 3; ++i) connect(client, options());
  ASSERT_TRUE(turn_until(client, [&] { return opened_.size() == 3; }));
  server_ = nullptr;
  ASSERT_TRUE(turn_until(client, [&] { return closed_.size() == 3; }));
}

TEST_F(ConnectionReuse, AFailedHandshakeReachesEveryoneThatWaits) {
  start();
  Client client;
  ConnectOptions untrusted = options();
  untrusted.certificate_authority_file.clear();
  for (int i = 0; i < 3; ++i) connect(client, untrusted);
  client.run();
  ASSERT_EQ(closed_.size(), 3U);
  EXPECT_TRUE(opened_.empty());
  for (const CloseInfo& info : closed_) EXPECT_EQ(info.reason, closed_.front().reason);
  EXPECT_FALSE(closed_.front().reason.empty());
}

TEST_F(ConnectionReuse, WhoGivesUpDoesNotEndTheWaitOfOthers) {
  RawQuic server{write_certificate(folder_)};
  url_ = "https://127.0.0.1:" + std::to_string(server.port()) + "/";
  Client client;
  connect(client, options());
  ASSERT_TRUE(server.turn_until([&] { return server.ready(); }, [&] { client.run_once(1ms); }));
  const auto give_up = [&](Duration limit) -> std::string {
    ConnectOptions hasty = options();
    hasty.timeout = limit;
    closed_.clear();
    connect(client, hasty);
    EXPECT_TRUE(server.turn_until([&] { return !closed_.empty(); }, [&] { client.run_once(1ms); }));
    return closed_.empty() ? "" : closed_.front().reason;
  };
  const std::string wanted = "the server's SETTINGS did not come in time";
  EXPECT_EQ(told_at_a_limit(wanted, give_up), wanted);
  EXPECT_EQ(closed_.size(), 1U);
  EXPECT_FALSE(server.closed()) << "one still waits for the SETTINGS";
  server.open(Direction::unidirectional, raw::control_stream());
  EXPECT_TRUE(server.turn_until([&] { return !server.stream(0).data.empty(); }, [&] { client.run_once(1ms); }));
}

// draft-ietf-webtrans-http3 §5.1: without flow control one session is all.
TEST_F(ConnectionReuse, WithoutFlowControlThereIsNoSecondSession) {
  RawQuic server{write_certificate(folder_)};
  url_ = "https://127.0.0.1:" + std::to_string(server.port()) + "/";
  h3::Settings settings = h3::webtransport_settings();
  settings.webtransport.initial_data = 0;
  settings.webtransport.initial_streams_uni = 0;
  settings.webtransport.initial_streams_bidi = 0;
  int connections = 0;
  server.on_ready_do = [&] {
    ++connections;
    server.open(Direction::unidirectional, raw::control_stream(settings));
  };
  Client client;
  connect(client, options());
  connect(client, options());
  ASSERT_TRUE(server.turn_until([&] { return connections == 2; }, [&] { client.run_once(1ms); }));
  EXPECT_TRUE(server.stream(4).data.empty()) << "the second session is asked for elsewhere";
}

TEST_F(ConnectionReuse, AServerThatGoesAwayGetsNoNewSession) {
  RawQuic server{write_certificate(folder_)};
  url_ = "https://127.0.0.1:" + std::to_string(server.port()) + "/";
  int connections = 0;
  std::uint64_t control = 0;
  server.on_ready_do = [&] {
    ++connections;
    control = server.open(Direction::unidirectional, raw::control_stream());
  };
  Client client;
  const auto turn = [&] { client.run_once(1ms); };
  connect(client, options());
  ASSERT_TRUE(server.turn_until([&] { return !server.stream(0).data.empty(); }, turn));
  server.write(0, raw::headers({{":status", "200"}}));
  ASSERT_TRUE(server.turn_until([&] { return opened_.size() == 1; }, turn));
  server.write(control, raw::goaway(4));
  ASSERT_TRUE(server.turn_until([&] { return server.connection().buffered_bytes(control) == 0; }, turn));
  connect(client, options());
  EXPECT_TRUE(server.turn_until([&] { return connections == 2; }, turn));
  EXPECT_TRUE(closed_.empty());
}

TEST_F(ConnectionReuse, AClientThatEndsMeanwhileTellsAll) {
  start();
  {
    Client client;
    for (int i = 0; i < 3; ++i) connect(client, options());
  }
  EXPECT_EQ(closed_.size(), 3U);
  {
    Client client;
    for (int i = 0; i < 3; ++i) connect(client, options());
    client.run_once(1ms);
  }
  EXPECT_EQ(closed_.size(), 6U);
}

}  // namespace
}  // namespace plait::test
