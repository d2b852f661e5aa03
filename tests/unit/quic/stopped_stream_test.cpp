// Streams that are stopped or reset while packets are under way, get lost or overtake each other.
#include "unit/quic/network.hpp"

namespace plait::quic {
namespace {

void stop_at_first_data(Recorder& recorder) {
  recorder.when_data = [&recorder](StreamId id) { recorder.connection->stop_sending(id, 78); };
}

// What waits behind a gap is delivered within the call that fills it, and it is there that the stream is stopped.
TEST(QuicStoppedStream, CostsNoCreditIfItIsStoppedWhenAGapIsFilled) {
  constexpr std::uint64_t kCreditBytes = 1 << 16;
  for (const bool has_end : {false, true}) {
    EndpointConfig config = server_config();
    config.settings.stream_credit_bytes = config.settings.stream_credit_bytes_max = kCreditBytes;
    config.settings.connection_credit_bytes = config.settings.connection_credit_bytes_max = kCreditBytes;
    Pair pair{1, std::move(config)};
    pair.server_host.prepare = stop_at_first_data;
    pair.establish();
    pair.network.run_for(1s);
    for (int i = 0; i < 300; ++i) {  // 3 MB through 64 KiB
      const StreamId id = pair.client.connection->open(Direction::unidirectional).value();
      int count = 0;
      pair.network.drops = [&](ByteView datagram) { return datagram.size() > 1000 && ++count == 1; };
      EXPECT_TRUE(pair.client.connection->write(id, Bytes::copy_of(pattern(10'000)), has_end));
      ASSERT_TRUE(pair.network.run([&] { return pair.server().streams[id].closed; })) << has_end << ", stream " << i;
      pair.network.drops = nullptr;
    }
    pair.server().when_data = nullptr;
    pair.server().consumes = false;
    std::size_t total = 0;
    for (int i = 0; i < 2; ++i) {
      const StreamId id = pair.client.connection->open(Direction::unidirectional).value();
      EXPECT_TRUE(pair.client.connection->write(id, Bytes::copy_of(pattern(kCreditBytes))));
      pair.network.run_for(1s);
      total += pair.server().streams[id].data.size();
    }
    EXPECT_GT(total, kCreditBytes / 4);
    EXPECT_LE(total, kCreditBytes) << "none of it was given back twice";
  }
}

// The frames of a packet are looked through for ends before its first one is handled.
TEST(QuicStoppedStream, IsToldOfItsEndThatComesBehindThatOfAnotherInOnePacket) {
  Pair pair;
  std::optional<StreamId> refused;
  pair.server_host.prepare = [&](Recorder& recorder) {
    stop_at_first_data(recorder);
    recorder.when_open = [&](StreamId id) {
      if (id == refused) recorder.connection->stop_sending(id, 79);
    };
  };
  pair.establish();
  pair.network.run_for(1s);
  Connection& client = *pair.client.connection;
  const StreamId stopped = client.open(Direction::unidirectional).value();
  EXPECT_TRUE(client.write(stopped, Bytes::copy_of("begin")));
  ASSERT_TRUE(pair.network.run([&] { return !pair.server().streams[stopped].data.empty(); }));
  refused = client.open(Direction::unidirectional).value();
  const auto packets = client.stats().sent_packet_count;
  EXPECT_TRUE(client.write(stopped, Bytes::copy_of("end"), true));
  EXPECT_TRUE(client.write(*refused, Bytes::copy_of("all of it"), true));
  pair.network.run([] { return true; });
  EXPECT_EQ(client.stats().sent_packet_count - packets, 1U);
  ASSERT_TRUE(pair.network.run([&] { return pair.server().streams[*refused].closed; }));
  EXPECT_EQ(pair.server().streams[stopped].stopped_size, 8U);
  EXPECT_EQ(pair.server().streams[*refused].stopped_size, 9U);
  EXPECT_EQ(pair.server().streams[*refused].data, "");
}

/// A stream of the client's that the server stops, without the client's knowledge until all of it has arrived: the
/// last two packets in the wrong order, and STOP_SENDING late.
StreamId stop_unheard(Pair& pair, Direction direction) {
  const StreamId id = pair.client.connection->open(direction).value();
  bool is_lost = false;
  pair.network.drops = [&](ByteView) {  // the packet with STOP_SENDING, the first one since the data have come
    return !pair.server().streams[id].data.empty() && !std::exchange(is_lost, true);
  };
  EXPECT_TRUE(pair.client.connection->write(id, Bytes::copy_of("begin")));
  EXPECT_TRUE(pair.network.run([&] { return is_lost; }));
  std::string late;
  pair.network.drops = [&](ByteView datagram) {
    if (datagram.size() < 1000 || !late.empty()) return false;
    late = as_text(datagram);
    return true;
  };
  EXPECT_TRUE(pair.client.connection->write(id, Bytes::copy_of(pattern(2500)), true));
  pair.network.run_for(1ms);
  pair.network.send(pair.client_host.at, pair.server_host.at, as_bytes(late));
  pair.network.drops = nullptr;
  return id;
}

TEST(QuicStoppedStream, EndsIfItsEndHasOvertakenTheRest) {
  Pair pair;
  pair.server_host.prepare = stop_at_first_data;
  pair.establish();
  pair.network.run_for(1s);
  for (std::uint64_t i = 0; i < 2 * Settings{}.streams_uni_max; ++i) {
    const StreamId id = stop_unheard(pair, Direction::unidirectional);
    ASSERT_TRUE(pair.network.run([&] { return pair.server().streams[id].closed; }, 1s)) << i;
    EXPECT_EQ(pair.server().streams[id].stopped_size, 2505U);
    pair.network.run_for(1s);
    EXPECT_EQ(pair.client.connection->buffered_bytes(id), 0U);
    EXPECT_FALSE(pair.client.streams[id].stop_code);
  }
}

TEST(QuicStoppedStream, OfWhichNgtcp2KeepsTooManyEndsTheConnection) {
  EndpointConfig config = server_config();
  config.settings.unfreed_streams_max = 20;
  Pair pair{1, std::move(config)};
  pair.server_host.prepare = stop_at_first_data;
  pair.establish();
  pair.network.run_for(1s);
  for (int i = 0; i < 20; ++i) {
    const StreamId id = stop_unheard(pair, Direction::unidirectional);
    ASSERT_TRUE(pair.network.run([&] { return pair.server().streams[id].closed; }, 1s)) << i;
    pair.network.run_for(1s);
  }
  ASSERT_FALSE(pair.client.reason);
  stop_unheard(pair, Direction::unidirectional);
  EXPECT_TRUE(pair.network.run([&] { return pair.client.reason.has_value(); }, 1s));
}

TEST(QuicStoppedStream, OfBothDirectionsEndsWhenOursHasEndedToo) {
  Pair pair;
  pair.server_host.prepare = stop_at_first_data;
  pair.establish();
  pair.network.run_for(1s);
  for (std::uint64_t i = 0; i < 2 * Settings{}.streams_bidi_max; ++i) {
    const StreamId id = stop_unheard(pair, Direction::bidirectional);
    ASSERT_TRUE(pair.network.run([&] { return pair.server().streams[id].stopped_size.has_value(); }, 1s)) << i;
    EXPECT_FALSE(pair.server().streams[id].closed);
    if (i % 3 == 0) {
      EXPECT_TRUE(pair.server().connection->write(id, Bytes::copy_of("answer"), true));
    } else if (i % 3 == 1) {
      pair.server().connection->reset(id, 79);
    } else {
      pair.client.connection->stop_sending(id, 80);
    }
    ASSERT_TRUE(pair.network.run([&] { return pair.server().streams[id].closed; }, 1s)) << i;
    EXPECT_EQ(pair.client.streams[id].data, i % 3 == 0 ? "answer" : "");
    pair.network.run_for(1s);
  }
  EXPECT_FALSE(pair.client.reason);
}

// What was lost goes before anything new, so that the first packets have no room for it.
TEST(QuicResetStream, WaitsForItsFirstFrameIfNothingHasLeft) {
  EndpointConfig config = server_config();
  config.settings.unfreed_streams_max = 0;
  Pair pair{1, std::move(config)};
  pair.server_host.prepare = [](Recorder& recorder) { recorder.echoes = true; };
  pair.establish();
  pair.network.run_for(1s);
  Connection& client = *pair.client.connection;
  const StreamId echoed = client.open(Direction::bidirectional).value();
  const StreamId lost = client.open(Direction::unidirectional).value();
  const StreamId reset = client.open(Direction::unidirectional).value();
  pair.client.when_data = [&](StreamId) { client.reset(reset, 7); };  // with the packet that tells of the loss
  int count = 0;
  pair.network.drops = [&](ByteView datagram) { return datagram.size() > 1000 && ++count >= 2 && count <= 4; };
  const std::string text = pattern(10'000);
  EXPECT_TRUE(client.write(echoed, Bytes::copy_of("echo")));
  EXPECT_TRUE(client.write(lost, Bytes::copy_of(text), true));
  ASSERT_TRUE(
      pair.network.run([&] { return pair.server().streams[reset].closed && pair.client.streams[reset].closed; }));
  EXPECT_EQ(pair.server().streams[reset].reset_code, 7U);
  EXPECT_TRUE(pair.network.run([&] { return pair.server().streams[lost].fin; }));
  EXPECT_TRUE(pair.server().streams[lost].data == text);
  pair.network.run_for(1s);
  EXPECT_FALSE(pair.client.reason) << pair.client.reason->reason;
}

}  // namespace
}  // namespace plait::quic
