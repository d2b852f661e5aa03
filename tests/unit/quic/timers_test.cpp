// When acknowledgements leave: with what is sent anyway, or as soon as somebody may wait for them.
#include "unit/quic/network.hpp"

namespace plait::quic {
namespace {

constexpr Duration kDelay = 50us;

std::size_t datagrams_of(const Host& host) {
  std::size_t count = 0;
  for (const auto& [size, times] : host.sent_sizes) count += times;
  return count;
}

/// How many packets beside a hundred messages of `size` each way, beginning `phase` after a whole millisecond.
std::size_t packets_beside_messages(std::size_t size, Duration phase) {
  Pair pair;
  pair.server_host.prepare = [](Recorder& recorder) { recorder.echoes = true; };
  pair.network.link.delay = kDelay;
  pair.establish();
  pair.network.run_for(1s + phase);
  const StreamId id = pair.client.connection->open(Direction::bidirectional).value();
  constexpr std::size_t kExchanges = 100;
  const std::string message(size, 'm');
  const auto ask = [&] { EXPECT_TRUE(pair.client.connection->write(id, Bytes::copy_of(message))); };
  const auto answered = [&] { return pair.client.streams[id].data.size() / message.size(); };
  pair.client.when_data = [&](StreamId) {
    if (answered() < kExchanges) ask();
  };
  const std::size_t before = datagrams_of(pair.client_host) + datagrams_of(pair.server_host);
  ask();
  EXPECT_TRUE(pair.network.run([&] { return answered() == kExchanges; }));
  return datagrams_of(pair.client_host) + datagrams_of(pair.server_host) - before - 2 * kExchanges;
}

TEST(QuicTimers, AnExchangeOfSmallMessagesIsOnePacketEachWay) {
  EXPECT_LE(packets_beside_messages(64, 0us), 25U) << "acknowledgements apart from the messages";
}

TEST(QuicTimers, MessagesThatFillPacketsAreLikeSmallOnes) {
  for (int i = 0; i < 16; ++i) {
    const Duration phase = i * 17us;
    EXPECT_LE(packets_beside_messages(1000, phase), packets_beside_messages(64, phase) + 5) << i;
  }
}

// The two flights of the handshake, its confirmation, and what both sides acknowledge of 1-RTT packets.
TEST(QuicTimers, AnOpeningIsSixPackets) {
  Pair pair;
  pair.network.link.delay = kDelay;
  pair.establish();
  pair.network.run_for(1s);
  EXPECT_EQ(datagrams_of(pair.client_host), 3U);
  EXPECT_EQ(datagrams_of(pair.server_host), 3U);
  EXPECT_EQ(pair.client_host.sent_sizes.rbegin()->first, 1200U) << "a probe, which nothing needs yet";
}

TEST(QuicTimers, WhatIsSentOnceIsAcknowledgedSoon) {
  Pair pair;
  pair.network.link.delay = kDelay;
  pair.establish();
  pair.network.run_for(1s);
  ASSERT_TRUE(pair.client.connection->send_datagram(as_bytes("small"), 1));
  const TimePoint start = pair.network.now();
  ASSERT_TRUE(pair.network.run([&] { return pair.client.fates.contains(1); }));
  EXPECT_EQ(pair.client.fates[1], DatagramFate::acknowledged);
  EXPECT_LE(pair.network.now() - start, Settings::kTimerGranularity + 4 * kDelay);
}

// Fewer packets than are acknowledged at once.
TEST(QuicTimers, AFullWindowIsAcknowledgedAtOnce) {
  EndpointConfig config;
  config.settings.unacknowledged_bytes_max = 7000;
  Pair pair{1, server_config(), std::move(config)};
  pair.network.link.delay = kDelay;
  pair.establish();
  pair.network.run_for(1s);
  const StreamId id = pair.client.connection->open(Direction::unidirectional).value();
  const TimePoint start = pair.network.now();
  EXPECT_TRUE(pair.client.connection->write(id, Bytes::copy_of(pattern(700'000)), true));
  ASSERT_TRUE(pair.network.run([&] { return pair.server().streams[id].fin; }));
  EXPECT_LE(pair.network.now() - start, 100 * 3 * kDelay) << "a round trip and a half for each";
}

TEST(QuicTimers, WhatIsPacedLeavesInTime) {
  Pair pair;
  pair.network.link.delay = 500us;
  pair.establish();
  const StreamId id = pair.client.connection->open(Direction::unidirectional).value();
  const TimePoint start = pair.network.now();
  EXPECT_TRUE(pair.client.connection->write(id, Bytes::copy_of(pattern(10'000'000)), true));
  ASSERT_TRUE(pair.network.run([&] { return pair.server().streams[id].fin; }));
  EXPECT_LE(pair.network.now() - start, 10ms) << "11 ms with deadlines of whole milliseconds";
}

/// A hundred times: datagrams of these sizes, until the last one is acknowledged.
Duration time_of_windows(const std::vector<std::size_t>& sizes) {
  Pair pair;
  pair.network.link.delay = kDelay;
  pair.establish();
  EXPECT_TRUE(pair.client.connection->send_datagram(as_bytes("whoever sends finds out how large packets may be")));
  pair.network.run_for(1s);
  const TimePoint start = pair.network.now();
  for (DatagramId id = 0; id < 100; ++id) {
    for (const std::size_t& size : sizes) {
      EXPECT_TRUE(pair.client.connection->send_datagram(Bytes::copy_of(std::string(size, 'd')),
                                                        &size == &sizes.back() ? id : kUnnamed));
    }
    EXPECT_TRUE(pair.network.run([&] { return pair.client.fates.contains(id); }));
  }
  return pair.network.now() - start;
}

TEST(QuicTimers, ThePacketThatFillsAWindowMayBeASmallOne) { EXPECT_LE(time_of_windows({1300, 500}), 100 * 3 * kDelay); }

TEST(QuicTimers, DatagramsThatFillAWindowMayBeTooLargeForTwoInAPacket) {
  EXPECT_LE(time_of_windows({1000, 1000, 1000}), 100 * 3 * kDelay);
}

// Whoever has many exchanges under way may begin others when these are closed, which is when they are acknowledged.
TEST(QuicTimers, ManyStreamsThatEndTogetherAreClosedSoon) {
  Pair pair;
  pair.server_host.prepare = [](Recorder& recorder) { recorder.echoes = true; };
  pair.network.link.delay = kDelay;
  pair.establish();
  constexpr int kTimes = 10;
  Duration waited{};
  for (int i = 0; i < kTimes; ++i) {
    pair.network.run_for(100ms + i * 87us);
    const TimePoint start = pair.network.now();
    StreamId last = 0;
    for (int j = 0; j < 8; ++j) {
      last = pair.client.connection->open(Direction::bidirectional).value();
      EXPECT_TRUE(pair.client.connection->write(last, Bytes::copy_of("question"), true));
    }
    ASSERT_TRUE(pair.network.run([&] { return pair.client.streams[last].closed; }));
    waited += pair.network.now() - start;
  }
  EXPECT_LE(waited, kTimes * 3 * kDelay) << "question, answer, and an eighth of a round trip until the acknowledgement";
}

// A stream makes place for another when the server has heard that its answer arrived.
TEST(QuicTimers, WhoWaitsForAnotherStreamAcknowledgesAtOnce) {
  EndpointConfig config = server_config();
  config.settings.streams_bidi_max = 1;
  Pair pair{1, std::move(config)};
  pair.server_host.prepare = [](Recorder& recorder) { recorder.echoes = true; };
  pair.network.link.delay = kDelay;
  pair.establish();
  constexpr int kTimes = 10;
  Duration waited{};
  for (int i = 0; i < kTimes; ++i) {
    pair.network.run_for(100ms);
    const TimePoint start = pair.network.now();
    const auto id = pair.client.connection->open(Direction::bidirectional);
    ASSERT_TRUE(id) << i;
    EXPECT_TRUE(pair.client.connection->write(*id, Bytes::copy_of("question"), true));
    if (i % 2 == 0) {  // before the answer, or after it
      EXPECT_TRUE(pair.network.run([&] { return pair.client.streams[*id].fin; }));
      pair.network.run_for(1us);
    }
    ASSERT_FALSE(pair.client.connection->open(Direction::bidirectional));
    ASSERT_TRUE(pair.client.connection->open(Direction::unidirectional)) << "which changes nothing";
    const int before = pair.client.available_count;
    ASSERT_TRUE(pair.network.run([&] { return pair.client.available_count > before; }));
    waited += pair.network.now() - start;
  }
  EXPECT_LE(waited, kTimes * 5 * kDelay) << "question, answer, acknowledgement, permission";
}

}  // namespace
}  // namespace plait::quic
