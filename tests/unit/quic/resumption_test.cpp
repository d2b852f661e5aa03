// Session tickets and address validation tokens: what a client's second connection saves, and when it must not.
#include "quic/resumption_cache.hpp"

#include "core/varint.hpp"
#include "unit/quic/network.hpp"

namespace plait::quic {
namespace {

using Kind = CloseReason::Kind;

/// One server, one client, any number of connections one after the other.
struct Visits {
  explicit Visits(EndpointConfig config = server_config())
      : server(network.add(address(1), std::move(config))), client(network.add(address(2))) {}

  Recorder& begin(const ClientTls& tls, const std::string& host = "server.example") {
    Recorder& visit = visits.emplace_back();
    visit.connection = client.endpoint->connect({client.at, server.at}, host, tls, visit, network.now()).value();
    return visit;
  }
  /// Completes the handshake and waits for what the server sends after it. Whether it was resumed, on both sides.
  bool visit(const ClientTls& tls, const std::string& host = "server.example") {
    const std::uint64_t on_server = server.endpoint->stats().resumed_count;
    const std::uint64_t on_client = client.endpoint->stats().resumed_count;
    Recorder& visit = begin(tls, host);
    EXPECT_TRUE(network.run([&] { return visit.completed; })) << (visit.reason ? visit.reason->reason : "no reason");
    network.run_for(1s);
    if (visit.connection == nullptr) return false;
    const bool resumed = client.endpoint->stats().resumed_count > on_client;
    EXPECT_EQ(server.endpoint->stats().resumed_count - on_server, resumed ? 1U : 0U);
    visit.connection->close(0, "");
    network.run_for(1s);
    return resumed;
  }

  Network network;
  Host& server;
  Host& client;
  std::deque<Recorder> visits;
};

TEST(QuicResumption, TheSecondConnectionIsResumed) {
  Visits visits;
  const ClientTls tls = client_tls();
  EXPECT_FALSE(visits.visit(tls));
  EXPECT_TRUE(visits.visit(tls));
  EXPECT_TRUE(visits.visit(tls)) << "a resumed connection brings a ticket, too";
  EXPECT_EQ(visits.client.endpoint->stats().resumed_count, 2U);
}

TEST(QuicResumption, AResumedConnectionDoesAllThatOthersDo) {
  Visits visits;
  visits.server.prepare = [](Recorder& recorder) { recorder.echoes = true; };
  const ClientTls tls = client_tls(ClientTlsConfig::Verify::authorities);
  EXPECT_FALSE(visits.visit(tls));
  Recorder& visit = visits.begin(tls);
  ASSERT_TRUE(visits.network.run([&] { return visit.completed; }));
  EXPECT_EQ(visits.client.endpoint->stats().resumed_count, 1U);
  EXPECT_EQ(visit.connection->alpn(), "test");
  const auto echo = [&] {
    const std::string text = pattern(50'000);
    const StreamId id = visit.connection->open(Direction::bidirectional).value();
    EXPECT_TRUE(visit.connection->write(id, Bytes::copy_of(text), true));
    EXPECT_TRUE(visits.network.run([&] { return visit.streams[id].closed; }));
    EXPECT_TRUE(visit.streams[id].data == text);
  };
  visits.network.run_for(2s);
  echo();
  EXPECT_TRUE(visit.connection->update_keys());
  echo();
  EXPECT_TRUE(visit.connection->migrate({address(2, 9999), visits.server.at}));
  echo();
  Recorder& accepted = visits.server.accepted.back();
  accepted.connection->close(7, "enough");
  EXPECT_TRUE(visits.network.run([&] { return visit.reason.has_value(); }));
  EXPECT_EQ(visit.reason->code, 7U);
}

TEST(QuicResumption, IsLeftOutOnRequest) {
  EndpointConfig config = server_config();
  config.retry_always = true;
  Visits visits{std::move(config)};
  ClientTlsConfig choice;
  choice.verify = ClientTlsConfig::Verify::off;
  choice.alpn = {"test"};
  choice.resume = false;
  const ClientTls tls = ClientTls::make(std::move(choice)).value();
  EXPECT_FALSE(visits.visit(tls));
  EXPECT_FALSE(visits.visit(tls));
  EXPECT_EQ(visits.server.endpoint->stats().retry_count, 2U);
}

TEST(QuicResumption, ATicketIsUsedOnce) {
  Visits visits;
  const ClientTls tls = client_tls();
  EXPECT_FALSE(visits.visit(tls));
  Recorder& first = visits.begin(tls);
  Recorder& second = visits.begin(tls);
  ASSERT_TRUE(visits.network.run([&] { return first.completed && second.completed; }));
  EXPECT_EQ(visits.client.endpoint->stats().resumed_count, 1U);
}

TEST(QuicResumption, ATicketSaysNothingUnderAnotherChoiceOfTrust) {
  Visits visits;
  EXPECT_FALSE(visits.visit(client_tls()));
  EXPECT_FALSE(visits.visit(client_tls(ClientTlsConfig::Verify::hashes)));
  ClientTlsConfig strangers;
  const auto other = crypto::make_certificate({.names = {"server.example"}}, kWallNow).value();
  strangers.authority_pem = other.certificate;
  strangers.alpn = {"test"};
  strangers.wall_clock = [] { return kWallNow + 1h; };
  Recorder& visit = visits.begin(ClientTls::make(std::move(strangers)).value());
  EXPECT_TRUE(visits.network.run([&] { return visit.reason.has_value(); }));
  EXPECT_FALSE(visit.completed);
  EXPECT_EQ(visit.reason->kind, Kind::tls);
}

TEST(QuicResumption, ATicketIsForOneNameAlone) {
  Visits visits;
  const ClientTls tls = client_tls(ClientTlsConfig::Verify::authorities);
  EXPECT_FALSE(visits.visit(tls, "server.example"));
  EXPECT_FALSE(visits.visit(tls, "localhost"));
  EXPECT_TRUE(visits.visit(tls, "server.example"));
}

TEST(QuicResumption, TrustByHashResumes) {
  Visits visits;
  const ClientTls tls = client_tls(ClientTlsConfig::Verify::hashes);
  EXPECT_FALSE(visits.visit(tls));
  EXPECT_TRUE(visits.visit(tls));
}

TEST(QuicResumption, AReloadOfTheCertificateEndsTheTickets) {
  Visits visits;
  const ClientTls tls = client_tls();
  EXPECT_FALSE(visits.visit(tls));
  visits.server.endpoint->set_server_tls(*server_config().server_tls);
  EXPECT_FALSE(visits.visit(tls));
  EXPECT_TRUE(visits.visit(tls));
}

TEST(QuicResumption, LoopsOfAServerShareTheirTickets) {
  EndpointConfig config = server_config();
  Visits visits{config};
  const ClientTls tls = client_tls();
  EXPECT_FALSE(visits.visit(tls));
  // Another endpoint with the same ServerTls, at the same address.
  visits.server.endpoint =
      std::make_unique<Endpoint>(std::move(config), visits.server.random, visits.server, visits.network.now());
  EXPECT_TRUE(visits.visit(tls));
}

TEST(QuicResumption, ATicketEndsWithTheServersCertificate) {
  Visits visits;
  std::chrono::system_clock::time_point now = kWallNow + 1h;
  ClientTlsConfig config;
  config.authority_pem = test_certificate().certificate;
  config.alpn = {"test"};
  config.wall_clock = [&now] { return now; };
  const ClientTls tls = ClientTls::make(std::move(config)).value();
  EXPECT_FALSE(visits.visit(tls));
  EXPECT_TRUE(visits.visit(tls));
  now += std::chrono::years{2};
  Recorder& visit = visits.begin(tls);
  EXPECT_TRUE(visits.network.run([&] { return visit.reason.has_value(); }));
  EXPECT_FALSE(visit.completed);
  EXPECT_NE(visit.reason->reason.find("expired"), std::string::npos) << visit.reason->reason;
}

TEST(QuicResumption, AnAddressTokenSparesTheRetry) {
  EndpointConfig config = server_config();
  config.retry_always = true;
  Visits visits{std::move(config)};
  const ClientTls tls = client_tls();
  EXPECT_FALSE(visits.visit(tls));
  EXPECT_EQ(visits.server.endpoint->stats().retry_count, 1U);
  EXPECT_TRUE(visits.visit(tls));
  EXPECT_EQ(visits.server.endpoint->stats().retry_count, 1U);
  visits.begin(tls);
  visits.begin(tls);
  visits.network.run_for(1s);
  EXPECT_EQ(visits.server.endpoint->stats().retry_count, 2U) << "one token, used once";
}

// RFC 9000 §9.3: else a client that has moved needs a Retry when it comes again.
TEST(QuicResumption, AClientThatHasMovedGetsATokenForItsNewAddress) {
  EndpointConfig config = server_config();
  config.retry_always = true;
  Visits visits{std::move(config)};
  const ClientTls tls = client_tls();
  Recorder& visit = visits.begin(tls);
  ASSERT_TRUE(visits.network.run([&] { return visit.completed; }));
  visits.network.run_for(1s);
  const Address next = address(77, 7777);
  visits.network.rebind(visits.client.at, next);
  const StreamId id = visit.connection->open(Direction::bidirectional).value();
  EXPECT_TRUE(visit.connection->write(id, Bytes::copy_of("x"), true));
  ASSERT_TRUE(visits.network.run([&] { return visits.server.accepted.front().connection->peer() == next; }));
  visits.network.run_for(1s);
  visit.connection->close(0, "");
  visits.network.run_for(1s);
  EXPECT_EQ(visits.server.endpoint->stats().retry_count, 1U);
  visits.visit(tls);
  EXPECT_EQ(visits.server.endpoint->stats().accepted_count, 2U);
  EXPECT_EQ(visits.server.endpoint->stats().retry_count, 1U);
}

// --- Tokens, and what they are good for -----------------------------------------------------------------------------

/// First packets of a client to a server that asks everybody else for a token.
class QuicToken : public testing::Test {
 protected:
  static EndpointConfig retrying() {
    EndpointConfig config = server_config();
    config.retry_always = true;
    return config;
  }
  /// The next packet that the client sends, which does not arrive.
  std::vector<std::uint8_t> caught() {
    std::vector<std::uint8_t> packet;
    visits.network.drops = [&packet](ByteView datagram) {
      if (packet.empty()) packet.assign(datagram.begin(), datagram.end());
      return true;
    };
    EXPECT_TRUE(visits.network.run([&] { return !packet.empty(); }));
    visits.network.drops = nullptr;
    return packet;
  }
  /// With a token of NEW_TOKEN, from a visit before.
  std::vector<std::uint8_t> initial() {
    visits.visit(tls);
    visits.begin(tls);
    return caught();
  }
  /// Where its token begins.
  static std::size_t token_at(const std::vector<std::uint8_t>& packet) {
    const std::size_t source_at = 6 + packet.at(5);
    const std::size_t length_at = source_at + 1 + packet.at(source_at);
    const core::Varint length = core::decode_varint(ByteView{packet}.subspan(length_at));
    EXPECT_GT(length.value, 20U);
    return length_at + length.size;
  }
  /// Whether `server` takes it for proof, or else asks for one.
  bool is_taken(Endpoint& server, const std::vector<std::uint8_t>& packet, const Address& from, TimePoint now) {
    const EndpointStats before = server.stats();
    server.handle_datagram({visits.server.at, from}, packet, Ecn::not_ect, now);
    const EndpointStats after = server.stats();
    EXPECT_EQ(after.accepted_count - before.accepted_count + after.retry_count - before.retry_count, 1U);
    return after.accepted_count > before.accepted_count;
  }
  bool is_taken(const std::vector<std::uint8_t>& packet, const Address& from, Duration later = 0s) {
    return is_taken(*visits.server.endpoint, packet, from, visits.network.now() + later);
  }

  Visits visits{retrying()};
  const ClientTls tls = client_tls();
};

TEST_F(QuicToken, Rfc9000Section8_1_3_IsGoodForAnHour) {
  const auto packet = initial();
  EXPECT_TRUE(is_taken(packet, visits.client.at, 3590s)) << "made some seconds before";
}

TEST_F(QuicToken, Rfc9000Section8_1_3_IsGoodForNoLongerThanAnHour) {
  const auto packet = initial();
  EXPECT_FALSE(is_taken(packet, visits.client.at, 3601s));
}

TEST_F(QuicToken, Rfc9000Section8_1_4_OfAnotherAddressProvesNothing) {
  const auto packet = initial();
  EXPECT_FALSE(is_taken(packet, address(3)));
}

TEST_F(QuicToken, Rfc9000Section8_1_4_ThatIsForgedProvesNothing) {
  auto packet = initial();
  packet.at(token_at(packet) + 10) ^= 1U;
  EXPECT_FALSE(is_taken(packet, visits.client.at));
}

TEST_F(QuicToken, Rfc9000Section8_1_2_ThatIsForgedOfARetryEndsTheAttempt) {
  visits.begin(tls);
  ASSERT_TRUE(visits.network.run([&] { return visits.server.endpoint->stats().retry_count == 1; }));
  auto packet = caught();
  packet.at(token_at(packet) + 10) ^= 1U;
  visits.server.endpoint->handle_datagram({visits.server.at, visits.client.at}, packet, Ecn::not_ect,
                                          visits.network.now());
  EXPECT_EQ(visits.server.endpoint->stats().accepted_count, 0U);
  EXPECT_EQ(visits.server.endpoint->stats().retry_count, 1U);
  std::vector<std::uint8_t> buffer(Endpoint::kTransmitBytesMax);
  EXPECT_TRUE(visits.server.endpoint->poll_transmit(buffer, visits.network.now())) << "INVALID_TOKEN";
}

// The clock that dates them begins anew with the machine, and the key does not.
TEST_F(QuicToken, OfBeforeAReboot) {
  visits.network.run_for(std::chrono::hours{24 * 30});
  const auto packet = initial();
  Endpoint same{retrying(), visits.server.random, visits.server, visits.network.now()};
  EXPECT_TRUE(is_taken(same, packet, visits.client.at, visits.network.now()));
  Endpoint rebooted{retrying(), visits.server.random, visits.server, TimePoint{60s}};
  EXPECT_FALSE(is_taken(rebooted, packet, visits.client.at, TimePoint{60s}));
}

// Even where the clock stands where it stood.
TEST_F(QuicToken, UnderAnotherKeyProvesNothing) {
  const auto packet = initial();
  EndpointConfig other = retrying();
  other.token_secret.fill(8);
  Endpoint rebooted{other, visits.server.random, visits.server, visits.network.now()};
  EXPECT_FALSE(is_taken(rebooted, packet, visits.client.at, visits.network.now()));
}

// --- The cache by itself ------------------------------------------------------------------------------------------

ResumptionCache::Server server_named(const std::string& host) { return {nullptr, host, address(1)}; }

std::vector<std::uint8_t> bytes_of(std::size_t number) { return {static_cast<std::uint8_t>(number)}; }

TEST(QuicResumptionCache, GivesTheNewestOutOnce) {
  ResumptionCache cache;
  cache.add_ticket(server_named("a"), {bytes_of(1)});
  cache.add_ticket(server_named("a"), {bytes_of(2)});
  cache.add_token(server_named("a"), bytes_of(3));
  EXPECT_FALSE(cache.take_ticket(server_named("b")));
  EXPECT_EQ(cache.take_ticket(server_named("a"))->data, bytes_of(2));
  EXPECT_EQ(cache.take_ticket(server_named("a"))->data, bytes_of(1));
  EXPECT_FALSE(cache.take_ticket(server_named("a")));
  EXPECT_EQ(cache.take_token(server_named("a")), bytes_of(3));
  EXPECT_FALSE(cache.take_token(server_named("a")));
}

TEST(QuicResumptionCache, IsBoundedForEachServerAndInAll) {
  ResumptionCache cache;
  for (std::size_t i = 0; i < 100; ++i) cache.add_ticket(server_named("busy"), {bytes_of(i)});
  cache.add_ticket(server_named("quiet"), {bytes_of(200)});
  for (std::size_t i = 0; i < ResumptionCache::kServerCountMax; ++i) {
    EXPECT_EQ(cache.take_ticket(server_named("busy"))->data, bytes_of(99 - i));
  }
  EXPECT_FALSE(cache.take_ticket(server_named("busy")));
  for (std::size_t i = 0; i < ResumptionCache::kCountMax; ++i) {
    cache.add_ticket(server_named(std::to_string(i)), {bytes_of(1)});
  }
  EXPECT_FALSE(cache.take_ticket(server_named("quiet"))) << "the oldest goes";
  EXPECT_TRUE(cache.take_ticket(server_named("0")));
}

TEST(QuicResumptionCache, LargeOnesAreNotKept) {
  ResumptionCache cache;
  std::vector<std::uint8_t> data(ResumptionCache::kBytesMax);
  cache.add_token(server_named("a"), data);
  EXPECT_TRUE(cache.take_token(server_named("a")));
  data.push_back(0);
  cache.add_token(server_named("a"), data);
  cache.add_ticket(server_named("a"), {data});
  EXPECT_FALSE(cache.take_token(server_named("a")));
  EXPECT_FALSE(cache.take_ticket(server_named("a")));
}

}  // namespace
}  // namespace plait::quic
