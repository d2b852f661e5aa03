// What a connection that does nothing costs, and that it is fully alive all the same.
#include "quic/connection_state.hpp"
#include "unit/quic/network.hpp"

namespace plait::quic {
namespace {

EndpointConfig with_large_probes(EndpointConfig config) {
  config.settings.mtu_probes = {1452, 8000, 16000, 32000};
  return config;
}

struct LargePair : Pair {
  LargePair() : Pair(1, with_large_probes(server_config()), with_large_probes({})) {}
  [[nodiscard]] std::size_t largest_packet() const {
    return std::max(server_host.sent_sizes.rbegin()->first, client_host.sent_sizes.rbegin()->first);
  }
};

TEST(QuicIdle, WhatAConnectionAndItsStreamsKeepBesideNgtcp2IsSmall) {
  EXPECT_LE(sizeof(Connection::State), 936U);
  EXPECT_LE(sizeof(Stream), 200U) << "of which an idle WebTransport session has three to five";
}

TEST(QuicIdle, LargePacketsAreNotEvenProbed) {
  LargePair pair;
  pair.establish();
  for (int i = 0; i < 20; ++i) {
    const StreamId id = pair.client.connection->open(Direction::bidirectional).value();
    EXPECT_TRUE(pair.client.connection->write(id, Bytes::copy_of(pattern(200))));
    pair.network.run_for(2s);
  }
  EXPECT_EQ(pair.largest_packet(), 1200U) << "nobody has filled a packet";
  const StreamId id = pair.client.connection->open(Direction::bidirectional).value();
  EXPECT_TRUE(pair.client.connection->write(id, Bytes::copy_of(pattern(5000))));
  pair.network.run_for(2s);
  EXPECT_EQ(pair.largest_packet(), 1452U);
}

TEST(QuicIdle, BulkFindsThePathsLargestPacket) {
  LargePair pair;
  pair.establish();
  const StreamId id = pair.client.connection->open(Direction::unidirectional).value();
  EXPECT_TRUE(pair.client.connection->write(id, Bytes::copy_of(pattern(2'000'000)), true));
  EXPECT_TRUE(pair.network.run([&] { return pair.client.streams[id].closed; }));
  EXPECT_EQ(pair.client.connection->stats().path_udp_payload_bytes_max, 32000U);
  EXPECT_EQ(pair.server().connection->stats().path_udp_payload_bytes_max, 1200U) << "it has sent nothing";
}

TEST(QuicIdle, ALargeDatagramFindsThePathsLargestPacket) {
  LargePair pair;
  pair.establish();
  pair.network.run_for(1s);
  EXPECT_LT(pair.client.connection->datagram_bytes_max(), 1452U);
  ASSERT_TRUE(pair.client.connection->send_datagram(as_bytes(std::string(1000, 'x'))));
  EXPECT_TRUE(pair.network.run([&] { return pair.client.connection->datagram_bytes_max() > 31900; }));
}

// It may be all that its sender ever tries.
TEST(QuicIdle, ADatagramThatIsTooLargeForNowFindsIt) {
  LargePair pair;
  pair.establish();
  pair.network.run_for(1s);
  const auto send = [&] { return pair.client.connection->send_datagram(as_bytes(std::string(1300, 'x'))); };
  const auto refused = send();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error(), DatagramError::too_large);
  pair.network.run_for(1s);
  EXPECT_TRUE(send());
}

// A probe fills the congestion window and has all that follows paced: of a few small datagrams it made the slowest.
TEST(QuicIdle, AFewSmallDatagramsAreNotHeldUpByAProbe) {
  LargePair pair;
  pair.establish();
  pair.network.run_for(1s);
  const auto send = [&](int count) {
    for (int i = 0; i < count; ++i) {
      ASSERT_TRUE(pair.client.connection->send_datagram(as_bytes("x")));
      pair.network.run_for(100ms);
    }
  };
  send(12);  // the probe of 1452 bytes is a full packet, too
  EXPECT_LT(pair.client.connection->datagram_bytes_max(), 1452U);
  send(4);
  EXPECT_TRUE(pair.network.run([&] { return pair.client.connection->datagram_bytes_max() > 31900; }));
}

// Who uploads a megabyte has it on its way in large packets after a few round trips.
TEST(QuicPackets, GrowWhileAStreamHasMoreToSend) {
  LargePair pair;
  pair.network.link = {.delay = 400us};
  pair.establish();
  const StreamId id = pair.client.connection->open(Direction::unidirectional).value();
  EXPECT_TRUE(pair.client.connection->write(id, Bytes::copy_of(pattern(1 << 20)), true));
  EXPECT_TRUE(pair.network.run([&] { return pair.server().streams[id].fin; }));
  EXPECT_EQ(pair.client.connection->stats().path_udp_payload_bytes_max, 32000U);
  EXPECT_LT(pair.client.connection->stats().sent_packet_count, 200U) << "876 when the probes wait for sixteen batches";
}

}  // namespace
}  // namespace plait::quic
