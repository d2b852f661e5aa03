// A batch of datagrams that the kernel hands to one loop while they belong to connections on several.
#include <sys/socket.h>

#include <algorithm>
#include <deque>
#include <map>

#include "crypto/random.hpp"
#include "integration/server/support.hpp"
#include "net/udp_socket.hpp"
#include "quic/endpoint.hpp"
#include "server/worker.hpp"
#include "transport/quic/quic_endpoint.hpp"

namespace plait::test {
namespace {

/// Several connections from one socket, whose datagrams leave singly or in batches without regard to whose they are.
class SharedSocketClient final : private quic::RandomSource, private quic::EndpointVisitor {
 public:
  struct Peer final : quic::ConnectionVisitor {
    void on_ready() override { ready = true; }
    void on_stream_acked(quic::StreamId, std::uint64_t) override { acknowledged = true; }
    void on_closed(const quic::CloseReason& reason) override { closed = reason; }
    quic::Connection* connection = nullptr;
    bool ready = false;
    bool acknowledged = false;
    std::optional<quic::CloseReason> closed;
  };

  SharedSocketClient(std::uint16_t port, std::size_t count, const std::string& host = "127.0.0.1") {
    const int on = 1;
    ::setsockopt(socket_.fd(), SOL_SOCKET, SO_BROADCAST, &on, sizeof on);
    quic::ClientTlsConfig config;
    config.verify = quic::ClientTlsConfig::Verify::off;
    config.alpn = {"h3"};
    config.wall_clock = [] { return std::chrono::system_clock::now(); };
    tls_ = *quic::ClientTls::make(config);
    const auto remote = net::resolve({.host = host, .port = port});
    path_ = {.local = transport::to_quic(socket_.name()), .remote = transport::to_quic(remote->front())};
    for (std::size_t i = 0; i < count; ++i) {
      Peer& peer = peers.emplace_back();
      peer.connection = *engine_.connect(path_, "localhost", *tls_, peer, now());
    }
  }

  void turn() {
    for (const std::string& datagram : take_datagrams()) send(datagram, datagram.size());
    receive();
  }
  [[nodiscard]] std::vector<std::string> take_datagrams() {
    std::vector<std::string> datagrams;
    std::vector<std::uint8_t> buffer(quic::Endpoint::kTransmitBytesMax);
    while (const auto next = engine_.poll_transmit(buffer, now())) {
      for (std::size_t at = 0; at < next->size; at += next->segment_bytes) {
        datagrams.emplace_back(as_text(ByteView{buffer}.subspan(at, std::min(next->segment_bytes, next->size - at))));
      }
    }
    return datagrams;
  }
  void send(std::string_view datagrams, std::size_t segment_bytes) {
    net::UdpBatch batch{.remote = transport::to_net(path_.remote), .bytes = as_bytes(datagrams)};
    batch.segment_bytes = segment_bytes;
    EXPECT_EQ(socket_.send(batch).status, net::IoStatus::ok);
  }

  std::deque<Peer> peers;

 private:
  void fill(MutableByteView out) override { random_.fill(out); }
  static core::TimePoint now() { return std::chrono::steady_clock::now(); }
  void receive() {
    std::vector<std::uint8_t> buffer(net::UdpSocket::kBatchBytesMax);
    for (net::UdpBatch batch; socket_.receive(buffer, batch).status == net::IoStatus::ok;) {
      for (ByteView rest = batch.bytes; !rest.empty();) {
        const std::size_t size = std::min(rest.size(), batch.segment_bytes);
        engine_.handle_datagram(path_, rest.first(size), quic::Ecn::not_ect, now());
        rest = rest.subspan(size);
      }
    }
    engine_.handle_expiry(now());
  }

  net::UdpSocket socket_ = *net::UdpSocket::bind(net::Address{.host = "127.0.0.1"}, {});
  crypto::RandomSource random_;
  quic::Path path_;
  std::optional<quic::ClientTls> tls_;
  quic::Endpoint engine_{{}, *this, *this, now()};
};

TEST(QuicBatch, DatagramsForOtherLoopsAreForwarded) {
  Folder folder;
  ServerOptions options;
  options.threads = 2;
  options.tls = write_certificate(folder);
  TestServer server{options};
  const std::string url = server.listen("https", handler<Echo>());
  server.start();
  SharedSocketClient client{port_of(url), 12};
  const auto all = [&](const auto& property) {
    return wait_until([&] {
      client.turn();
      return std::ranges::all_of(client.peers, property);
    });
  };
  ASSERT_TRUE(all([](const auto& peer) { return peer.ready && peer.connection->stats().in_flight_bytes == 0; }));

  for (auto& peer : client.peers) {
    const auto id = peer.connection->open(quic::Direction::unidirectional);
    ASSERT_TRUE(id);
    peer.connection->write(*id, Bytes::copy_of(as_bytes("\x21 a stream of a type that nobody knows")));
  }
  std::map<std::size_t, std::string> batches;  // datagrams of one size
  for (const std::string& datagram : client.take_datagrams()) batches[datagram.size()] += datagram;
  for (const auto& [size, datagrams] : batches) client.send(datagrams, size);

  // One that came to a loop which does not know its connection would be answered by a stateless reset.
  EXPECT_TRUE(all([](const auto& peer) { return peer.acknowledged || peer.closed; }));
  for (const auto& peer : client.peers) {
    ASSERT_FALSE(peer.closed) << peer.closed->reason;
    EXPECT_EQ(peer.connection->stats().lost_packet_count, 0U);
  }
}

// A peer decides what belongs to which loop, and how much of it comes.
TEST(QuicBatch, NoMoreIsUnderWayToAnotherLoopThanItMayHold) {
  std::atomic<std::size_t> connection_count{0};
  const Limits limits;
  Worker worker{std::move(*net::Loop::make()), limits, 0, connection_count};
  const auto forward_all = [&worker] {
    std::size_t count = 0;
    while (count < 100'000 && worker.forward(0, {.path = {}, .ecn = {}, .bytes = {1, 2, 3}})) ++count;
    return count;
  };
  EXPECT_EQ(forward_all(), 4096U);
  worker.loop().run_once(Duration::zero());
  EXPECT_GT(forward_all(), 0U) << "some of them have been handled";
}

// The rest of the loop would wait for as many handshakes.
TEST(QuicBatch, OneTurnHandlesABoundedNumberOfDatagrams) {
  constexpr std::size_t kPerBatch = 50;
  constexpr std::size_t kBatches = 20;
  const auto loop = *net::Loop::make();
  const Limits limits;
  std::atomic<std::size_t> connection_count{0};
  transport::LoopContext context{*loop, limits, 0, connection_count};
  transport::QuicEndpoint endpoint{context, *net::UdpSocket::bind(net::Address{.host = "127.0.0.1"}, {}), {}, nullptr};
  ASSERT_TRUE(endpoint.start());
  const auto sender = *net::UdpSocket::bind(net::Address{.host = "127.0.0.1"}, {});
  const std::string junk(20 * kPerBatch, 'x');
  net::UdpBatch batch{.remote = endpoint.name(), .bytes = as_bytes(junk)};
  batch.segment_bytes = junk.size() / kPerBatch;
  for (std::size_t i = 0; i < kBatches; ++i) ASSERT_EQ(sender.send(batch).status, net::IoStatus::ok);
  loop->run_once(Duration::zero());
  const std::size_t handled = endpoint.stats().dropped_datagram_count;
  EXPECT_GT(handled, 0U);
  EXPECT_LE(handled, 256 + kPerBatch);
  EXPECT_TRUE(wait_until([&] {
    loop->run_once(Duration::zero());
    return endpoint.stats().dropped_datagram_count > handled;
  }));
}

// A server cannot answer from the broadcast address, with EINVAL, as where the interface has no UDP_SEGMENT: one packet
// turned that off for all.
TEST(QuicBatch, APeerThatCannotBeAnsweredCostsNobodyTheBatches) {
  Folder folder;
  ServerOptions options;
  options.tls = write_certificate(folder);
  TestServer server{options};
  const QuietLog quiet;
  const auto url = server->listen("https://0.0.0.0:0/", handler<Echo>());
  ASSERT_TRUE(url) << url.error().message;
  const std::uint16_t port = port_of(url->substr(0, url->rfind('/')));
  server.start();
  SharedSocketClient stranger{port, 1, "127.255.255.255"};
  stranger.turn();
  SharedSocketClient client{port, 1};
  ASSERT_TRUE(wait_until([&] {
    client.turn();
    return client.peers[0].ready;
  })) << "what came before was handled before";
  EXPECT_FALSE(stranger.peers[0].ready);
  EXPECT_EQ(quiet.text().find("UDP segments"), std::string::npos) << quiet.text();
}

}  // namespace
}  // namespace plait::test
