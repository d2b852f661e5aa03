#include "unit/quic/network.hpp"

#include <algorithm>
#include <cstring>

namespace plait::quic {

Address address(std::uint8_t host, std::uint16_t port) {
  sockaddr_in in{};
  in.sin_family = AF_INET;
  in.sin_port = htons(port);
  in.sin_addr.s_addr = htonl(0x0A000000U + host);
  return Address::of({reinterpret_cast<const std::uint8_t*>(&in), sizeof in});
}

// `sent` once, then one more at most; or `dropped` alone.
void Recorder::on_datagram_fate(DatagramId id, DatagramFate fate) {
  EXPECT_FALSE(reason) << "after the end";
  EXPECT_FALSE(fates.contains(id)) << id;
  if (fate == DatagramFate::sent) {
    EXPECT_TRUE(sent.insert(id).second) << id;
  } else {
    EXPECT_EQ(sent.contains(id), fate != DatagramFate::dropped) << id;
    fates[id] = fate;
  }
  if (when_fate) when_fate(id, fate);
}

void Recorder::on_stream_data(StreamId id, ByteView data, bool fin) {
  StreamRecord& record = streams[id];
  EXPECT_FALSE(record.fin) << "data after the end";
  record.data += as_text(data);
  record.fin = fin;
  if (connection == nullptr) return;
  if (echoes && direction_of(id) == Direction::bidirectional) connection->write(id, Bytes::copy_of(data), fin);
  if (consumes) connection->consume(id, data.size());
  if (when_data) when_data(id);
}

Host::Host(Network& owner, Address where, EndpointConfig config, std::uint64_t seed)
    : network(owner),
      at(where),
      random(seed),
      endpoint(std::make_unique<Endpoint>(std::move(config), random, *this, owner.now())) {}

ConnectionVisitor* Host::on_connection(Connection& connection) {
  if (refuses) return nullptr;
  Recorder& recorder = accepted.emplace_back();
  recorder.connection = &connection;
  if (prepare) prepare(recorder);
  return &recorder;
}

Host& Network::add(Address at, EndpointConfig config) {
  return hosts_.emplace_back(*this, at, std::move(config), seed_ + hosts_.size() + 1);
}

void Network::rebind(const Address& from, const Address& to) { rebound_.emplace_back(from, to); }

void Network::send(const Address& from, const Address& to, ByteView data, Ecn ecn) {
  ++datagram_count;
  if (data.size() > link.udp_payload_bytes_max || (drops && drops(data))) return;
  std::uniform_real_distribution<double> chance(0, 1);
  if (chance(random_) < link.loss) return;
  const int copies = chance(random_) < link.duplication ? 2 : 1;
  for (int i = 0; i < copies; ++i) {
    const auto jitter =
        std::chrono::nanoseconds{static_cast<std::int64_t>(chance(random_) * static_cast<double>(link.jitter.count()))};
    flying_.emplace(now_ + link.delay + jitter, Flying{from, to, {data.begin(), data.end()}, ecn});
  }
}

void Network::transmit(Host& host) {
  while (const auto batch = host.endpoint->poll_transmit(buffer_, now_)) {
    EXPECT_LE(batch->size, Endpoint::kTransmitBytesMax);
    EXPECT_GT(batch->segment_bytes, 0U);
    std::size_t count = 0;
    for (std::size_t at = 0; at < batch->size; at += batch->segment_bytes, ++count) {
      const std::size_t size = std::min(batch->segment_bytes, batch->size - at);
      ++host.sent_sizes[size];
      host.sent_bytes += size;
      Address from = batch->path.local;
      for (const auto& [inside, outside] : rebound_) {
        if (from == inside) from = outside;
      }
      send(from, batch->path.remote, ByteView{buffer_}.subspan(at, size), batch->ecn);
    }
    EXPECT_LE(count, Endpoint::kTransmitSegmentsMax);
    host.largest_batch_count = std::max(host.largest_batch_count, count);
  }
  host.transmit_wanted = false;
}

void Network::transmit() {
  for (Host& host : hosts_) transmit(host);
}

void Network::deliver(const Flying& datagram) {
  Address to = datagram.to;
  for (const auto& [inside, outside] : rebound_) {
    if (to == outside) to = inside;
  }
  for (Host& host : hosts_) {
    // A host has all ports of its address.
    if (std::memcmp(host.at.bytes.data() + 4, to.bytes.data() + 4, 4) != 0) continue;
    host.received_bytes += datagram.data.size();
    host.endpoint->handle_datagram({to, datagram.from}, datagram.data, datagram.ecn, now_);
  }
}

std::optional<TimePoint> Network::next_event() const {
  std::optional<TimePoint> next;
  if (!flying_.empty()) next = flying_.begin()->first;
  for (const Host& host : hosts_) {
    const auto expiry = host.endpoint->next_expiry();
    if (expiry && (!next || *expiry < *next)) next = expiry;
  }
  return next;
}

bool Network::run(const std::function<bool()>& until, Duration limit) {
  const TimePoint end = now_ + limit;
  for (int turns = 0; turns < 2'000'000; ++turns) {
    transmit();
    if (until()) return true;
    const auto next = next_event();
    if (!next || *next > end) {
      now_ = std::max(now_, end);
      return until();
    }
    now_ = std::max(now_, *next);
    while (!flying_.empty() && flying_.begin()->first <= now_) {
      const Flying datagram = std::move(flying_.extract(flying_.begin()).mapped());
      deliver(datagram);
    }
    for (Host& host : hosts_) {
      const auto expiry = host.endpoint->next_expiry();
      if (expiry && *expiry <= now_) host.endpoint->handle_expiry(now_);
    }
  }
  ADD_FAILURE() << "the network never comes to rest";
  return false;
}

const crypto::CertificatePem& test_certificate() {
  static const crypto::CertificatePem made = [] {
    auto result = crypto::make_certificate({.names = {"localhost", "server.example"}}, kWallNow);
    return std::move(result).value();
  }();
  return made;
}

CertificateHash test_certificate_hash() {
  return crypto::parse_certificate(test_certificate().certificate).value().fingerprint;
}

EndpointConfig server_config(std::vector<std::string> alpn) {
  EndpointConfig config;
  auto tls = ServerTls::make({test_certificate().certificate, test_certificate().private_key, std::move(alpn)});
  EXPECT_TRUE(tls) << tls.error().message;
  config.server_tls = *tls;
  config.secret.fill(7);
  config.token_secret.fill(7);
  return config;
}

ClientTls client_tls(ClientTlsConfig::Verify verify, std::vector<std::string> alpn) {
  ClientTlsConfig config;
  config.verify = verify;
  config.alpn = std::move(alpn);
  config.wall_clock = [] { return kWallNow + 1h; };
  if (verify == ClientTlsConfig::Verify::authorities) config.authority_pem = test_certificate().certificate;
  if (verify == ClientTlsConfig::Verify::hashes) config.certificate_hashes = {test_certificate_hash()};
  auto made = ClientTls::make(std::move(config));
  EXPECT_TRUE(made) << made.error().message;
  return *made;
}

Connection& Pair::connect(const ClientTls& tls) {
  auto made =
      client_host.endpoint->connect({client_host.at, server_host.at}, "server.example", tls, client, network.now());
  EXPECT_TRUE(made);
  client.connection = *made;
  return **made;
}

void Pair::establish() {
  connect();
  ASSERT_TRUE(network.run([&] {
    return client.completed && !server_host.accepted.empty() && server_host.accepted.front().completed;
  })) << (client.reason ? client.reason->reason : "no reason");
}

std::string pattern(std::size_t size, std::uint64_t seed) {
  std::string text(size, '\0');
  std::uint64_t state = seed * 0x9E3779B97F4A7C15 + 1;
  for (char& c : text) {
    state = state * 6364136223846793005 + 1442695040888963407;
    c = static_cast<char>(state >> 56);
  }
  return text;
}

}  // namespace plait::quic
