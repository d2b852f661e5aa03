// Transfers in every weather: whatever the network does, what arrives is exact.
#include "quic/black_hole.hpp"
#include "unit/quic/network.hpp"

namespace plait::quic {
namespace {

EndpointConfig with(CongestionControl control, EndpointConfig config = {}) {
  config.settings.congestion_control = control;
  return config;
}

// A stream of `size` bytes from the server, which has begun when this returns.
struct Download {
  Download(Pair& on, std::size_t size) : pair(on), text(pattern(size, 7)) {
    id = pair.server().connection->open(Direction::unidirectional).value();
    EXPECT_TRUE(pair.server().connection->write(id, Bytes::copy_of(text), true));
    EXPECT_TRUE(pair.network.run([&] { return received() > size / 10; }));
  }
  [[nodiscard]] std::size_t received() { return pair.client.streams[id].data.size(); }
  void expect_exact() {
    EXPECT_TRUE(pair.network.run([&] { return pair.client.streams[id].fin; })) << received() << " bytes";
    EXPECT_TRUE(pair.client.streams[id].data == text);
  }
  Pair& pair;
  std::string text;
  StreamId id;
};

TEST(QuicPath, PacketsAboveThePathsMtuVanishFromTheStart) {
  Pair pair;
  pair.network.link = {.delay = 10ms, .udp_payload_bytes_max = 1300};
  pair.establish();
  Download{pair, 1'000'000}.expect_exact();
  EXPECT_LE(pair.server().connection->stats().path_udp_payload_bytes_max, 1300U);
}

TEST(QuicPath, APathWhoseMtuShrinksIsABlackHole) {
  Pair pair;
  pair.network.link.delay = 10ms;
  pair.establish();
  Download{pair, 10'000}.expect_exact();
  EXPECT_TRUE(pair.network.run([&] { return pair.server().connection->stats().path_udp_payload_bytes_max == 1452; }));
  Download download{pair, 3'000'000};
  pair.network.link.udp_payload_bytes_max = 1300;
  download.expect_exact();
  EXPECT_EQ(pair.server().connection->stats().path_udp_payload_bytes_max, 1200U);
}

TEST(QuicPath, ALongSilenceIsNoBlackHole) {
  Pair pair;
  pair.establish();
  const std::size_t found = 1452;
  Download{pair, 10'000}.expect_exact();
  EXPECT_TRUE(pair.client.connection->send_datagram(as_bytes("now")));
  EXPECT_TRUE(pair.network.run([&] { return pair.client.connection->stats().path_udp_payload_bytes_max == found; }));
  for (int i = 0; i < 20; ++i) {
    EXPECT_TRUE(pair.client.connection->send_datagram(as_bytes("now and then")));
    pair.network.run_for(7s);
  }
  EXPECT_EQ(pair.client.connection->stats().path_udp_payload_bytes_max, found);
  EXPECT_EQ(pair.server().connection->stats().path_udp_payload_bytes_max, found) << "which sends PINGs only";
}

TEST(QuicPath, SmallPacketsLastUntilThePathIsAnotherOne) {
  BlackHole path;
  const TimePoint start{};
  path.handle_expiry(start, 100ms);
  path.handle_expiry(start + 200ms, 100ms);
  path.handle_acknowledgement();
  path.handle_expiry(start + 600ms, 100ms);
  EXPECT_EQ(path.payload_bytes_max(1452), 1452U) << "acknowledged in between";
  path.handle_expiry(start + 1200ms, 100ms);
  EXPECT_EQ(path.payload_bytes_max(1452), 1200U);
  path.handle_acknowledgement();
  EXPECT_EQ(path.payload_bytes_max(1452), 1200U);
  EXPECT_EQ(path.payload_bytes_max(1200), 1200U) << "a new path";
  EXPECT_EQ(path.payload_bytes_max(1452), 1452U);
}

TEST(QuicPath, AClientThatMigratesDuringATransferGetsTheRest) {
  Pair pair;
  pair.network.link = {.delay = 10ms, .loss = 0.01};
  pair.establish();
  Download download{pair, 3'000'000};
  ASSERT_TRUE(pair.client.connection->migrate({address(2, 5555), pair.server_host.at}));
  download.expect_exact();
}

TEST(QuicPath, APeerThatVanishesDuringATransferEndsInTheIdleTimeout) {
  Pair pair;
  pair.establish();
  Download download{pair, 3'000'000};
  pair.network.link.loss = 1;
  EXPECT_TRUE(pair.network.run([&] { return pair.server().reason && pair.client.reason; }, 120s));
  EXPECT_EQ(pair.server().reason->kind, CloseReason::Kind::idle_timeout);
  EXPECT_LT(download.received(), download.text.size());
}

// Milliseconds on the virtual clock that 4 MB take over a path that loses one packet in a hundred by chance.
std::int64_t lossy_download_ms(CongestionControl control) {
  Pair pair{1, with(control, server_config())};
  pair.network.link.delay = 25ms;
  pair.establish();
  pair.network.link.loss = 0.01;
  const auto start = pair.network.now();
  Download{pair, 4'000'000}.expect_exact();
  return std::chrono::duration_cast<std::chrono::milliseconds>(pair.network.now() - start).count();
}

TEST(QuicCongestion, BbrHoldsItsRateWhereCubicTakesEveryLossForCongestion) {
  const auto cubic = lossy_download_ms(CongestionControl::cubic);
  const auto bbr = lossy_download_ms(CongestionControl::bbr);
  EXPECT_LT(bbr * 2, cubic);
}

TEST(QuicCredit, GrowsWithTheRoundTrip) {
  Pair pair;
  pair.network.link.delay = 50ms;
  pair.establish();
  Download{pair, 6'000'000}.expect_exact();
  const auto start = pair.network.now();
  Download{pair, 30'000'000}.expect_exact();
  // The credit at the beginning, 1 MiB a stream and round trip of 100 ms, would need 2.8 s.
  EXPECT_LT(pair.network.now() - start, 1500ms);
}

TEST(QuicAcknowledgements, AreFewWhereMuchArrives) {
  Pair pair;
  pair.establish();
  const auto packets = [](Recorder& end) { return end.connection->stats().sent_packet_count; };
  const auto data_before = packets(pair.server());
  const auto acknowledgements_before = packets(pair.client);
  Download{pair, 5'000'000}.expect_exact();
  EXPECT_LT((packets(pair.client) - acknowledgements_before) * 6, packets(pair.server()) - data_before);
}

}  // namespace
}  // namespace plait::quic
