// Streams: exact bytes in every weather, credit, and their ends.
#include "unit/quic/network.hpp"

namespace plait::quic {
namespace {

class QuicWeather : public testing::TestWithParam<std::uint64_t> {};

TEST_P(QuicWeather, StreamsBothWaysAreExactUnderLossReorderingAndDuplication) {
  Pair pair{GetParam()};
  pair.network.link = {.delay = 10ms, .jitter = 8ms, .loss = 0.05, .duplication = 0.05};
  pair.server_host.prepare = [](Recorder& recorder) { recorder.echoes = true; };
  pair.establish();
  std::map<StreamId, std::string> sent;
  for (int i = 0; i < 20; ++i) {
    const StreamId id = pair.client.connection->open(Direction::bidirectional).value();
    sent[id] = pattern(1 + static_cast<std::size_t>(i * i) * 500, id + 1);
    EXPECT_TRUE(pair.client.connection->write(id, Bytes::copy_of(sent[id]), true));
  }
  const StreamId down = pair.server().connection->open(Direction::unidirectional).value();
  const std::string text = pattern(300'000, 99);
  EXPECT_TRUE(pair.server().connection->write(down, Bytes::copy_of(text), true));
  EXPECT_TRUE(pair.network.run([&] {
    return std::ranges::all_of(sent, [&](const auto& one) { return pair.client.streams[one.first].closed; }) &&
           pair.client.streams[down].fin;
  })) << "seed "
      << GetParam();
  for (const auto& [id, data] : sent) EXPECT_TRUE(pair.client.streams[id].data == data) << id;
  EXPECT_TRUE(pair.client.streams[down].data == text);
  EXPECT_GT(pair.server().connection->stats().lost_packet_count, 0U);
}

INSTANTIATE_TEST_SUITE_P(Seeds, QuicWeather, testing::Range<std::uint64_t>(1, 9));

TEST(QuicStream, ManyWritesOfAFewBytesShareTheirPackets) {
  Pair pair;
  pair.establish();
  const auto before = pair.client.connection->stats().sent_packet_count;
  std::vector<StreamId> ids;
  for (int i = 0; i < 40; ++i) {
    ids.push_back(pair.client.connection->open(Direction::bidirectional).value());
    EXPECT_TRUE(pair.client.connection->write(ids.back(), Bytes::copy_of("twenty bytes of data"), true));
  }
  EXPECT_TRUE(pair.network.run([&] { return pair.server().streams.size() == 40; }));
  EXPECT_LE(pair.client.connection->stats().sent_packet_count - before, 4U);
  for (const StreamId id : ids) EXPECT_EQ(pair.server().streams[id].data, "twenty bytes of data");
}

TEST(QuicStream, ManyWritesOfAFewBytesToOneStreamFillItsPackets) {
  Pair pair;
  pair.establish();
  pair.network.run_for(1s);
  const StreamId id = pair.client.connection->open(Direction::bidirectional).value();
  pair.client_host.sent_sizes.clear();
  for (int i = 0; i < 1000; ++i) EXPECT_TRUE(pair.client.connection->write(id, Bytes::copy_of("ten bytes!")));
  EXPECT_TRUE(pair.network.run([&] { return pair.server().streams[id].data.size() == 10'000; }));
  std::size_t packets = 0;
  for (const auto& [size, count] : pair.client_host.sent_sizes) packets += size > 100 ? count : 0;
  EXPECT_LE(packets, 9U + 1U) << "and a probe of the path's size";
}

TEST(QuicStream, TheEndAloneArrives) {
  Pair pair;
  pair.establish();
  const StreamId id = pair.client.connection->open(Direction::unidirectional).value();
  EXPECT_TRUE(pair.client.connection->write(id, Bytes::copy_of("text")));
  EXPECT_TRUE(pair.network.run([&] { return pair.server().streams[id].data == "text"; }));
  EXPECT_FALSE(pair.server().streams[id].fin);
  EXPECT_TRUE(pair.client.connection->write(id, {}, true));
  EXPECT_FALSE(pair.client.connection->write(id, Bytes::copy_of("late"))) << "the stream has ended";
  EXPECT_TRUE(pair.network.run([&] { return pair.server().streams[id].fin && pair.client.streams[id].closed; }));
  EXPECT_EQ(pair.server().streams[id].data, "text");
}

// A peer that acknowledges for a while and then stops would have us keep as much as the congestion window has become.
TEST(QuicStream, WhatAConnectionHasUnacknowledgedIsBounded) {
  constexpr std::uint64_t kBytesMax = 100'000;
  EndpointConfig config;
  config.settings.unacknowledged_bytes_max = kBytesMax;
  Pair pair{1, server_config(), config};
  pair.network.link.delay = 50ms;
  pair.establish();
  const std::string text = pattern(1 << 20);
  std::vector<StreamId> ids;
  for (int i = 0; i < 3; ++i) ids.push_back(pair.client.connection->open(Direction::bidirectional).value());
  for (const StreamId id : ids) EXPECT_TRUE(pair.client.connection->write(id, Bytes::copy_of(text), true));
  pair.client.connection->reset(ids.back(), 7);  // which leaves room to the others
  ids.pop_back();
  std::uint64_t most = 0;
  EXPECT_TRUE(pair.network.run([&] {
    std::uint64_t kept = 0;
    for (const StreamId id : ids) {
      kept += pair.client.connection->buffered_bytes(id) - pair.client.connection->unsent_bytes(id);
    }
    most = std::max(most, kept);
    return std::ranges::all_of(ids, [&](StreamId id) { return pair.client.streams[id].acked == text.size(); });
  }));
  EXPECT_GT(most, kBytesMax / 2) << "the congestion window allowed more";
  EXPECT_LE(most, kBytesMax + Endpoint::kTransmitBytesMax);
  for (const StreamId id : ids) EXPECT_TRUE(pair.server().streams[id].data == text);
}

TEST(QuicStream, APeerThatDoesNotConsumeStopsTheSender) {
  Pair pair;
  pair.server_host.prepare = [](Recorder& recorder) { recorder.consumes = false; };
  pair.establish();
  const StreamId id = pair.client.connection->open(Direction::bidirectional).value();
  const std::string text = pattern(5 << 20);
  EXPECT_TRUE(pair.client.connection->write(id, Bytes::copy_of(text), true));
  pair.network.run_for(5s);
  EXPECT_EQ(pair.server().streams[id].data.size(), std::size_t{1} << 20) << "the stream's credit";
  EXPECT_EQ(pair.client.connection->buffered_bytes(id), text.size() - (1 << 20));
  EXPECT_EQ(pair.client.connection->unsent_bytes(id), text.size() - (1 << 20));
  pair.server().consumes = true;
  pair.server().connection->consume(id, 1 << 20);
  EXPECT_TRUE(pair.network.run([&] { return pair.server().streams[id].fin; }));
  EXPECT_TRUE(pair.server().streams[id].data == text);
}

TEST(QuicStream, TheConnectionsCreditStopsAllStreamsAndConsumingOneFreesThem) {
  Pair pair;
  pair.server_host.prepare = [](Recorder& recorder) { recorder.consumes = false; };
  pair.establish();
  std::vector<StreamId> ids;
  for (int i = 0; i < 4; ++i) {
    ids.push_back(pair.client.connection->open(Direction::unidirectional).value());
    EXPECT_TRUE(pair.client.connection->write(ids.back(), Bytes::copy_of(pattern(1'000'000)), true));
  }
  pair.network.run_for(5s);
  std::size_t total = 0;
  for (const StreamId id : ids) total += pair.server().streams[id].data.size();
  EXPECT_EQ(total, std::size_t{3} << 19);
  pair.server().consumes = true;
  for (const StreamId id : ids) pair.server().connection->consume(id, pair.server().streams[id].data.size());
  EXPECT_TRUE(pair.network.run(
      [&] { return std::ranges::all_of(ids, [&](StreamId id) { return pair.server().streams[id].fin; }); }));
}

TEST(QuicStream, AClosedStreamCountsUntilAllOfItIsConsumed) {
  EndpointConfig config = server_config();
  config.settings.streams_uni_max = 2;
  Pair pair{1, std::move(config)};
  pair.server_host.prepare = [](Recorder& recorder) { recorder.consumes = false; };
  pair.establish();
  for (int i = 0; i < 2; ++i) {
    const StreamId id = pair.client.connection->open(Direction::unidirectional).value();
    EXPECT_TRUE(pair.client.connection->write(id, Bytes::copy_of("data"), true));
  }
  EXPECT_EQ(pair.client.connection->open(Direction::unidirectional), std::nullopt);
  pair.network.run_for(1s);
  EXPECT_TRUE(pair.server().streams[2].closed);
  EXPECT_EQ(pair.client.connection->open(Direction::unidirectional), std::nullopt);
  pair.client.available_count = 0;
  pair.server().connection->consume(2, 4);
  EXPECT_TRUE(pair.network.run([&] { return pair.client.available_count > 0; }));
  EXPECT_TRUE(pair.client.connection->open(Direction::unidirectional).has_value());
}

TEST(QuicStream, ResetDropsWhatWasQueuedAndTellsThePeer) {
  Pair pair;
  pair.establish();
  const StreamId id = pair.client.connection->open(Direction::bidirectional).value();
  EXPECT_TRUE(pair.client.connection->write(id, Bytes::copy_of(pattern(100'000))));
  pair.client.connection->reset(id, 77);
  EXPECT_EQ(pair.client.connection->buffered_bytes(id), 0U);
  EXPECT_FALSE(pair.client.connection->write(id, Bytes::copy_of("more")));
  EXPECT_TRUE(pair.network.run([&] { return pair.server().streams[id].reset_code.has_value(); }));
  EXPECT_EQ(pair.server().streams[id].reset_code, 77U);
  pair.server().connection->reset(id, 78);
  EXPECT_TRUE(pair.network.run([&] { return pair.server().streams[id].closed && pair.client.streams[id].closed; }));
  EXPECT_EQ(pair.client.streams[id].reset_code, 78U);
  EXPECT_EQ(pair.client.streams[id].close_code, 77U);
}

// Loses the empty frame that goes before the reset of a stream of which nothing was sent.
StreamId reset_early(Pair& pair, std::uint64_t code) {
  const StreamId id = pair.client.connection->open(Direction::unidirectional).value();
  int count = 0;
  pair.network.drops = [count](ByteView) mutable { return ++count == 1; };
  pair.client.connection->reset(id, code);
  EXPECT_TRUE(pair.network.run([&] { return pair.server().streams[id].closed; }, 1s)) << code;
  pair.network.drops = nullptr;
  return id;
}

TEST(QuicStream, NothingOfAStreamHasLeftBeforeItsResetAndItsFirstFrameComesFirst) {
  EndpointConfig config = server_config();
  config.settings.unfreed_streams_max = 0;
  Pair pair{1, std::move(config)};
  pair.establish();
  for (std::uint64_t i = 0; i < 10; ++i) {
    const StreamId id = pair.client.connection->open(Direction::unidirectional).value();
    const bool has_data = i % 2 == 0;
    EXPECT_TRUE(pair.client.connection->write(id, Bytes::copy_of(has_data ? pattern(1000) : "")));
    pair.client.connection->reset(id, i);
    EXPECT_EQ(pair.client.connection->buffered_bytes(id), 0U);
    EXPECT_FALSE(pair.client.connection->write(id, Bytes::copy_of("more")));
    ASSERT_TRUE(
        pair.network.run([&] { return pair.server().streams[id].closed && pair.client.streams[id].closed; }, 1s));
    EXPECT_EQ(pair.server().streams[id].reset_code, i);
    EXPECT_EQ(pair.server().streams[id].data, "");
  }
  pair.network.run_for(1s);
  EXPECT_FALSE(pair.client.reason);
}

// RFC 9000 §2: frames of a stream may come in any order, so its reset may be the first.
TEST(QuicStream, UnidirectionalStreamsThatBeginWithTheirResetEnd) {
  for (const bool stops : {false, true}) {
    Pair pair;
    pair.server_host.prepare = [&](Recorder& recorder) {
      recorder.when_open = [&recorder, stops](StreamId id) {
        if (stops) recorder.connection->stop_sending(id, 78);
      };
    };
    pair.establish();
    for (std::uint64_t i = 0; i < 3 * Settings{}.streams_uni_max; ++i) {
      const StreamId id = reset_early(pair, i);
      EXPECT_EQ(pair.server().streams[id].reset_code, i);
      EXPECT_EQ(pair.server().streams[id].close_code, i);
      ASSERT_TRUE(pair.network.run([&] { return pair.client.streams[id].closed; }, 1s)) << i;
    }
    EXPECT_EQ(pair.server().opened.size(), 3 * Settings{}.streams_uni_max);
    EXPECT_FALSE(pair.client.reason);
    EXPECT_FALSE(pair.server().reason);
  }
}

TEST(QuicStream, AConnectionWithTooManyStreamsThatBeginWithTheirResetIsClosed) {
  EndpointConfig config = server_config();
  config.settings.unfreed_streams_max = 20;
  Pair pair{1, std::move(config)};
  pair.establish();
  for (int i = 0; i < 40; ++i) {
    const StreamId id = pair.client.connection->open(Direction::unidirectional).value();
    EXPECT_TRUE(pair.client.connection->write(id, Bytes::copy_of("data")));
    ASSERT_TRUE(pair.network.run([&] { return !pair.server().streams[id].data.empty(); }, 1s));
    pair.client.connection->reset(id, 7);
    ASSERT_TRUE(pair.network.run([&] { return pair.server().streams[id].closed; }, 1s)) << i;
  }
  for (int i = 0; i < 20; ++i) reset_early(pair, 7);
  pair.network.run_for(1s);
  ASSERT_FALSE(pair.client.reason);
  reset_early(pair, 7);
  EXPECT_TRUE(pair.network.run([&] { return pair.client.reason.has_value(); }, 1s));
}

TEST(QuicStream, StopSendingIsReportedAndAnswered) {
  Pair pair;
  pair.establish();
  const StreamId id = pair.client.connection->open(Direction::bidirectional).value();
  EXPECT_TRUE(pair.client.connection->write(id, Bytes::copy_of(pattern(4'000'000)), true));
  EXPECT_TRUE(pair.network.run([&] { return !pair.server().streams[id].data.empty(); }));
  pair.server().connection->stop_sending(id, 78);
  EXPECT_TRUE(pair.network.run([&] { return pair.client.streams[id].stop_code.has_value(); }));
  EXPECT_EQ(pair.client.streams[id].stop_code, 78U);
  EXPECT_EQ(pair.client.connection->buffered_bytes(id), 0U);
  EXPECT_FALSE(pair.client.connection->write(id, Bytes::copy_of("more")));
  const auto size = pair.server().streams[id].data.size();
  pair.network.run_for(1s);
  EXPECT_EQ(pair.server().streams[id].data.size(), size) << "nothing is delivered any more";
  EXPECT_FALSE(pair.server().streams[id].fin);
}

TEST(QuicStream, StopSendingForWhatHasArrivedIsIgnored) {
  Pair pair;
  std::string late;
  pair.server_host.prepare = [](Recorder& recorder) {
    recorder.when_data = [&recorder](StreamId id) { recorder.connection->stop_sending(id, 78); };
  };
  pair.establish();
  const StreamId id = pair.client.connection->open(Direction::bidirectional).value();
  pair.network.drops = [&](ByteView datagram) {  // the server's answer to the first bytes is held back
    if (!late.empty() || pair.server().streams[id].data.empty()) return false;
    late = as_text(datagram);
    return true;
  };
  EXPECT_TRUE(pair.client.connection->write(id, Bytes::copy_of(pattern(8000)), true));
  EXPECT_TRUE(pair.network.run([&] { return pair.client.connection->buffered_bytes(id) == 0; }, 1s));
  ASSERT_FALSE(pair.client.streams[id].stop_code);
  ASSERT_FALSE(late.empty());
  pair.network.send(pair.server_host.at, pair.client_host.at, as_bytes(late));
  pair.network.run_for(1s);
  EXPECT_FALSE(pair.client.streams[id].stop_code);
}

// RFC 9000 §3.5 asks for RESET_STREAM, but the end may be on its way.
TEST(QuicStream, TheFinalSizeOfAStoppedStreamThatEndsWithFinIsTold) {
  Pair pair;
  pair.server_host.prepare = [](Recorder& recorder) {
    recorder.when_data = [&recorder](StreamId id) { recorder.connection->stop_sending(id, 78); };
  };
  pair.establish();
  const StreamId id = pair.client.connection->open(Direction::unidirectional).value();
  EXPECT_TRUE(pair.client.connection->write(id, Bytes::copy_of(pattern(8000)), true));
  EXPECT_TRUE(pair.network.run([&] { return pair.server().streams[id].closed; }));
  EXPECT_LT(pair.server().streams[id].data.size(), 8000U);
  EXPECT_FALSE(pair.server().streams[id].fin);
  EXPECT_FALSE(pair.server().streams[id].reset_code);
  EXPECT_EQ(pair.server().streams[id].stopped_size, 8000U);
}

TEST(QuicStream, AStreamMayBeStoppedWhenItsEndHasComeAlready) {
  Pair pair;
  pair.establish();
  const StreamId id = pair.client.connection->open(Direction::bidirectional).value();
  int count = 0;
  pair.network.drops = [&](ByteView) { return ++count == 3; };  // so that the end comes before the middle
  EXPECT_TRUE(pair.client.connection->write(id, Bytes::copy_of(pattern(8000)), true));
  EXPECT_TRUE(pair.network.run([&] { return !pair.server().streams[id].data.empty(); }));
  EXPECT_LT(pair.server().streams[id].data.size(), 8000U);
  pair.server().connection->stop_sending(id, 78);
  EXPECT_FALSE(pair.server().streams[id].stopped_size) << "never from inside a call";
  EXPECT_TRUE(pair.network.run([&] { return pair.server().streams[id].stopped_size.has_value(); }, 1s));
  EXPECT_EQ(pair.server().streams[id].stopped_size, 8000U);
  pair.network.run_for(1s);  // Recorder looks
}

TEST(QuicStream, AStoppedStreamThatIsResetIsToldAsReset) {
  Pair pair;
  pair.establish();
  const StreamId id = pair.client.connection->open(Direction::unidirectional).value();
  EXPECT_TRUE(pair.client.connection->write(id, Bytes::copy_of(pattern(4'000'000)), true));
  EXPECT_TRUE(pair.network.run([&] { return !pair.server().streams[id].data.empty(); }));
  pair.server().connection->stop_sending(id, 78);
  EXPECT_TRUE(pair.network.run([&] { return pair.server().streams[id].closed; }));
  EXPECT_TRUE(pair.server().streams[id].reset_code);
  EXPECT_FALSE(pair.server().streams[id].stopped_size);
}

TEST(QuicStream, StoppedAndResetStreamsGiveTheConnectionsCreditBack) {
  Pair pair;
  pair.server_host.prepare = [](Recorder& recorder) { recorder.consumes = false; };
  pair.establish();
  for (int i = 0; i < 30; ++i) {  // 30 MB through a connection of 1.5 MB
    const StreamId id = pair.client.connection->open(Direction::unidirectional).value();
    EXPECT_TRUE(pair.client.connection->write(id, Bytes::copy_of(pattern(1'000'000))));
    ASSERT_TRUE(pair.network.run([&] { return pair.server().streams[id].data.size() > 100'000; })) << i;
    if (i % 2 == 0) {
      pair.server().connection->stop_sending(id, 1);
      EXPECT_TRUE(pair.network.run([&] { return pair.client.streams[id].closed; }));
    } else {
      pair.client.connection->reset(id, 2);
      EXPECT_TRUE(pair.network.run([&] { return pair.server().streams[id].closed; }));
    }
  }
}

TEST(QuicStream, OperationsOnUnknownStreamsDoNothing) {
  Pair pair;
  pair.establish();
  Connection& connection = *pair.client.connection;
  EXPECT_FALSE(connection.write(400, Bytes::copy_of("x")));
  EXPECT_FALSE(connection.write(3, Bytes::copy_of("x"), true));
  connection.reset(400, 1);
  connection.stop_sending(401, 1);
  connection.consume(402, 1);
  EXPECT_EQ(connection.buffered_bytes(400), 0U);
  EXPECT_FALSE(connection.is_closed());
}

TEST(QuicStream, BeforeReadyNothingCanBeOpened) {
  Pair pair;
  Connection& connection = pair.connect();
  EXPECT_EQ(connection.open(Direction::bidirectional), std::nullopt);
  EXPECT_EQ(connection.datagram_bytes_max(), 0U);
  EXPECT_EQ(connection.send_datagram(as_bytes("x")).error(), DatagramError::unsupported);
}

TEST(QuicStream, AServerSendsBeforeTheHandshakeIsComplete) {
  Pair pair;
  pair.server_host.prepare = [](Recorder& recorder) {
    recorder.when_ready = [&recorder] {
      const auto id = recorder.connection->open(Direction::unidirectional);
      ASSERT_TRUE(id.has_value());
      EXPECT_TRUE(recorder.connection->write(*id, Bytes::copy_of("settings")));
      EXPECT_FALSE(recorder.completed);
    };
  };
  pair.connect();
  EXPECT_TRUE(pair.network.run([&] { return pair.client.streams[3].data == "settings"; }));
  EXPECT_LE(pair.network.now() - TimePoint{1000s}, 11ms) << "in the server's first flight";
}

}  // namespace
}  // namespace plait::quic
