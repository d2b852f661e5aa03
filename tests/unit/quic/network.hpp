// A virtual network for QUIC endpoints: a virtual clock, and links with delay, loss, reordering, duplication and a
// largest UDP payload. All chance comes from one seed.
#pragma once

#include <gtest/gtest.h>
#include <netinet/in.h>

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "crypto/certificate.hpp"
#include "quic/endpoint.hpp"

namespace plait::quic {

using namespace std::chrono_literals;

inline constexpr std::chrono::system_clock::time_point kWallNow{std::chrono::sys_days{std::chrono::year{2026} / 6 / 1}};

/// 10.0.0.`host`:`port`.
Address address(std::uint8_t host, std::uint16_t port = 4433);

class SeededRandom final : public RandomSource {
 public:
  explicit SeededRandom(std::uint64_t seed) : generator_(seed) {}
  void fill(MutableByteView out) override {
    for (auto& byte : out) byte = static_cast<std::uint8_t>(generator_());
  }

 private:
  std::mt19937_64 generator_;
};

struct Link {
  Duration delay = 5ms;
  Duration jitter = 0ms;  ///< more than the delay between packets reorders
  double loss = 0;
  double duplication = 0;
  std::size_t udp_payload_bytes_max = 65507;  ///< larger ones vanish
};

/// Remembers what it was told.
struct Recorder final : ConnectionVisitor {
  struct StreamRecord {
    std::string data;
    bool fin = false;
    std::optional<std::uint64_t> reset_code;
    std::optional<std::uint64_t> stop_code;
    std::optional<std::uint64_t> stopped_size;  ///< of one that we have stopped
    std::uint64_t acked = 0;
    int acked_count = 0;
    bool closed = false;
    std::optional<std::uint64_t> close_code;
  };
  void on_ready() override {
    ready = true;
    if (when_ready) when_ready();
  }
  void on_handshake_completed() override { completed = true; }
  void on_stream_open(StreamId id) override {
    EXPECT_NE(connection->is_server(), (id & 1) != 0) << "one of our own";
    opened.push_back(id);
    if (when_open) when_open(id);
  }
  void on_stream_data(StreamId id, ByteView data, bool fin) override;
  void on_stream_reset(StreamId id, std::uint64_t code, std::uint64_t /*size*/) override {
    streams[id].reset_code = code;
  }
  void on_stopped_stream_end(StreamId id, std::uint64_t size) override {
    EXPECT_FALSE(streams[id].stopped_size) << "told twice";
    EXPECT_FALSE(streams[id].closed);
    streams[id].stopped_size = size;
  }
  void on_stream_stopped(StreamId id, std::uint64_t code) override { streams[id].stop_code = code; }
  void on_stream_acked(StreamId id, std::uint64_t offset) override {
    EXPECT_FALSE(streams[id].closed);
    streams[id].acked = offset;
    ++streams[id].acked_count;
  }
  void on_stream_closed(StreamId id, std::optional<std::uint64_t> code) override {
    streams[id].closed = true;
    streams[id].close_code = code;
  }
  void on_more_streams(Direction /*direction*/) override { ++available_count; }
  void on_datagram(ByteView data) override { datagrams.emplace_back(as_text(data)); }
  void on_datagram_fate(DatagramId id, DatagramFate fate) override;
  void on_closed(const CloseReason& why) override {
    EXPECT_FALSE(reason) << "closed twice";
    reason = why;
    connection = nullptr;
  }

  Connection* connection = nullptr;
  bool ready = false;
  bool completed = false;
  bool consumes = true;  ///< gives credit back at once
  bool echoes = false;
  std::function<void()> when_ready;
  std::function<void(StreamId)> when_open;
  std::function<void(StreamId)> when_data;
  std::vector<StreamId> opened;
  std::map<StreamId, StreamRecord> streams;
  std::vector<std::string> datagrams;
  std::set<DatagramId> sent;                 ///< those that have left
  std::map<DatagramId, DatagramFate> fates;  ///< the last word about each
  std::function<void(DatagramId, DatagramFate)> when_fate;
  int available_count = 0;
  std::optional<CloseReason> reason;
};

/// An endpoint at one address, with a Recorder for each connection that it accepts.
class Host final : public EndpointVisitor {
 public:
  Host(class Network& network, Address at, EndpointConfig config, std::uint64_t seed);
  ConnectionVisitor* on_connection(Connection& connection) override;
  void on_handshake_failed(const Path& /*path*/, const CloseReason& reason, bool proven) override {
    failed.push_back(proven);
    failures.push_back(reason.reason);
  }
  void on_transmit_wanted() override { transmit_wanted = true; }

  class Network& network;
  Address at;
  SeededRandom random;
  std::unique_ptr<Endpoint> endpoint;
  std::deque<Recorder> accepted;
  std::function<void(Recorder&)> prepare;  ///< of each accepted one
  std::vector<bool> failed;                ///< handshakes: whether the client's address was proven
  std::vector<std::string> failures;       ///< what is told of them
  bool refuses = false;
  bool transmit_wanted = false;
  std::map<std::size_t, std::size_t> sent_sizes;  ///< UDP payload size → count
  std::uint64_t sent_bytes = 0;
  std::size_t largest_batch_count = 0;
  std::uint64_t received_bytes = 0;
};

class Network {
 public:
  explicit Network(std::uint64_t seed = 1) : seed_(seed), random_(seed) {}

  Host& add(Address at, EndpointConfig config = {});
  [[nodiscard]] TimePoint now() const { return now_; }
  /// Delivers and expires until nothing is left to do, `until` holds, or `limit` has passed on the virtual clock.
  /// Whether `until` holds at the end.
  bool run(const std::function<bool()>& until, Duration limit = 60s);
  void run_for(Duration time) {
    run([] { return false; }, time);
  }
  /// Puts a UDP datagram on its way.
  void send(const Address& from, const Address& to, ByteView data, Ecn ecn = Ecn::not_ect);
  /// What comes from `from` seems to come from `to`, and the other way round: a NAT that has moved.
  void rebind(const Address& from, const Address& to);
  /// The NAT is where it was before any rebind().
  void rebind_back() { rebound_.clear(); }

  Link link;
  std::uint64_t datagram_count = 0;
  std::function<bool(ByteView)> drops;  ///< besides the link

 private:
  struct Flying {
    Address from;
    Address to;
    std::vector<std::uint8_t> data;
    Ecn ecn;
  };
  void transmit();
  void transmit(Host& host);
  void deliver(const Flying& datagram);
  [[nodiscard]] std::optional<TimePoint> next_event() const;

  std::uint64_t seed_;
  std::mt19937_64 random_;
  TimePoint now_{1000s};
  std::deque<Host> hosts_;
  std::multimap<TimePoint, Flying> flying_;
  std::vector<std::pair<Address, Address>> rebound_;
  std::vector<std::uint8_t> buffer_ = std::vector<std::uint8_t>(Endpoint::kTransmitBytesMax);
};

/// Made once for all tests; valid around kWallNow for "localhost" and "server.example".
const crypto::CertificatePem& test_certificate();
CertificateHash test_certificate_hash();
EndpointConfig server_config(std::vector<std::string> alpn = {"test"});
ClientTls client_tls(ClientTlsConfig::Verify verify = ClientTlsConfig::Verify::off,
                     std::vector<std::string> alpn = {"test"});

/// A server and a client that know each other: the usual case.
class Pair {
 public:
  explicit Pair(std::uint64_t seed = 1, EndpointConfig server_side = server_config(), EndpointConfig client_side = {})
      : network(seed),
        server_host(network.add(address(1), std::move(server_side))),
        client_host(network.add(address(2), std::move(client_side))) {}

  /// Starts a connection of the client.
  Connection& connect(const ClientTls& tls = client_tls());
  /// connect(), and the handshake completed at both ends.
  void establish();
  Recorder& server() { return server_host.accepted.front(); }

  Network network;
  Host& server_host;
  Host& client_host;
  Recorder client;
};

std::string pattern(std::size_t size, std::uint64_t seed = 1);

}  // namespace plait::quic
