// Endpoint: what it answers without a connection, limits, tokens, resets, batches.
#include "unit/quic/network.hpp"

namespace plait::quic {
namespace {

std::vector<std::uint8_t> initial_of_version(std::uint32_t version, std::size_t size) {
  std::vector<std::uint8_t> packet = {0xC0};
  for (int shift = 24; shift >= 0; shift -= 8) packet.push_back(static_cast<std::uint8_t>(version >> shift));
  packet.insert(packet.end(), {8, 1, 2, 3, 4, 5, 6, 7, 8, 4, 9, 9, 9, 9});
  packet.resize(size);
  return packet;
}

class QuicAnswers : public testing::Test {
 protected:
  /// What the server answers to `packet`.
  std::vector<std::uint8_t> answer(ByteView packet) {
    server.endpoint->handle_datagram({server.at, address(9)}, packet, Ecn::not_ect, network.now());
    const auto batch = server.endpoint->poll_transmit(buffer, network.now());
    return batch ? std::vector<std::uint8_t>(buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>(batch->size))
                 : std::vector<std::uint8_t>{};
  }
  Network network;
  Host& server = network.add(address(1), server_config());
  std::vector<std::uint8_t> buffer = std::vector<std::uint8_t>(Endpoint::kTransmitBytesMax);
};

TEST_F(QuicAnswers, Rfc9000Section6_AnUnknownVersionIsNegotiated) {
  const auto reply = answer(initial_of_version(0x1a2a3a4a, 1200));
  ASSERT_GT(reply.size(), 20U);
  EXPECT_EQ(std::vector<std::uint8_t>(reply.begin() + 1, reply.begin() + 5), (std::vector<std::uint8_t>{0, 0, 0, 0}));
  EXPECT_EQ(server.endpoint->stats().version_negotiation_count, 1U);
  EXPECT_EQ(server.endpoint->stats().connection_count, 0U);
}

// §17.2.1: the client's connection IDs, exchanged. §6.3: a version that nobody has, but never the one that was tried.
TEST_F(QuicAnswers, Rfc9000Section17_2_1_AVersionNegotiationPacketByteByByte) {
  for (const std::uint8_t reserved : {std::uint8_t{0x0a}, std::uint8_t{0x1a}}) {
    const std::uint32_t tried = reserved == 0x0a ? 0x1a1a1a1aU : 0x0a0a0a0aU;
    auto reply = answer(initial_of_version(tried, 1200));
    ASSERT_FALSE(reply.empty());
    EXPECT_NE(reply[0] & 0x80, 0) << "the others of this byte are chance";
    reply[0] = 0x80;
    const std::uint8_t r = reserved;
    EXPECT_EQ(reply, (std::vector<std::uint8_t>{0x80, 0, 0, 0, 0, 4, 9, 9, 9, 9, 8, 1, 2, 3, 4, 5, 6, 7, 8,  //
                                                0,    0, 0, 1, r, r, r, r}));
  }
}

TEST_F(QuicAnswers, Rfc9000Section6_1_ASmallDatagramOfAnUnknownVersionIsDropped) {
  EXPECT_TRUE(answer(initial_of_version(0x1a2a3a4a, 1199)).empty());
}

TEST_F(QuicAnswers, Rfc9000Section14_1_ASmallInitialIsDropped) {
  EXPECT_TRUE(answer(initial_of_version(1, 1199)).empty());
  EXPECT_EQ(server.endpoint->stats().connection_count, 0U);
}

TEST_F(QuicAnswers, Rfc9000Section10_3_AnUnknownShortPacketGetsAResetThatIsSmaller) {
  std::vector<std::uint8_t> packet(100, 0x41);
  EXPECT_EQ(answer(packet).size(), 42U);
  packet.resize(30);
  EXPECT_EQ(answer(packet).size(), 29U);
  packet.resize(21);
  EXPECT_TRUE(answer(packet).empty());
}

TEST_F(QuicAnswers, ResetsAreLimitedInRate) {
  const std::vector<std::uint8_t> packet(100, 0x41);
  int count = 0;
  for (int i = 0; i < 5000; ++i) count += answer(packet).empty() ? 0 : 1;
  EXPECT_EQ(count, 1000);
}

TEST_F(QuicAnswers, GarbageIsDropped) {
  SeededRandom random{5};
  std::vector<std::uint8_t> bytes(1500);
  for (int i = 0; i < 3000; ++i) {
    random.fill(bytes);
    const std::size_t size = bytes[0] | (bytes[1] & 3U) << 8;
    if (i % 2 == 0) bytes[0] |= 0xC0;
    if (i % 4 == 0) std::fill_n(bytes.begin() + 1, 4, std::uint8_t{0}), bytes[4] = 1, bytes[5] %= 21;
    static_cast<void>(answer(ByteView{bytes}.first(size + (i % 3 == 0 ? 500 : 0))));
  }
  EXPECT_GT(server.endpoint->stats().dropped_datagram_count, 0U);
  EXPECT_EQ(server.endpoint->stats().handshake_count, server.endpoint->stats().connection_count);
  network.run_for(30s);
  EXPECT_EQ(server.endpoint->stats().connection_count, 0U);
}

TEST(QuicEndpoint, ConnectionIdsBeginWithTheLoopNumber) {
  EndpointConfig config = server_config();
  config.loop_number = 0x5A;
  Pair pair{1, std::move(config)};
  int to_server = 0, others = 0;  // packets with short headers; the client's connection IDs begin with 0
  pair.network.drops = [&](ByteView data) {
    if ((data[0] & 0x80) != 0) return false;
    const auto first = connection_id_first_byte(data);
    to_server += first == 0x5A ? 1 : 0;
    others += first != 0x5A && first != 0 ? 1 : 0;
    return false;
  };
  pair.establish();
  const StreamId id = pair.client.connection->open(Direction::bidirectional).value();
  EXPECT_TRUE(pair.client.connection->write(id, Bytes::copy_of("x"), true));
  EXPECT_TRUE(pair.network.run([&] { return pair.server().streams[id].fin; }));
  EXPECT_GT(to_server, 0);
  EXPECT_EQ(others, 0);
}

TEST(QuicEndpoint, FirstByteOfTheConnectionId) {
  const std::vector<std::uint8_t> long_header = {0xC0, 0, 0, 0, 1, 8, 0x33, 1, 2, 3, 4, 5, 6, 7};
  EXPECT_EQ(connection_id_first_byte(long_header), 0x33);
  EXPECT_EQ(connection_id_first_byte(std::vector<std::uint8_t>{0x40, 0x44}), 0x44);
  EXPECT_EQ(connection_id_first_byte(std::vector<std::uint8_t>{0xC0, 0, 0, 0, 1, 0, 0x33}), std::nullopt);
  for (std::size_t size = 0; size < 7; ++size) {
    EXPECT_EQ(connection_id_first_byte(ByteView{long_header}.first(size)), std::nullopt);
  }
  EXPECT_EQ(connection_id_first_byte(std::vector<std::uint8_t>{0x40}), std::nullopt);
}

TEST(QuicEndpoint, RetryIsDemandedWhenForced) {
  EndpointConfig config = server_config();
  config.retry_always = true;
  Pair pair{1, std::move(config)};
  pair.establish();
  EXPECT_EQ(pair.server_host.endpoint->stats().retry_count, 1U);
  EXPECT_EQ(pair.server_host.endpoint->stats().accepted_count, 1U);
}

/// Clients whose first packets the server has got, while nothing that it answers is on its way yet.
std::deque<Recorder> begin_handshakes(Pair& pair, int count, const ClientTls& tls = client_tls()) {
  std::deque<Recorder> clients;
  for (int i = 0; i < count; ++i) {
    Recorder& client = clients.emplace_back();
    const Path path{address(2, static_cast<std::uint16_t>(1000 + i)), pair.server_host.at};
    EXPECT_TRUE(pair.client_host.endpoint->connect(path, "localhost", tls, client, pair.network.now()));
  }
  std::vector<std::uint8_t> buffer(Endpoint::kTransmitBytesMax);
  while (const auto batch = pair.client_host.endpoint->poll_transmit(buffer, pair.network.now())) {
    for (std::size_t at = 0; at < batch->size; at += batch->segment_bytes) {
      const std::size_t size = std::min(batch->segment_bytes, batch->size - at);
      pair.server_host.endpoint->handle_datagram({batch->path.remote, batch->path.local},
                                                 ByteView{buffer}.subspan(at, size), Ecn::not_ect, pair.network.now());
    }
  }
  return clients;
}

TEST(QuicEndpoint, ABatchIsReadByOneCallAndItsAcknowledgementsAreToldOnce) {
  Pair pair;
  pair.network.link.delay = 10us;  // not paced
  pair.establish();
  pair.network.run_for(1s);
  const StreamId id = *pair.client.connection->open(Direction::bidirectional);
  const std::string sent = pattern(8000);
  ASSERT_TRUE(pair.client.connection->write(id, Bytes::copy_of(sent)));
  std::vector<std::uint8_t> buffer(Endpoint::kTransmitBytesMax);
  TimePoint time = pair.network.now();
  const auto move = [&](Host& from, Host& to) {
    time += 100ms;  // acknowledgements are due
    from.endpoint->handle_expiry(time);
    int packet_count = 0;
    while (const auto batch = from.endpoint->poll_transmit(buffer, time)) {
      packet_count += static_cast<int>((batch->size + batch->segment_bytes - 1) / batch->segment_bytes);
      to.endpoint->handle_datagrams({batch->path.remote, batch->path.local}, ByteView{buffer}.first(batch->size),
                                    batch->segment_bytes, batch->ecn, time);
    }
    return packet_count;
  };
  EXPECT_GT(move(pair.client_host, pair.server_host), 4);
  EXPECT_TRUE(pair.server().streams[id].data == sent);
  EXPECT_EQ(move(pair.server_host, pair.client_host), 1) << "one ACK frame for all of them";
  EXPECT_EQ(pair.client.streams[id].acked, sent.size());
  EXPECT_EQ(pair.client.streams[id].acked_count, 1);
}

TEST(QuicEndpoint, ABatchMayBelongToManyConnectionsAndToNone) {
  constexpr std::size_t kFirstPacketBytes = 1200;
  Pair pair;
  const ClientTls tls = client_tls();
  std::deque<Recorder> clients(3);
  std::vector<std::uint8_t> together;
  std::vector<std::uint8_t> buffer(Endpoint::kTransmitBytesMax);
  const Path path{address(2), pair.server_host.at};
  for (Recorder& client : clients) {
    EXPECT_TRUE(pair.client_host.endpoint->connect(path, "localhost", tls, client, pair.network.now()));
    const auto first = pair.client_host.endpoint->poll_transmit(buffer, pair.network.now());
    ASSERT_TRUE(first);
    ASSERT_EQ(first->size, kFirstPacketBytes);
    together.insert(together.end(), buffer.begin(), buffer.begin() + kFirstPacketBytes);
    together.resize(together.size() + kFirstPacketBytes);  // zeros belong to nothing
  }
  pair.server_host.endpoint->handle_datagrams({path.remote, path.local}, together, kFirstPacketBytes, Ecn::not_ect,
                                              pair.network.now());
  const EndpointStats stats = pair.server_host.endpoint->stats();
  EXPECT_EQ(stats.handshake_count, clients.size());
  EXPECT_EQ(stats.dropped_datagram_count, clients.size());
}

TEST(QuicEndpoint, RetryIsDemandedAboveTheLimitOfHalfOpenHandshakes) {
  EndpointConfig config = server_config();
  config.retry_handshakes = 3;
  Pair pair{1, std::move(config)};
  const std::deque<Recorder> clients = begin_handshakes(pair, 6);
  EXPECT_EQ(pair.server_host.endpoint->stats().handshake_count, 3U);
  EXPECT_GE(pair.server_host.endpoint->stats().retry_count, 3U);
}

// Each has cost as much as one that goes on.
TEST(QuicEndpoint, RetryIsDemandedAboveTheLimitOfHandshakesThatFailAtOnce) {
  EndpointConfig config = server_config();
  config.retry_handshakes = 3;
  Pair pair{1, std::move(config)};
  const auto clients = begin_handshakes(pair, 6, client_tls(ClientTlsConfig::Verify::off, {"unknown"}));
  EXPECT_EQ(pair.server_host.endpoint->stats().accepted_count, 3U);
  EXPECT_EQ(pair.server_host.endpoint->stats().retry_count, 3U);
  pair.network.run_for(5s);
  EXPECT_EQ(pair.server_host.endpoint->stats().handshake_count, 0U);
  EXPECT_EQ(pair.server_host.endpoint->stats().connection_count, 0U);
}

TEST(QuicEndpoint, BeyondTheLimitOfHandshakesThoseThatFailedAreForgotten) {
  EndpointConfig config = server_config();
  config.handshakes_max = 3;
  Pair pair{1, std::move(config)};
  const auto clients = begin_handshakes(pair, 6, client_tls(ClientTlsConfig::Verify::off, {"unknown"}));
  EXPECT_EQ(pair.server_host.endpoint->stats().connection_count, 3U);
  EXPECT_EQ(pair.server_host.endpoint->stats().refused_count, 0U);
}

// A token proves an address, and so does a Handshake packet (RFC 9000 §8.1): with that, or after it, who refuses the
// other's certificate does so.
TEST(QuicEndpoint, AFailedHandshakeIsToldWithWhetherItsAddressIsProven) {
  using Verify = ClientTlsConfig::Verify;
  struct Case {
    const char* what;
    bool retry;
    ClientCheck check;
    ClientTls tls;
    bool proven;
  };
  ClientTlsConfig strangers;
  strangers.authority_pem = crypto::make_certificate({.common_name = "Other"}, kWallNow).value().certificate;
  strangers.alpn = {"test"};
  strangers.wall_clock = [] { return kWallNow; };
  const Case cases[] = {
      {"Retry", true, ClientCheck::off, client_tls(Verify::off, {"unknown"}), true},
      {"the first packet alone", false, ClientCheck::off, client_tls(Verify::off, {"unknown"}), false},
      {"the client's certificate", false, ClientCheck::required, client_tls(Verify::off), true},
      {"the server's certificate", false, ClientCheck::off, ClientTls::make(strangers).value(), true},
  };
  for (const Case& one : cases) {
    EndpointConfig config = server_config();
    config.retry_always = one.retry;
    config.server_tls = ServerTls::make({.certificate_pem = test_certificate().certificate,
                                         .private_key_pem = test_certificate().private_key,
                                         .alpn = {"test"},
                                         .client_check = one.check,
                                         .client_authority_pem = test_certificate().certificate,
                                         .wall_clock = [] { return kWallNow; }})
                            .value();
    Pair pair{1, std::move(config)};
    pair.connect(one.tls);
    EXPECT_TRUE(pair.network.run([&] { return !pair.server_host.failed.empty(); })) << one.what;
    EXPECT_EQ(pair.server_host.failed, std::vector<bool>{one.proven}) << one.what;
  }
}

TEST(QuicEndpoint, AnswersToJunkAndPacketsOfConnectionsTakeTurns) {
  Pair pair;
  pair.network.link.delay = 10us;  // not paced
  pair.establish();
  const StreamId id = pair.server().connection->open(Direction::unidirectional).value();
  EXPECT_TRUE(pair.server().connection->write(id, Bytes::copy_of(pattern(200'000))));  // widens the window
  ASSERT_TRUE(pair.network.run([&] { return pair.server().streams[id].acked == 200'000; }));
  pair.server_host.endpoint->disable_segmentation();
  EXPECT_TRUE(pair.server().connection->write(id, Bytes::copy_of(pattern(200'000))));
  for (int i = 0; i < 64; ++i) {
    pair.server_host.endpoint->handle_datagram({pair.server_host.at, address(9)}, initial_of_version(0x1a2a3a4a, 1200),
                                               Ecn::not_ect, pair.network.now());
  }
  std::vector<std::uint8_t> buffer(Endpoint::kTransmitBytesMax);
  int of_the_connection = 0;
  int answers = 0;
  for (int i = 0; i < 16; ++i) {
    const auto next = pair.server_host.endpoint->poll_transmit(buffer, pair.network.now());
    ASSERT_TRUE(next);
    ++(next->path.remote == pair.client_host.at ? of_the_connection : answers);
  }
  EXPECT_EQ(of_the_connection, 8);
  EXPECT_EQ(answers, 8);
}

TEST(QuicEndpoint, ConnectionsAboveTheLimitAreRefused) {
  EndpointConfig config = server_config();
  config.connections_max = 1;
  Pair pair{1, std::move(config)};
  pair.establish();
  Recorder second;
  const ClientTls tls = client_tls();
  ASSERT_TRUE(pair.client_host.endpoint->connect({address(2, 99), pair.server_host.at}, "localhost", tls, second,
                                                 pair.network.now()));
  EXPECT_TRUE(pair.network.run([&] { return second.reason.has_value(); }));
  EXPECT_EQ(second.reason->kind, CloseReason::Kind::peer_transport);
  EXPECT_EQ(second.reason->code, 2U) << "CONNECTION_REFUSED";
}

TEST(QuicEndpoint, BeyondTheLimitOfHandshakesTheOldestIsClosed) {
  EndpointConfig config = server_config();
  config.handshakes_max = 3;
  Pair pair{1, std::move(config)};
  std::deque<Recorder> clients = begin_handshakes(pair, 4);
  EXPECT_EQ(pair.server_host.endpoint->stats().handshake_count, 3U);
  EXPECT_EQ(pair.server_host.endpoint->stats().refused_count, 1U);
  EXPECT_TRUE(pair.network.run([&] { return clients[0].reason && clients[3].completed; }));
  EXPECT_EQ(clients[0].reason->kind, CloseReason::Kind::peer_transport);
  EXPECT_EQ(clients[0].reason->code, 2U) << "CONNECTION_REFUSED";
  for (std::size_t i = 1; i < 4; ++i) EXPECT_TRUE(clients[i].completed) << i;
  pair.network.run_for(5s);
  EXPECT_EQ(pair.server_host.endpoint->stats().handshake_count, 0U);
  EXPECT_EQ(pair.server_host.endpoint->stats().connection_count, 3U);
}

TEST(QuicEndpoint, AVisitorMayRefuse) {
  Pair pair;
  pair.server_host.refuses = true;
  pair.connect();
  EXPECT_TRUE(pair.network.run([&] { return pair.client.reason.has_value(); }));
  EXPECT_EQ(pair.client.reason->code, 2U);
  pair.network.run_for(10s);
  EXPECT_EQ(pair.server_host.endpoint->stats().connection_count, 0U);
}

TEST(QuicEndpoint, ARestartedServerEndsOldConnectionsByAStatelessReset) {
  Pair pair;
  pair.establish();
  pair.network.run_for(1s);
  pair.server_host.endpoint =
      std::make_unique<Endpoint>(server_config(), pair.server_host.random, pair.server_host, pair.network.now());
  const StreamId id = pair.client.connection->open(Direction::bidirectional).value();
  EXPECT_TRUE(pair.client.connection->write(id, Bytes::copy_of(pattern(100)), true));
  EXPECT_TRUE(pair.network.run([&] { return pair.client.reason.has_value(); }, 2s));
  EXPECT_EQ(pair.client.reason->kind, CloseReason::Kind::stateless_reset);
}

TEST(QuicEndpoint, AStatelessResetFindsItsConnectionAmongThoseToOneServer) {
  Pair pair;
  pair.establish();
  Recorder second;
  second.connection = *pair.client_host.endpoint->connect({pair.client_host.at, pair.server_host.at}, "server.example",
                                                          client_tls(), second, pair.network.now());
  ASSERT_TRUE(pair.network.run([&] { return second.completed; }));
  pair.network.run_for(1s);
  pair.server_host.endpoint =
      std::make_unique<Endpoint>(server_config(), pair.server_host.random, pair.server_host, pair.network.now());
  const StreamId id = second.connection->open(Direction::bidirectional).value();
  EXPECT_TRUE(second.connection->write(id, Bytes::copy_of(pattern(100)), true));
  EXPECT_TRUE(pair.network.run([&] { return second.reason.has_value(); }, 2s));
  EXPECT_EQ(second.reason->kind, CloseReason::Kind::stateless_reset);
  EXPECT_FALSE(pair.client.reason) << "it has sent nothing, and does not know yet";
}

// It counted as received by each, so that one that was still being opened did not believe that nobody listens.
TEST(QuicEndpoint, WhatMayBeAStatelessResetCountsForNoConnection) {
  Pair pair;
  pair.establish();
  pair.network.run_for(1s);
  std::vector<std::uint8_t> initial;
  pair.network.drops = [&](ByteView datagram) {
    initial.assign(datagram.begin(), datagram.end());
    return true;
  };
  Recorder second;
  second.connection = *pair.client_host.endpoint->connect({pair.client_host.at, pair.server_host.at}, "server.example",
                                                          client_tls(), second, pair.network.now());
  ASSERT_TRUE(pair.network.run([&] { return !initial.empty(); }));
  const auto before = pair.client.connection->stats();
  std::vector<std::uint8_t> stray(40, 0x55);  // a short header, and a connection ID of nobody
  pair.client_host.endpoint->handle_datagram({pair.client_host.at, pair.server_host.at}, stray, Ecn::not_ect,
                                             pair.network.now());
  EXPECT_EQ(pair.client.connection->stats().received_packet_count, before.received_packet_count);
  EXPECT_EQ(pair.client.connection->stats().received_bytes, before.received_bytes);
  EXPECT_EQ(second.connection->stats().received_packet_count, 0U);
  pair.client_host.endpoint->handle_refused(initial, pair.network.now());
  ASSERT_TRUE(second.reason);
  EXPECT_EQ(second.reason->kind, CloseReason::Kind::refused);
  EXPECT_FALSE(pair.client.reason);
}

TEST(QuicEndpoint, BulkLeavesInLargeBatches) {
  Pair pair;
  pair.network.link.udp_payload_bytes_max = 1452;
  pair.establish();
  pair.server_host.prepare = nullptr;
  const StreamId id = pair.server().connection->open(Direction::unidirectional).value();
  EXPECT_TRUE(pair.server().connection->write(id, Bytes::copy_of(pattern(8'000'000)), true));
  EXPECT_TRUE(pair.network.run([&] { return pair.client.streams[id].fin; }));
  EXPECT_GE(pair.server_host.largest_batch_count, 20U);
  EXPECT_EQ(pair.server().connection->stats().path_udp_payload_bytes_max, 1452U) << "larger probes vanished";
}

TEST(QuicEndpoint, WithoutSegmentationEveryTransmitIsOneDatagram) {
  Pair pair;
  pair.server_host.endpoint->disable_segmentation();
  pair.establish();
  const StreamId id = pair.server().connection->open(Direction::unidirectional).value();
  EXPECT_TRUE(pair.server().connection->write(id, Bytes::copy_of(pattern(500'000)), true));
  EXPECT_TRUE(pair.network.run([&] { return pair.client.streams[id].fin; }));
  EXPECT_EQ(pair.server_host.largest_batch_count, 1U);
}

TEST(QuicEndpoint, SaysWhenSomethingWaitsOutsideOfItsCalls) {
  Pair pair;
  pair.establish();
  pair.network.run_for(1s);
  pair.client_host.transmit_wanted = false;
  const StreamId id = pair.client.connection->open(Direction::bidirectional).value();
  EXPECT_TRUE(pair.client.connection->write(id, Bytes::copy_of("x")));
  EXPECT_TRUE(pair.client_host.transmit_wanted);
}

TEST(QuicEndpoint, TimeThatGoesBackIsTakenForTheLatest) {
  Pair pair;
  pair.establish();
  std::vector<std::uint8_t> buffer(Endpoint::kTransmitBytesMax);
  const StreamId id = pair.client.connection->open(Direction::bidirectional).value();
  EXPECT_TRUE(pair.client.connection->write(id, Bytes::copy_of("x")));
  EXPECT_TRUE(pair.client_host.endpoint->poll_transmit(buffer, TimePoint{}).has_value());
  pair.client_host.endpoint->handle_expiry(TimePoint{1s});
  EXPECT_FALSE(pair.client.reason);
}

// Whatever still comes asks for a repetition, of a client that need not be there at all.
TEST(QuicEndpoint, Rfc9000Section8_1_RepeatedClosesCountAmongThreeTimesWhatCame) {
  for (int expiries = 0; expiries < 6; ++expiries) {  // of the server, each with a repetition of its answer
    EndpointConfig config = server_config();
    config.handshakes_max = 1;
    Pair pair{1, std::move(config)};
    std::vector<std::vector<std::uint8_t>> initials;
    pair.network.drops = [&](ByteView datagram) {
      initials.emplace_back(datagram.begin(), datagram.end());
      return true;
    };
    pair.connect();
    ASSERT_TRUE(pair.network.run([&] { return initials.size() == 1; }));
    Recorder second;
    ASSERT_TRUE(pair.client_host.endpoint->connect({address(2, 99), pair.server_host.at}, "localhost", client_tls(),
                                                   second, pair.network.now()));
    ASSERT_TRUE(pair.network.run([&] { return initials.size() == 2; }));

    Endpoint& server = *pair.server_host.endpoint;
    TimePoint now = pair.network.now();
    std::size_t received = 0, sent = 0;  // of the first, and to it
    std::vector<std::uint8_t> server_id;
    std::vector<std::uint8_t> buffer(Endpoint::kTransmitBytesMax);
    const auto bring = [&](const Address& from, ByteView datagram) {
      server.handle_datagram({pair.server_host.at, from}, datagram, Ecn::not_ect, now);
      if (from == pair.client_host.at) received += datagram.size();
    };
    const auto take = [&] {
      while (const auto batch = server.poll_transmit(buffer, now)) {
        if (batch->path.remote != pair.client_host.at) continue;
        sent += batch->size;
        const std::size_t id_at = 7U + buffer[5];
        if (server_id.empty()) server_id.assign(&buffer[id_at], &buffer[id_at] + 8);
      }
    };
    bring(pair.client_host.at, initials[0]);
    take();
    for (int i = 0; i < expiries; ++i) {
      now = std::max(now, server.next_expiry().value_or(now));
      server.handle_expiry(now);
      take();
    }
    bring(address(2, 99), initials[1]);  // which ends the first
    take();
    std::vector<std::uint8_t> smallest{0x40};
    smallest.insert(smallest.end(), server_id.begin(), server_id.end());
    for (int i = 0; i < 100; ++i) {
      bring(pair.client_host.at, smallest);
      take();
      ASSERT_LE(sent, 3 * received) << expiries << " " << i;
    }
  }
}

TEST(QuicEndpoint, Rfc9000Section8_1_AServerSendsAtMostThreeTimesWhatItReceived) {
  Pair pair;
  pair.connect();
  // After the client's first datagram nothing arrives any more, and the server repeats its answer.
  pair.network.drops = [&](ByteView) { return pair.server_host.received_bytes > 0; };
  pair.network.run_for(9s);
  EXPECT_GT(pair.server_host.received_bytes, 0U);
  EXPECT_GT(pair.server_host.sent_bytes, 2 * pair.server_host.received_bytes) << "it comes near the bound";
  EXPECT_LE(pair.server_host.sent_bytes, 3 * pair.server_host.received_bytes);
}

}  // namespace
}  // namespace plait::quic
