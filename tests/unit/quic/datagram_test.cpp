// QUIC DATAGRAM frames (RFC 9221): sizes, fates, bounds.
#include "unit/quic/network.hpp"

namespace plait::quic {
namespace {

EndpointConfig with_large_probes() {
  EndpointConfig config;
  config.settings.mtu_probes = {1452, 8000, 16000, 32000};
  return config;
}

TEST(QuicDatagram, ArriveAndAreAcknowledged) {
  Pair pair;
  pair.establish();
  for (DatagramId id = 0; id < 10; ++id) {
    ASSERT_TRUE(pair.client.connection->send_datagram(as_bytes("number " + std::to_string(id)), id));
  }
  EXPECT_TRUE(pair.client.sent.empty()) << "nothing has left yet";
  EXPECT_TRUE(pair.network.run([&] { return pair.client.sent.size() == 10; }));
  EXPECT_TRUE(pair.client.fates.empty()) << "and nothing has arrived";
  EXPECT_TRUE(pair.network.run([&] { return pair.client.fates.size() == 10; }));
  EXPECT_EQ(pair.server().datagrams.size(), 10U);
  EXPECT_EQ(pair.server().datagrams.front(), "number 0");
  for (DatagramId id = 0; id < 10; ++id) EXPECT_EQ(pair.client.fates[id], DatagramFate::acknowledged);
}

TEST(QuicDatagram, WhoseFateNobodyAsksForHasNone) {
  Pair pair;
  pair.establish();
  for (const bool named : {false, true, false}) {
    const auto sent = named ? pair.client.connection->send_datagram(as_bytes("named"), 7)
                            : pair.client.connection->send_datagram(as_bytes("unnamed"));
    ASSERT_TRUE(sent);
  }
  EXPECT_TRUE(pair.network.run([&] { return !pair.client.fates.empty(); }));
  pair.network.run_for(1s);
  EXPECT_EQ(pair.client.sent, std::set<DatagramId>{7});
  EXPECT_EQ(pair.client.fates, (std::map<DatagramId, DatagramFate>{{7, DatagramFate::acknowledged}}));
}

// The visitor's own sends inside of on_datagram_fate leave with the same packets; what they push out of a full queue is
// told with the next ones.
TEST(QuicDatagram, AnAnswerToDroppedWithAnotherOneEnds) {
  EndpointConfig config;
  config.settings.datagram_queue_count_max = 3;
  Pair pair{1, server_config(), std::move(config)};
  pair.establish();
  pair.network.drops = [](ByteView) { return true; };  // so the congestion window fills up
  Connection& connection = *pair.client.connection;
  DatagramId next = 0;
  const auto send = [&] { EXPECT_TRUE(connection.send_datagram(as_bytes(std::string(1100, 'x')), next++)); };
  pair.client.when_fate = [&](DatagramId, DatagramFate fate) {
    if (fate == DatagramFate::dropped) send();
  };
  for (int i = 0; i < 100; ++i) send();
  pair.network.run_for(300ms);
  EXPECT_GE(next, 197U) << "each that was pushed out was told";
  EXPECT_LT(next, 10'000U);
}

TEST(QuicDatagram, WhatIsKnownIsToldBeforeTheEndAndNothingAfterIt) {
  Pair pair;
  pair.establish();
  for (DatagramId id = 0; id < 3; ++id) {
    ASSERT_TRUE(pair.client.connection->send_datagram(as_bytes(std::to_string(id)), id));
  }
  EXPECT_TRUE(pair.network.run([&] { return pair.server().datagrams.size() == 3; }));
  pair.server().connection->close(1, "");  // in the packet of the acknowledgements, or right behind it
  EXPECT_TRUE(pair.network.run([&] { return pair.client.reason.has_value(); }));
  EXPECT_EQ(pair.client.sent.size(), 3U);
  pair.network.run_for(1s);  // Recorder looks
}

TEST(QuicDatagram, LostOnesAreReported) {
  Pair pair{3};
  pair.establish();
  pair.network.link.loss = 0.3;
  for (DatagramId id = 0; id < 100; ++id) {
    ASSERT_TRUE(pair.client.connection->send_datagram(as_bytes(std::string(900, 'x')), id));
    pair.network.run_for(20ms);
  }
  pair.network.link.loss = 0;
  EXPECT_TRUE(pair.network.run([&] { return pair.client.fates.size() == 100; }, 10s)) << pair.client.fates.size();
  const auto lost =
      std::ranges::count_if(pair.client.fates, [](auto& one) { return one.second == DatagramFate::lost; });
  EXPECT_GT(lost, 10);
  EXPECT_GE(pair.server().datagrams.size(), 100U - static_cast<std::size_t>(lost));
}

TEST(QuicDatagram, TheLargestOneGoesAndOneByteMoreIsRefused) {
  Pair pair{1, server_config(), with_large_probes()};
  pair.establish();
  Connection& connection = *pair.client.connection;
  for (int i = 0; i < 2; ++i) {
    const std::size_t size = connection.datagram_bytes_max();
    EXPECT_GT(size, 1100U);
    EXPECT_EQ(connection.send_datagram(as_bytes(std::string(size + 1, 'y'))).error(), DatagramError::too_large);
    pair.server().datagrams.clear();
    ASSERT_TRUE(connection.send_datagram(as_bytes(std::string(size, 'x'))));
    EXPECT_TRUE(pair.network.run([&] { return pair.server().datagrams.size() == 1; }, 1s)) << size;
    EXPECT_EQ(pair.server().datagrams.at(0).size(), size);
    // And once more when path MTU discovery has found the largest size.
    EXPECT_TRUE(pair.network.run([&] { return connection.stats().path_udp_payload_bytes_max == 32000; }));
  }
  EXPECT_GT(connection.datagram_bytes_max(), 31900U);
}

TEST(QuicDatagram, EmptyOnesAndThoseOfAClosedConnectionAreRefused) {
  Pair pair;
  pair.establish();
  EXPECT_EQ(pair.client.connection->send_datagram(ByteView{}).error(), DatagramError::empty);
  pair.client.connection->close(0, "");
  EXPECT_EQ(pair.client.connection->send_datagram(as_bytes("x")).error(), DatagramError::closed);
}

TEST(QuicDatagram, APeerWithoutSupportGetsNone) {
  EndpointConfig config = server_config();
  config.settings.datagram_frame_bytes_max = 0;
  Pair pair{1, std::move(config)};
  pair.establish();
  EXPECT_EQ(pair.client.connection->datagram_bytes_max(), 0U);
  EXPECT_EQ(pair.client.connection->send_datagram(as_bytes("x")).error(), DatagramError::unsupported);
  EXPECT_TRUE(pair.server().connection->send_datagram(as_bytes("x"))) << "the other direction is its own";
}

TEST(QuicDatagram, AFullQueueDropsTheOldest) {
  EndpointConfig config;
  config.settings.datagram_queue_count_max = 3;
  Pair pair{1, server_config(), std::move(config)};
  pair.establish();
  for (DatagramId id = 0; id < 5; ++id) {
    ASSERT_TRUE(pair.client.connection->send_datagram(as_bytes(std::to_string(id)), id));
  }
  EXPECT_TRUE(pair.client.fates.empty()) << "never from inside a send";
  EXPECT_TRUE(pair.network.run([&] { return pair.client.fates.size() == 5; }));
  EXPECT_EQ(pair.client.fates[0], DatagramFate::dropped);
  EXPECT_EQ(pair.client.fates[1], DatagramFate::dropped);
  EXPECT_EQ(pair.server().datagrams, (std::vector<std::string>{"2", "3", "4"}));
}

TEST(QuicDatagram, WhatWaitsTooLongIsDropped) {
  EndpointConfig config;
  config.settings.datagram_age_max = 50ms;
  Pair pair{1, server_config(), std::move(config)};
  pair.establish();
  pair.network.drops = [](ByteView) { return true; };  // so the congestion window fills up
  for (DatagramId id = 0; id < 100; ++id) {
    ASSERT_TRUE(pair.client.connection->send_datagram(as_bytes(std::string(1100, 'x')), id));
  }
  pair.network.run_for(300ms);
  const auto dropped =
      std::ranges::count_if(pair.client.fates, [](auto& one) { return one.second == DatagramFate::dropped; });
  EXPECT_GT(dropped, 50);
}

// A probe is as large as the first congestion window, and lost where packets are small.
TEST(QuicDatagram, ProbesOfThePathsSizeDoNotHoldTheFirstOnesUp) {
  EndpointConfig config = with_large_probes();
  config.settings.datagram_age_max = 40ms;
  Pair pair{1, server_config(), std::move(config)};
  pair.network.link = {.delay = 30ms, .udp_payload_bytes_max = 1500};
  pair.establish();
  pair.network.run_for(1s);
  for (DatagramId id = 0; id < 8; ++id) {
    ASSERT_TRUE(pair.client.connection->send_datagram(as_bytes(std::string(1000, 'x')), id));
  }
  EXPECT_TRUE(pair.network.run([&] { return pair.client.fates.size() == 8; }));
  EXPECT_EQ(pair.client.sent.size(), 8U);
  EXPECT_EQ(pair.server().datagrams.size(), 8U);
}

TEST(QuicDatagram, ThoseTooLargeForAPathThatShrankDoNotHoldTheRestUp) {
  Pair pair{1, server_config(), with_large_probes()};
  pair.establish();
  EXPECT_EQ(pair.client.connection->send_datagram(as_bytes(std::string(20000, 'x'))).error(), DatagramError::too_large);
  EXPECT_TRUE(pair.network.run([&] { return pair.client.connection->stats().path_udp_payload_bytes_max == 32000; }));
  ASSERT_TRUE(pair.client.connection->send_datagram(as_bytes(std::string(20000, 'x')), 1));
  // A new path begins at 1200 bytes. The datagram is still in the queue.
  EXPECT_TRUE(pair.client.connection->migrate({address(2, 5555), pair.server_host.at}));
  EXPECT_TRUE(pair.network.run([&] { return !pair.client.fates.empty(); }, 2s));
  ASSERT_TRUE(pair.client.connection->send_datagram(as_bytes("small")));
  EXPECT_TRUE(pair.network.run(
      [&] { return !pair.server().datagrams.empty() && pair.server().datagrams.back() == "small"; }, 2s));
}

TEST(QuicDatagram, StreamsAndDatagramsShareTheConnection) {
  Pair pair;
  pair.establish();
  const StreamId id = pair.client.connection->open(Direction::unidirectional).value();
  EXPECT_TRUE(pair.client.connection->write(id, Bytes::copy_of(pattern(2'000'000)), true));
  std::size_t accepted = 0;
  EXPECT_TRUE(pair.network.run([&] {
    if (pair.client.connection->send_datagram(as_bytes(std::string(200, 'd')))) ++accepted;
    return pair.server().streams[id].fin;
  }));
  EXPECT_GT(pair.server().datagrams.size(), 10U);
}

}  // namespace
}  // namespace plait::quic
