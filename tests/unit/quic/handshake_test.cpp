// The handshake, and a first stream.
#include "unit/quic/network.hpp"

namespace plait::quic {
namespace {

TEST(QuicHandshake, CompletesAtBothEnds) {
  Pair pair;
  pair.establish();
  EXPECT_TRUE(pair.client.ready);
  EXPECT_TRUE(pair.server().ready);
  EXPECT_EQ(pair.client.connection->alpn(), "test");
  EXPECT_EQ(pair.server().connection->alpn(), "test");
}

// On a path with a round trip to speak of, what comes after a probe of its MTU is paced.
TEST(QuicHandshake, NeitherTheFirstRequestNorItsAnswerWaitsForAProbe) {
  Pair pair;
  pair.network.link.delay = 30ms;
  pair.server_host.prepare = [](Recorder& accepted) { accepted.echoes = true; };
  StreamId id = 0;
  pair.client.when_ready = [&] {
    id = pair.client.connection->open(Direction::bidirectional).value();
    EXPECT_TRUE(pair.client.connection->write(id, Bytes::copy_of("request"), true));
  };
  const TimePoint start = pair.network.now();
  pair.connect();
  ASSERT_TRUE(pair.network.run([&] { return pair.client.streams[id].fin; }));
  EXPECT_EQ(pair.network.now() - start, 2 * 2 * 30ms);
}

TEST(QuicHandshake, NorDoesTheFirstLargeOne) {
  Pair pair;
  pair.network.link.delay = 30ms;
  pair.establish();
  const StreamId id = pair.client.connection->open(Direction::bidirectional).value();
  EXPECT_TRUE(pair.client.connection->write(id, Bytes::copy_of("small")));
  pair.network.run_for(1s);
  const TimePoint start = pair.network.now();
  EXPECT_TRUE(pair.client.connection->write(id, Bytes::copy_of(pattern(50'000)), true));
  ASSERT_TRUE(pair.network.run([&] { return pair.server().streams[id].data.size() > 10'000; }));
  EXPECT_EQ(pair.network.now() - start, 30ms) << "the first window";
}

TEST(QuicHandshake, AStreamIsEchoed) {
  Pair pair;
  pair.server_host.prepare = [](Recorder& recorder) { recorder.echoes = true; };
  pair.establish();
  const auto id = pair.client.connection->open(Direction::bidirectional);
  ASSERT_EQ(id, 0U);
  const std::string text = pattern(3'000'000);
  EXPECT_TRUE(pair.client.connection->write(*id, Bytes::copy_of(text), true));
  EXPECT_EQ(pair.client.connection->buffered_bytes(*id), text.size());
  EXPECT_TRUE(pair.network.run([&] { return pair.client.streams[*id].closed; }));
  EXPECT_TRUE(pair.client.streams[*id].data == text);
  EXPECT_TRUE(pair.client.streams[*id].fin);
  EXPECT_EQ(pair.client.streams[*id].acked, text.size());
}

}  // namespace
}  // namespace plait::quic
