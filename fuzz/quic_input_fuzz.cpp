// UDP datagrams for a server that accepts connections, and for a client that waits for an answer. Nobody crashes; the
// answers never exceed three times what came (RFC 9000 §8.1); what was begun is gone when the handshake timeout is
// over. The same bytes as the payload of a packet: reading them whole finds what reading up to any cut finds, and no
// more. Input: datagrams, each behind a byte of options (1: to the client; 2: padded to 1200 bytes; 4: 100 ms later)
// and a byte for a quarter of its size.
#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <vector>

#include "crypto/certificate.hpp"
#include "quic/endpoint.hpp"
#include "quic/frame_scan.hpp"
#include "quic/key_schedule.hpp"

namespace {

using namespace plait;
using namespace plait::quic;
using namespace std::chrono_literals;

void require(bool condition) {
  if (!condition) std::abort();
}

/// The sockaddr_in of 127.0.0.1:`port` on a little-endian machine.
Address address(std::uint8_t port) {
  const std::array<std::uint8_t, 16> in = {2, 0, 0, port, 127, 0, 0, 1};
  return Address::of(in);
}

class Counting final : public RandomSource {
 public:
  void fill(MutableByteView out) override {
    for (auto& byte : out) byte = static_cast<std::uint8_t>((state_ = state_ * 6364136223846793005 + 1) >> 56);
  }

 private:
  std::uint64_t state_ = 1;
};

struct Nobody final : EndpointVisitor, ConnectionVisitor {
  ConnectionVisitor* on_connection(Connection& /*connection*/) override { return this; }
};

const EndpointConfig& server_config() {
  static const EndpointConfig config = [] {
    const auto made = crypto::make_certificate({}, std::chrono::system_clock::time_point{1'800'000'000s}).value();
    EndpointConfig result;
    result.server_tls = ServerTls::make({made.certificate, made.private_key, {"x"}}).value();
    result.secret.fill(1);
    result.token_secret.fill(1);
    result.retry_handshakes = 3;
    result.handshakes_max = 6;
    return result;
  }();
  return config;
}

const ClientTls& client_tls() {
  static const ClientTls tls = [] {
    ClientTlsConfig config;
    config.verify = ClientTlsConfig::Verify::off;
    config.alpn = {"x"};
    return ClientTls::make(config).value();
  }();
  return tls;
}

/// An Initial packet with these frames (RFC 9000 §17.2.2, RFC 9001 §5).
std::vector<std::uint8_t> sealed_initial(std::vector<std::uint8_t> frames, std::uint8_t number) {
  constexpr std::size_t kFramesBytes = 1200 - 22 - kTagBytes;
  std::vector<std::uint8_t> packet = {0xC0, 0, 0, 0, 1, 8, 1, 2, 3, 4, 5, 6, 7, 8, 4, 9, 9, 9, 9, 0};
  const std::size_t length = 1 + kFramesBytes - 1 + kTagBytes;
  packet.push_back(static_cast<std::uint8_t>(0x40 | length >> 8));
  packet.push_back(static_cast<std::uint8_t>(length));
  const std::size_t number_at = packet.size();
  packet.push_back(number);
  frames.resize(kFramesBytes - 1);
  const auto secrets = derive_initial_secrets(ByteView{packet}.subspan(6, 8)).value();
  auto keys = derive_keys(Cipher::aes_128_gcm, Hash::sha256, secrets.client).value();
  auto key = make_packet_key(Cipher::aes_128_gcm, ByteView{keys.key}.first(16));
  auto header_key = make_header_key(Cipher::aes_128_gcm, ByteView{keys.header_key}.first(16));
  keys.iv.back() ^= number;
  std::vector<std::uint8_t> sealed(frames.size() + kTagBytes);
  require(key->seal(sealed.data(), frames, keys.iv.data(), packet));
  std::array<std::uint8_t, kMaskBytes> mask{};
  require(header_key->mask(mask.data(), sealed.data() + 3));
  packet[0] = static_cast<std::uint8_t>(packet[0] ^ (mask[0] & 0x0FU));
  packet[number_at] ^= mask[1];
  sealed.insert(sealed.begin(), packet.begin(), packet.end());
  return sealed;
}

std::size_t drain(Endpoint& endpoint, TimePoint now) {
  static std::vector<std::uint8_t> buffer(Endpoint::kTransmitBytesMax);
  std::size_t total = 0;
  while (const auto batch = endpoint.poll_transmit(buffer, now)) total += batch->size;
  return total;
}

void run(ByteView input) {
  Counting random;
  Nobody nobody;
  TimePoint now{1000s};
  Endpoint server{server_config(), random, nobody, now};
  Endpoint client{EndpointConfig{}, random, nobody, now};
  require(client.connect({address(2), address(1)}, "x", client_tls(), nobody, now).has_value());
  std::size_t received = 0;
  std::size_t sent = 0;
  std::uint8_t number = 0;
  drain(client, now);
  while (input.size() >= 2) {
    const std::uint8_t options = input[0];
    const std::size_t size = std::min<std::size_t>(input[1] * std::size_t{4}, input.size() - 2);
    std::vector<std::uint8_t> datagram(input.begin() + 2, input.begin() + 2 + static_cast<std::ptrdiff_t>(size));
    input = input.subspan(2 + size);
    if ((options & 8U) != 0) datagram = sealed_initial(std::move(datagram), number++);
    if ((options & 2U) != 0) datagram.resize(std::max<std::size_t>(datagram.size(), 1200));
    if ((options & 4U) != 0) now += 100ms;
    if ((options & 1U) != 0) {
      client.handle_datagram({address(2), address(1)}, datagram, Ecn::not_ect, now);
      drain(client, now);
      continue;
    }
    received += datagram.size();
    server.handle_datagram({address(1), address(2)}, datagram, Ecn::not_ect, now);
    server.handle_expiry(now);
    sent += drain(server, now);
    require(sent <= 3 * received);
  }
  for (int i = 0; i < 200; ++i) {
    now += 100ms;
    server.handle_expiry(now);
    sent += drain(server, now);
  }
  require(sent <= 3 * received);
  require(server.stats().connection_count == 0 && server.stats().handshake_count == 0);
}

void scan(ByteView payload) {
  FrameScan whole{{1000, 1}, {1000, 1}, TimePoint{}};
  whole.on_payload(payload);
  for (const std::size_t cut : {payload.size() / 2, payload.size() / 3, payload.size() - payload.size() / 5}) {
    FrameScan part{{1000, 1}, {1000, 1}, TimePoint{}};
    part.on_payload(payload.first(cut));
    require(part.stop_sending().size() <= whole.stop_sending().size());
    for (std::size_t i = 0; i < part.stop_sending().size(); ++i) {
      require(part.stop_sending()[i].id == whole.stop_sending()[i].id);
      require(part.stop_sending()[i].code == whole.stop_sending()[i].code);
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  run({data, size});
  scan({data, size});
  return 0;
}
