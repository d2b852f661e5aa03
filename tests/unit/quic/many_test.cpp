// Several connections of one endpoint, and what an owner does inside of events.
#include "unit/quic/network.hpp"

namespace plait::quic {
namespace {

struct Many {
  explicit Many(std::size_t count, EndpointConfig config = server_config())
      : server(network.add(address(1), std::move(config))), client(network.add(address(2))) {
    const ClientTls tls = client_tls();
    for (std::size_t i = 0; i < count; ++i) {
      Recorder& recorder = recorders.emplace_back();
      const Path path{address(2, static_cast<std::uint16_t>(1000 + i)), server.at};
      recorder.connection = client.endpoint->connect(path, "localhost", tls, recorder, network.now()).value();
    }
    EXPECT_TRUE(network.run([&] {
      return server.accepted.size() == count && std::ranges::all_of(server.accepted, &Recorder::completed) &&
             std::ranges::all_of(recorders, &Recorder::completed);
    }));
  }
  Network network;
  Host& server;
  Host& client;
  std::deque<Recorder> recorders;
};

TEST(QuicMany, ConnectionsShareOneEndpointAndGetTheirTurns) {
  Many many{20};
  for (Recorder& server : many.server.accepted) {
    const StreamId id = server.connection->open(Direction::unidirectional).value();
    EXPECT_TRUE(server.connection->write(id, Bytes::copy_of(pattern(400'000)), true));
  }
  // By the time that the first one is through, no other is far behind.
  EXPECT_TRUE(many.network.run(
      [&] { return std::ranges::any_of(many.recorders, [](auto& one) { return one.streams[3].fin; }); }));
  for (Recorder& one : many.recorders) EXPECT_GT(one.streams[3].data.size(), 200'000U);
  EXPECT_TRUE(many.network.run(
      [&] { return std::ranges::all_of(many.recorders, [](auto& one) { return one.streams[3].fin; }); }));
}

TEST(QuicMany, StreamsOfOneConnectionGetTheirTurns) {
  Many many{1};
  Connection& connection = *many.server.accepted.front().connection;
  for (int i = 0; i < 10; ++i) {
    const StreamId id = connection.open(Direction::unidirectional).value();
    EXPECT_TRUE(connection.write(id, Bytes::copy_of(pattern(100'000)), true));
  }
  auto& streams = many.recorders.front().streams;
  EXPECT_TRUE(many.network.run([&] { return std::ranges::any_of(streams, [](auto& one) { return one.second.fin; }); }));
  EXPECT_EQ(streams.size(), 10U);
  for (auto& [id, stream] : streams) EXPECT_GT(stream.data.size(), 50'000U) << id;
}

TEST(QuicMany, ClosedOnesAreFreedWhileOthersGoOn) {
  Many many{50};
  for (std::size_t i = 0; i < 50; i += 2) many.recorders[i].connection->close(1, "half of them");
  many.network.run_for(5s);
  EXPECT_EQ(many.client.endpoint->stats().connection_count, 25U);
  EXPECT_EQ(many.server.endpoint->stats().connection_count, 25U);
  for (std::size_t i = 1; i < 50; i += 2) {
    EXPECT_FALSE(many.recorders[i].reason);
    const StreamId id = many.recorders[i].connection->open(Direction::unidirectional).value();
    EXPECT_TRUE(many.recorders[i].connection->write(id, Bytes::copy_of("alive"), true));
  }
  EXPECT_TRUE(many.network.run(
      [&] { return std::ranges::count_if(many.server.accepted, [](auto& one) { return one.streams[2].fin; }) == 25; }));
}

TEST(QuicMany, TheOwnerMayConnectAgainInsideOfTheEnd) {
  struct Again final : ConnectionVisitor {
    void on_handshake_completed() override { ++completed; }
    void on_closed(const CloseReason& /*reason*/) override {
      const Path path{address(2, 3333), address(1)};
      EXPECT_TRUE(endpoint->connect(path, "localhost", client_tls(), *this, network->now()));
    }
    Network* network = nullptr;
    Endpoint* endpoint = nullptr;
    int completed = 0;
  };
  Pair pair;
  Again again;
  again.network = &pair.network;
  again.endpoint = pair.client_host.endpoint.get();
  const Path path{pair.client_host.at, pair.server_host.at};
  ASSERT_TRUE(pair.client_host.endpoint->connect(path, "localhost", client_tls(), again, pair.network.now()));
  EXPECT_TRUE(pair.network.run(
      [&] { return again.completed == 1 && !pair.server_host.accepted.empty() && pair.server().completed; }));
  pair.server().connection->close(1, "restart");
  EXPECT_TRUE(pair.network.run([&] { return again.completed == 2; }));
}

TEST(QuicMany, TheEndpointMayGoWithConnectionsInIt) {
  Many many{3};
  for (Recorder& one : many.recorders) {
    const StreamId id = one.connection->open(Direction::bidirectional).value();
    EXPECT_TRUE(one.connection->write(id, Bytes::copy_of(pattern(1'000'000)), true));
  }
  many.network.run_for(20ms);
  many.client.endpoint.reset();
  for (Recorder& one : many.recorders) EXPECT_FALSE(one.reason) << "its destructor calls nothing";
  many.client.endpoint =
      std::make_unique<Endpoint>(EndpointConfig{}, many.client.random, many.client, many.network.now());
  many.network.run_for(60s);
  EXPECT_EQ(many.server.endpoint->stats().connection_count, 0U);
}

TEST(QuicMisuse, CallingTheEndpointInsideOfAnEventEndsTheProcess) {
  const auto reenter = [] {
    Pair pair;
    pair.server_host.prepare = [&](Recorder& recorder) {
      recorder.when_ready = [&] { pair.server_host.endpoint->handle_expiry(pair.network.now()); };
    };
    pair.establish();
  };
  EXPECT_DEATH(reenter(), "inside a visitor's function");
}

}  // namespace
}  // namespace plait::quic
