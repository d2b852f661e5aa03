// How connections end, and what they live through: timeouts, codes, new keys, new paths, floods.
#include "unit/quic/network.hpp"

namespace plait::quic {
namespace {

using Kind = CloseReason::Kind;

TEST(QuicLifetime, CodeAndReasonOfTheApplicationArrive) {
  Pair pair;
  pair.establish();
  pair.client.connection->close(123, "client done");
  EXPECT_TRUE(pair.network.run([&] { return pair.server().reason && pair.client.reason; }));
  EXPECT_EQ(pair.server().reason->kind, Kind::peer_application);
  EXPECT_EQ(pair.server().reason->code, 123U);
  EXPECT_EQ(pair.server().reason->reason, "client done");
  EXPECT_EQ(pair.client.reason->kind, Kind::local);
  EXPECT_EQ(pair.client.reason->code, 123U);
  pair.network.run_for(5s);
  EXPECT_EQ(pair.client_host.endpoint->stats().connection_count, 0U) << "freed after three PTOs";
  EXPECT_EQ(pair.server_host.endpoint->stats().connection_count, 0U);
}

// Three PTOs of it are 18 seconds; with the peer's max_ack_delay they could be minutes.
TEST(QuicLifetime, OnALongPathAnEndedConnectionIsFreedSoonAllTheSame) {
  Pair pair;
  pair.network.link.delay = 1s;
  pair.establish();
  pair.client.connection->close(1, "");
  EXPECT_TRUE(pair.network.run([&] { return pair.server().reason.has_value(); }));
  pair.network.run_for(6s);
  EXPECT_EQ(pair.server_host.endpoint->stats().connection_count, 0U);
  EXPECT_EQ(pair.client_host.endpoint->stats().connection_count, 0U);
}

TEST(QuicLifetime, ALostCloseIsRepeatedForPacketsThatStillCome) {
  Pair pair;
  pair.establish();
  const StreamId id = pair.server().connection->open(Direction::unidirectional).value();
  pair.client.connection->close(5, "bye");
  int count = 0;
  pair.network.drops = [&](ByteView) { return count++ == 0; };
  EXPECT_TRUE(pair.server().connection->write(id, Bytes::copy_of(pattern(50'000)), true));
  EXPECT_TRUE(pair.network.run([&] { return pair.server().reason.has_value(); }, 2s));
  EXPECT_EQ(pair.server().reason->code, 5U);
}

TEST(QuicLifetime, NothingIsCalledAfterClose) {
  Pair pair;
  pair.establish();
  const StreamId id = pair.server().connection->open(Direction::unidirectional).value();
  EXPECT_TRUE(pair.server().connection->write(id, Bytes::copy_of("data"), true));
  pair.client.connection->close(0, "");
  EXPECT_TRUE(pair.client.connection->is_closed());
  EXPECT_FALSE(pair.client.connection->open(Direction::bidirectional).has_value());
  pair.network.run_for(1s);
  EXPECT_TRUE(pair.client.streams.empty());
}

TEST(QuicLifetime, ClosingInsideAnEventIsAllowed) {
  Pair pair;
  pair.server_host.prepare = [](Recorder& recorder) {
    recorder.when_ready = [&recorder] { recorder.connection->close(9, "not today"); };
  };
  pair.connect();
  EXPECT_TRUE(pair.network.run([&] { return pair.client.reason.has_value(); }));
  // Before the client has 1-RTT keys the application's code is hidden (RFC 9000 §10.2.3).
  EXPECT_EQ(pair.client.reason->kind, Kind::peer_transport);
  EXPECT_EQ(pair.server().reason->kind, Kind::local);
}

TEST(QuicLifetime, TheEndIsReportedWhenThePacketThatTellsOfItLeaves) {
  Pair pair;
  pair.establish();
  const StreamId id = pair.server().connection->open(Direction::unidirectional).value();
  EXPECT_TRUE(pair.server().connection->write(id, Bytes::copy_of("data")));
  pair.network.run_for(4ms);  // on its way
  pair.client.connection->close(4, "bye");
  pair.client_host.endpoint->handle_expiry(pair.network.now() + 1s);
  EXPECT_FALSE(pair.client.reason);
  std::vector<std::uint8_t> buffer(Endpoint::kTransmitBytesMax);
  const auto packet = pair.client_host.endpoint->poll_transmit(buffer, pair.network.now() + 1s);
  ASSERT_TRUE(packet && pair.client.reason);
  pair.server_host.endpoint->handle_datagram({packet->path.remote, packet->path.local},
                                             ByteView{buffer}.first(packet->size), Ecn::not_ect, pair.network.now());
  EXPECT_TRUE(pair.server().reason);
}

TEST(QuicLifetime, AClientThatIsGoneAfterItsFirstWordIsHeard) {
  for (const bool at_once : {true, false}) {
    Pair pair;
    // Its socket is closed with the first packets that tell of the end: nobody repeats them.
    pair.client.when_ready = [&] {
      if (at_once) pair.client.connection->close(3, "gone");
    };
    pair.connect();
    EXPECT_TRUE(pair.network.run([&] { return pair.client.ready; }));
    if (!at_once) pair.client.connection->close(3, "gone");
    EXPECT_TRUE(pair.network.run([&] { return pair.client.reason.has_value(); }));
    pair.network.run_for(5ms);  // what is on its way arrives
    pair.client_host.endpoint =
        std::make_unique<Endpoint>(EndpointConfig{}, pair.client_host.random, pair.client_host, pair.network.now());
    EXPECT_TRUE(pair.network.run([&] { return pair.server().reason.has_value(); }, 1s)) << at_once;
  }
}

TEST(QuicLifetime, SilenceEndsInTheIdleTimeout) {
  EndpointConfig config = server_config();
  config.settings.keep_alive_server = Duration::zero();
  EndpointConfig client_side;
  client_side.settings.keep_alive_client = Duration::zero();
  Pair pair{1, std::move(config), std::move(client_side)};
  pair.establish();
  pair.network.run_for(29s);
  EXPECT_FALSE(pair.client.reason);
  pair.network.run_for(3s);
  ASSERT_TRUE(pair.client.reason && pair.server().reason);
  EXPECT_EQ(pair.client.reason->kind, Kind::idle_timeout);
  EXPECT_EQ(pair.server().reason->kind, Kind::idle_timeout);
}

// A PING that is not answered puts it off no further.
TEST(QuicLifetime, APeerThatHasVanishedIsNoticedAfterTheIdleTimeoutDespiteKeepAlive) {
  for (const bool is_client : {true, false}) {
    Pair pair;
    pair.establish();
    pair.network.run_for(100s);
    pair.network.drops = [](ByteView) { return true; };
    const Recorder& left = is_client ? pair.client : pair.server();
    pair.network.run_for(20s);  // the last packet was of up to ten seconds before
    EXPECT_FALSE(left.reason);
    EXPECT_TRUE(pair.network.run([&] { return left.reason.has_value(); }, 11s)) << is_client;
    EXPECT_EQ(left.reason->kind, Kind::idle_timeout);
    EXPECT_EQ(left.reason->reason, "nothing came from the peer for the idle timeout");
  }
}

TEST(QuicLifetime, WhoIsAskedRightBeforeTheIdleTimeoutHasTimeToAnswer) {
  EndpointConfig config = server_config();
  config.settings.keep_alive_server = Duration::zero();
  EndpointConfig client_side;
  client_side.settings.keep_alive_client = Duration::zero();
  Pair pair{1, std::move(config), std::move(client_side)};
  pair.network.link.delay = 50ms;
  pair.establish();
  ASSERT_TRUE(pair.network.run([&] { return pair.server().completed; }));
  pair.network.run_for(29800ms);
  ASSERT_FALSE(pair.client.reason || pair.server().reason);
  EXPECT_TRUE(pair.client.connection->send_datagram(as_bytes("still there?")));
  pair.network.run_for(5s);
  EXPECT_FALSE(pair.client.reason);
  EXPECT_FALSE(pair.server().reason);
  pair.network.run_for(21s);
  EXPECT_FALSE(pair.client.reason) << "its time has begun anew";
  pair.network.run_for(10s);
  EXPECT_TRUE(pair.client.reason && pair.server().reason);
}

// Whoever can send to the port could hold a connection that is dead.
TEST(QuicLifetime, GarbageIsNoSignOfLife) {
  Pair pair;
  pair.establish();
  std::vector<std::uint8_t> genuine;
  pair.network.drops = [&](ByteView datagram) {
    if (datagram[0] < 0x80) genuine.assign(datagram.begin(), datagram.end());
    return false;
  };
  const StreamId id = pair.server().connection->open(Direction::unidirectional).value();
  EXPECT_TRUE(pair.server().connection->write(id, Bytes::copy_of(pattern(100))));
  ASSERT_TRUE(pair.network.run([&] { return !genuine.empty(); }));
  std::vector<std::uint8_t> forged = genuine;  // to the client's connection ID
  forged.back() ^= 1U;
  pair.network.run_for(1s);
  pair.network.drops = [&](ByteView datagram) { return !std::ranges::equal(datagram, forged); };
  const std::uint64_t received = pair.client_host.received_bytes;
  for (int i = 0; i < 31 && !pair.client.reason; ++i) {
    pair.network.send(pair.server_host.at, pair.client_host.at, forged);
    pair.network.run_for(1s);
  }
  EXPECT_GE(pair.client_host.received_bytes, received + 20 * forged.size()) << "it did come";
  ASSERT_TRUE(pair.client.reason);
  EXPECT_EQ(pair.client.reason->kind, Kind::idle_timeout);
}

TEST(QuicLifetime, TheClientsKeepAliveHoldsAConnectionWhoseServerSendsNone) {
  EndpointConfig config = server_config();
  config.settings.keep_alive_server = Duration::zero();
  Pair pair{1, std::move(config)};
  pair.establish();
  pair.network.run_for(200s);
  EXPECT_FALSE(pair.client.reason);
}

TEST(QuicLifetime, TheServersKeepAliveHoldsASilentConnection) {
  Pair pair;
  pair.establish();
  pair.network.run_for(200s);
  EXPECT_FALSE(pair.client.reason);
  EXPECT_FALSE(pair.server().reason);
}

TEST(QuicLifetime, AServerThatDoesNotAnswerEndsInTheHandshakeTimeout) {
  Pair pair;
  pair.network.drops = [](ByteView) { return true; };
  pair.connect();
  EXPECT_TRUE(pair.network.run([&] { return pair.client.reason.has_value(); }, 11s));
  EXPECT_EQ(pair.client.reason->kind, Kind::handshake_timeout);
}

// That of an owner with a deadline of its own; what ends first is the idle timeout.
TEST(QuicLifetime, AServerThatDoesNotAnswerIsCalledThatHoweverLongTheHandshakeMayTake) {
  EndpointConfig client;
  client.settings.handshake_timeout = 1h;
  Pair pair{1, server_config(), std::move(client)};
  pair.network.drops = [](ByteView) { return true; };
  pair.connect();
  EXPECT_TRUE(pair.network.run([&] { return pair.client.reason.has_value(); }, 31s));
  EXPECT_EQ(pair.client.reason->kind, Kind::handshake_timeout);
  EXPECT_NE(pair.client.reason->reason.find("no answer"), std::string::npos) << pair.client.reason->reason;
}

// RFC 9000 §14.2.1: ICMP counts only with a packet of ours in it, and only before the server has answered.
TEST(QuicLifetime, APortThatNobodyListensAtEndsAnOpeningAtOnce) {
  Pair pair;
  std::vector<std::uint8_t> sent;
  pair.network.drops = [&](ByteView datagram) {
    sent.assign(datagram.begin(), datagram.begin() + std::min<std::ptrdiff_t>(std::ssize(datagram), 500));
    return true;
  };
  pair.connect();
  ASSERT_TRUE(pair.network.run([&] { return !sent.empty(); }));
  Endpoint& endpoint = *pair.client_host.endpoint;
  std::vector<std::uint8_t> forged = sent;
  for (std::size_t i = 5; i < 60; ++i) forged[i] ^= 1;  // connection IDs and their lengths
  for (const std::vector<std::uint8_t>& quoted : {std::vector<std::uint8_t>{}, {0xc0}, {0x40, 1, 2, 3}, forged}) {
    endpoint.handle_refused(quoted, pair.network.now());
    EXPECT_FALSE(pair.client.reason);
  }
  endpoint.handle_refused(sent, pair.network.now());
  ASSERT_TRUE(pair.client.reason);
  EXPECT_EQ(pair.client.reason->kind, Kind::refused);
  EXPECT_EQ(endpoint.stats().connection_count, 0U);
  endpoint.handle_refused(sent, pair.network.now());
}

TEST(QuicLifetime, IcmpIsNothingToAServerThatHasAnswered) {
  Pair pair;
  std::vector<std::uint8_t> first;
  pair.network.drops = [&](ByteView datagram) {
    if (first.empty()) first.assign(datagram.begin(), datagram.end());
    return false;
  };
  pair.establish();
  pair.client_host.endpoint->handle_refused(first, pair.network.now());
  EXPECT_FALSE(pair.client.reason);
}

TEST(QuicLifetime, AClientThatVanishesDuringTheHandshakeIsForgotten) {
  Pair pair;
  pair.connect();
  pair.network.drops = [&](ByteView) { return pair.server_host.received_bytes > 0; };
  pair.network.run_for(12s);
  EXPECT_EQ(pair.server_host.endpoint->stats().accepted_count, 1U);
  EXPECT_EQ(pair.server_host.endpoint->stats().connection_count, 0U);
  EXPECT_EQ(pair.server_host.endpoint->stats().handshake_count, 0U);
}

TEST(QuicLifetime, KeysAreUpdatedFromBothSidesWhileDataFlow) {
  Pair pair;
  pair.server_host.prepare = [](Recorder& recorder) { recorder.echoes = true; };
  pair.establish();
  const std::string text = pattern(20'000);
  for (int i = 0; i < 6; ++i) {
    pair.network.run_for(2s);
    // ngtcp2 makes the next keys when a packet comes.
    const StreamId probe = pair.client.connection->open(Direction::bidirectional).value();
    EXPECT_TRUE(pair.client.connection->write(probe, Bytes::copy_of("x"), true));
    ASSERT_TRUE(pair.network.run([&] { return pair.client.streams[probe].closed; }));
    EXPECT_TRUE((i % 2 == 0 ? pair.client : pair.server()).connection->update_keys()) << i;
    const StreamId id = pair.client.connection->open(Direction::bidirectional).value();
    EXPECT_TRUE(pair.client.connection->write(id, Bytes::copy_of(text), true));
    ASSERT_TRUE(pair.network.run([&] { return pair.client.streams[id].closed; })) << i;
    EXPECT_TRUE(pair.client.streams[id].data == text);
  }
}

TEST(QuicLifetime, ANatThatMovesIsFollowed) {
  Pair pair;
  pair.server_host.prepare = [](Recorder& recorder) { recorder.echoes = true; };
  pair.establish();
  pair.network.run_for(1s);
  pair.network.rebind(pair.client_host.at, address(77, 7777));
  const StreamId id = pair.client.connection->open(Direction::bidirectional).value();
  const std::string text = pattern(300'000);
  EXPECT_TRUE(pair.client.connection->write(id, Bytes::copy_of(text), true));
  EXPECT_TRUE(pair.network.run([&] { return pair.client.streams[id].closed; }));
  EXPECT_TRUE(pair.client.streams[id].data == text);
  EXPECT_EQ(pair.server().connection->path().remote, address(77, 7777));
}

TEST(QuicLifetime, ANatThatMovesBackAtOnceIsFollowedEvenWithoutProbes) {
  EndpointConfig config = server_config();
  config.settings.mtu_probes.clear();
  Pair pair{1, std::move(config)};
  pair.server_host.prepare = [](Recorder& recorder) { recorder.echoes = true; };
  pair.establish();
  pair.network.run_for(1s);
  const auto write = [&] {
    const StreamId id = pair.client.connection->open(Direction::bidirectional).value();
    EXPECT_TRUE(pair.client.connection->write(id, Bytes::copy_of("x"), true));
    return id;
  };
  pair.network.rebind(pair.client_host.at, address(77, 7777));
  write();
  EXPECT_TRUE(pair.network.run([&] { return pair.server().connection->path().remote == address(77, 7777); }));
  // The server validates the new path now, and falls back to the old one without having done so.
  pair.network.rebind_back();
  const StreamId id = write();
  EXPECT_TRUE(pair.network.run([&] { return pair.client.streams[id].closed; }));
  EXPECT_EQ(pair.server().connection->path().remote, pair.client_host.at);
}

// Anybody who sees a packet can send it on from elsewhere, before the peer's own arrives (RFC 9000 §9.3.1).
TEST(QuicLifetime, ThePeerIsNotAtANewAddressBeforeItAnswersThere) {
  EndpointConfig config = server_config();
  config.loop_number = 0x5A;  // the first byte of the server's connection IDs
  Pair pair{1, std::move(config)};
  pair.establish();
  pair.network.run_for(1s);
  const Address next = address(77, 7777);
  pair.network.rebind(pair.client_host.at, next);
  pair.network.drops = [](ByteView data) { return connection_id_first_byte(data) != 0x5A; };
  const StreamId id = pair.client.connection->open(Direction::bidirectional).value();
  EXPECT_TRUE(pair.client.connection->write(id, Bytes::copy_of("x")));
  ASSERT_TRUE(pair.network.run([&] { return pair.server().connection->path().remote == next; }, 1s));
  EXPECT_EQ(pair.server().connection->peer(), pair.client_host.at);
  pair.network.drops = nullptr;
  EXPECT_TRUE(pair.network.run([&] { return pair.server().connection->peer() == next; }));
  EXPECT_EQ(pair.client.connection->peer(), pair.server_host.at);
}

TEST(QuicLifetime, AClientMigrates) {
  Pair pair;
  pair.server_host.prepare = [](Recorder& recorder) { recorder.echoes = true; };
  pair.establish();
  pair.network.run_for(1s);
  const Path next{address(2, 9999), pair.server_host.at};
  EXPECT_FALSE(pair.client.connection->migrate({})) << "no address";
  EXPECT_TRUE(pair.client.connection->migrate(next));
  pair.network.run_for(1s);
  EXPECT_EQ(pair.client.connection->path(), next);
  const StreamId id = pair.client.connection->open(Direction::bidirectional).value();
  EXPECT_TRUE(pair.client.connection->write(id, Bytes::copy_of("moved"), true));
  EXPECT_TRUE(pair.network.run([&] { return pair.client.streams[id].closed; }));
  EXPECT_EQ(pair.client.streams[id].data, "moved");
  EXPECT_EQ(pair.server().connection->path().remote, next.local);
}

TEST(QuicLifetime, AFloodOfResetsClosesTheConnection) {
  EndpointConfig config = server_config();
  config.settings.cancel_frames_burst = 50;
  config.settings.cancel_frames_per_second = 1;
  Pair pair{1, std::move(config)};
  pair.establish();
  for (int i = 0; i < 500 && !pair.server().reason; ++i) {
    if (pair.client.reason) break;
    const auto id = pair.client.connection->open(Direction::unidirectional);
    if (!id) {
      pair.network.run_for(20ms);
      continue;
    }
    EXPECT_TRUE(pair.client.connection->write(*id, Bytes::copy_of("x")));
    pair.client.connection->reset(*id, 1);
  }
  pair.network.run_for(1s);
  ASSERT_TRUE(pair.server().reason);
  EXPECT_EQ(pair.server().reason->kind, Kind::protocol);
  ASSERT_TRUE(pair.client.reason);
  EXPECT_EQ(pair.client.reason->kind, Kind::peer_transport);
  EXPECT_EQ(pair.client.reason->code, 0xaU) << "PROTOCOL_VIOLATION";
}

// Opens a bidirectional stream and gives it up at once. False: there is no credit for one.
bool cancel_one(Pair& pair) {
  const auto id = pair.client.connection->open(Direction::bidirectional);
  if (!id) return false;
  EXPECT_TRUE(pair.client.connection->write(*id, Bytes::copy_of("x")));
  pair.client.connection->reset(*id, 1);
  pair.client.connection->stop_sending(*id, 1);
  return true;
}

TEST(QuicLifetime, WhoCancelsHundredsOfStreamsASecondLives) {
  Pair pair;
  pair.establish();
  for (int i = 0; i < 500 * 6 && !pair.client.reason; ++i) {
    EXPECT_TRUE(cancel_one(pair));
    pair.network.run_for(2ms);
  }
  EXPECT_FALSE(pair.client.reason) << pair.client.reason->reason;
  EXPECT_FALSE(pair.server().reason) << pair.server().reason->reason;
}

// CVE-2023-44487. Credit for so many streams comes back with each round trip.
TEST(QuicLifetime, WhoCancelsThousandsOfStreamsASecondIsEnded) {
  Pair pair;
  pair.network.link.delay = 1ms;
  pair.establish();
  int cancelled = 0;
  const TimePoint begin = pair.network.now();
  while (!pair.client.reason && pair.network.now() - begin < 1s) {
    for (int i = 0; i < 10 && cancel_one(pair); ++i) ++cancelled;
    pair.network.run_for(1ms);
  }
  ASSERT_TRUE(pair.client.reason);
  EXPECT_EQ(pair.client.reason->code, 0xaU) << "PROTOCOL_VIOLATION";
  EXPECT_LT(cancelled, 1500);
}

TEST(QuicLifetime, CopiesOfAPacketAreNoFlood) {
  EndpointConfig config = server_config();
  config.loop_number = 0x5A;  // the first byte of the server's connection IDs
  config.settings.cancel_frames_burst = 50;
  config.settings.cancel_frames_per_second = 1;
  Pair pair{1, std::move(config)};
  pair.establish();
  pair.network.run_for(1s);
  const StreamId id = pair.client.connection->open(Direction::unidirectional).value();
  EXPECT_TRUE(pair.client.connection->write(id, Bytes::copy_of("x")));
  pair.client.connection->reset(id, 1);
  std::vector<std::vector<std::uint8_t>> sent;
  pair.network.drops = [&](ByteView datagram) {
    if (connection_id_first_byte(datagram) == 0x5A) sent.emplace_back(datagram.begin(), datagram.end());
    return false;
  };
  ASSERT_TRUE(pair.network.run([&] { return pair.server().streams[id].reset_code.has_value(); }));
  for (int i = 0; i < 1500; ++i) {
    pair.server_host.endpoint->handle_datagram({pair.server_host.at, pair.client_host.at}, sent.front(), Ecn::not_ect,
                                               pair.network.now());
  }
  pair.network.run_for(1s);
  EXPECT_FALSE(pair.server().reason) << pair.server().reason->reason;
}

// Bytes of one stream in a packet each, every second of which is lost.
void write_with_gaps(Pair& pair, StreamId id) {
  int count = 0;
  pair.network.drops = [&](ByteView) { return ++count % 2 == 1; };
  for (int i = 0; i < 80 && !pair.server().reason; ++i) {
    EXPECT_TRUE(pair.client.connection->write(id, Bytes::copy_of("x")));
    pair.network.run_for(50us);
  }
  pair.network.drops = nullptr;
}

TEST(QuicLifetime, TooManyGapsCloseTheConnection) {
  EndpointConfig config = server_config();
  config.settings.stream_gaps_max = 20;
  Pair pair{1, std::move(config)};
  pair.establish();
  pair.network.run_for(1s);
  const StreamId id = pair.client.connection->open(Direction::unidirectional).value();
  EXPECT_TRUE(pair.client.connection->write(id, Bytes::copy_of("x")));
  pair.network.run_for(1s);
  write_with_gaps(pair, id);
  pair.network.run_for(1s);
  ASSERT_TRUE(pair.server().reason);
  EXPECT_EQ(pair.server().reason->kind, Kind::protocol);
  ASSERT_TRUE(pair.client.reason);
  EXPECT_EQ(pair.client.reason->code, 0xaU) << "PROTOCOL_VIOLATION";
}

TEST(QuicLifetime, GapsThatAreFilledCountNoMore) {
  EndpointConfig config = server_config();
  config.settings.stream_gaps_max = 50;
  Pair pair{1, std::move(config)};
  pair.establish();
  pair.network.run_for(1s);
  const StreamId id = pair.client.connection->open(Direction::unidirectional).value();
  for (int round = 0; round < 5; ++round) {
    write_with_gaps(pair, id);
    pair.network.run_for(1s);
  }
  EXPECT_FALSE(pair.server().reason);
  EXPECT_EQ(pair.server().streams[id].data.size(), 400U);
}

TEST(QuicLifetime, SmallMessagesOfManyStreamsMayBeLost) {
  Pair pair;
  pair.establish();
  pair.network.link = {.jitter = 2ms, .loss = 0.2};
  std::vector<StreamId> ids;
  for (int i = 0; i < 50; ++i) ids.push_back(pair.client.connection->open(Direction::unidirectional).value());
  constexpr int kRounds = 300;
  for (int round = 0; round < kRounds; ++round) {
    for (const StreamId id : ids) {
      ASSERT_TRUE(pair.client.connection->write(id, Bytes::copy_of("8 bytes."))) << round;
    }
    pair.network.run_for(1ms);
  }
  const auto is_there = [&](StreamId id) { return pair.server().streams[id].data.size() == 8 * kRounds; };
  EXPECT_TRUE(pair.network.run([&] { return std::ranges::all_of(ids, is_there); }));
  EXPECT_FALSE(pair.server().reason);
}

TEST(QuicLifetime, DamagedPacketsAreIgnored) {
  Pair pair{4};
  pair.server_host.prepare = [](Recorder& recorder) { recorder.echoes = true; };
  SeededRandom random{9};
  pair.establish();
  const StreamId id = pair.client.connection->open(Direction::bidirectional).value();
  const std::string text = pattern(100'000);
  std::vector<std::vector<std::uint8_t>> seen;
  pair.network.drops = [&](ByteView data) {
    if (seen.size() < 300) seen.emplace_back(data.begin(), data.end());
    return false;
  };
  EXPECT_TRUE(pair.client.connection->write(id, Bytes::copy_of(text), true));
  EXPECT_TRUE(pair.network.run([&] { return pair.client.streams[id].closed; }));
  pair.network.drops = nullptr;
  for (auto packet : seen) {
    std::array<std::uint8_t, 2> chance;
    random.fill(chance);
    packet[chance[0] % packet.size()] ^= static_cast<std::uint8_t>(chance[1] | 1);
    pair.network.send(address(2), address(1), packet);
    pair.network.send(address(1), address(2), packet);
  }
  pair.network.run_for(1s);
  EXPECT_FALSE(pair.client.reason);
  EXPECT_FALSE(pair.server().reason);
  EXPECT_TRUE(pair.client.streams[id].data == text);
}

TEST(QuicLifetime, TheStatisticsAreOfThePath) {
  Pair pair;
  pair.establish();
  const StreamId id = pair.client.connection->open(Direction::unidirectional).value();
  EXPECT_TRUE(pair.client.connection->write(id, Bytes::copy_of(pattern(500'000)), true));
  EXPECT_TRUE(pair.network.run([&] { return pair.client.streams[id].closed; }));
  const ConnectionStats stats = pair.client.connection->stats();
  EXPECT_GE(stats.rtt, 10ms);
  EXPECT_GT(stats.sent_bytes, 500'000U);
  EXPECT_GT(stats.congestion_window_bytes, 10'000U);
  EXPECT_EQ(stats.lost_packet_count, 0U);
}

}  // namespace
}  // namespace plait::quic
