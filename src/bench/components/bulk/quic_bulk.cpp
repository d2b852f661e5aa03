// Raw QUIC: both ends of a QuicPipe on a UdpPipe.
#include "bench/components/bulk/quic_pipe.hpp"
#include "bench/text_file.hpp"
#include "crypto/certificate.hpp"

#include <arpa/inet.h>
#include <fmt/core.h>

#include <algorithm>
#include <chrono>

namespace plait::bench {

namespace {

constexpr const char* kAlpn = "bench-bulk";
constexpr const char* kHandshakeAlpn = "h3";  // the handshake rows ask plait's server for it, and ours answers alike
constexpr std::uint64_t kH3NoError = 0x100;   // RFC 9114 §8.1
constexpr int kReceivesPerTurn = 32;          // as plait's own

/// One connection to a server on loopback.
class QuicBulkClient final : public BulkClient {
 public:
  static Result<std::unique_ptr<QuicBulkClient>, Error> connect(const Plan& plan, const quic::ClientTls& tls) {
    auto udp = UdpPipe::open(0);
    if (!udp) return err(udp.error());
    auto client = std::make_unique<QuicBulkClient>(std::move(*udp));
    sockaddr_in server = client->udp_.name();
    server.sin_port = htons(plan.url.port);
    const std::uint64_t packet_bytes = plan.packet_bytes > 0 ? plan.packet_bytes : SIZE_MAX;
    client->pipe_ = QuicPipe::connect(client->udp_, server, tls, packet_bytes);
    if (!client->pipe_) return err(Error{"raw QUIC: no connection could be made"});
    return client;
  }
  explicit QuicBulkClient(UdpPipe udp) : udp_(std::move(udp)) {}

  Result<void, Error> handshake() {
    return turn_until([this] { return pipe_->is_ready(); });
  }
  void close() {
    const std::uint64_t now = now_ns();
    pipe_->drive(now);  // our last part of the handshake
    pipe_->close(kH3NoError, now);
  }
  Result<void, Error> run(const Transfer& transfer) override {
    if (auto ready = handshake(); !ready) return ready;
    pipe_->start(transfer);
    if (auto answered = turn_until([this] { return pipe_->is_answered(); }); !answered) return answered;
    if (pipe_->received_bytes() != transfer.answer_bytes) return err(Error{"raw QUIC: an answer of another length"});
    return {};
  }

 private:
  template <class Condition>
  Result<void, Error> turn_until(Condition done) {
    std::uint64_t last = now_ns();
    while (!done() && pipe_->failure().empty()) {
      const std::uint64_t now = now_ns();
      const std::uint64_t next = pipe_->drive(now);
      udp_.wait(next > now ? std::min(next - now, kSecond) : 0);
      for (int i = 0; i < kReceivesPerTurn; ++i) {
        const auto batch = udp_.receive();
        if (!batch) break;
        last = now_ns();
        pipe_->handle_batch(*batch, last);
      }
      if (now > last && now - last > kStallLimit) return err(Error{"raw QUIC: nothing came for 10 s"});
    }
    if (!pipe_->failure().empty()) return err(Error{"raw QUIC: " + pipe_->failure()});
    return {};
  }

  UdpPipe udp_;
  std::unique_ptr<QuicPipe> pipe_;
};

/// One client at a time: the next one's first packet takes the place.
class QuicBulkServer {
 public:
  QuicBulkServer(UdpPipe udp, quic::ServerTls tls, std::size_t packet_bytes)
      : udp_(std::move(udp)), tls_(std::move(tls)), packet_bytes_(packet_bytes) {}

  void turn() {
    const std::uint64_t now = now_ns();
    const std::uint64_t next = pipe_ ? pipe_->drive(now) : now + kSecond;
    udp_.wait(next > now ? std::min(next - now, kSecond) : 0);
    for (int i = 0; i < kReceivesPerTurn; ++i) {
      const auto batch = udp_.receive();
      if (!batch) break;
      handle(*batch);
    }
    if (pipe_ && !pipe_->failure().empty()) pipe_.reset();
  }

 private:
  void handle(const UdpPipe::Batch& batch) {
    if (!pipe_ || pipe_->remote().sin_port != batch.from.sin_port) {
      ngtcp2_pkt_hd header;
      if (ngtcp2_accept(&header, batch.bytes.data(), std::min(batch.bytes.size(), batch.segment_bytes)) != 0) return;
      pipe_ = QuicPipe::accept(udp_, batch.from, tls_, header, packet_bytes_);
    }
    if (pipe_) pipe_->handle_batch(batch, now_ns());
  }

  UdpPipe udp_;
  quic::ServerTls tls_;
  std::size_t packet_bytes_;
  std::unique_ptr<QuicPipe> pipe_;
};

Result<quic::ClientTls, Error> make_tls(const char* alpn) {
  quic::ClientTlsConfig config;
  config.verify = quic::ClientTlsConfig::Verify::off;
  config.alpn = {alpn};
  return quic::ClientTls::make(std::move(config));
}

}  // namespace

Result<void, Error> run_quic_bulk_load(LoadContext& context) {
  const auto tls = make_tls(kAlpn);
  if (!tls) return err(tls.error());
  auto client = QuicBulkClient::connect(context.plan, *tls);
  if (!client) return err(client.error());
  return run_bulk_transfers(**client, context);
}

Result<void, Error> run_quic_handshake_load(LoadContext& context) {
  const auto tls = make_tls(kHandshakeAlpn);
  if (!tls) return err(tls.error());
  const std::uint64_t begin = now_ns() + static_cast<std::uint64_t>(context.plan.warmup_seconds * kSecond);
  const std::uint64_t end = begin + static_cast<std::uint64_t>(context.plan.seconds * kSecond);
  Meter& meter = context.meter;
  for (std::uint64_t started = now_ns(); started < end || meter.messages() < context.plan.count; started = now_ns()) {
    if (!meter.is_measuring() && started >= begin) meter.begin(started);
    auto client = QuicBulkClient::connect(context.plan, *tls);
    if (!client) return err(client.error());
    if (auto done = (*client)->handshake(); !done) return done;
    meter.record_latency(now_ns() - started, 1);
    meter.confirm(1, 0);
    (*client)->close();
  }
  meter.end(now_ns());
  return {};
}

Result<void, Error> serve_quic_bulk(std::uint16_t port, std::size_t packet_bytes) {
  auto udp = UdpPipe::open(port);
  if (!udp) return err(udp.error());
  auto pem = crypto::make_certificate({}, std::chrono::system_clock::now());
  if (!pem) return err(pem.error());
  auto tls = quic::ServerTls::make({pem->certificate, pem->private_key, {kAlpn, kHandshakeAlpn}});
  if (!tls) return err(tls.error());
  auto said = print_line(fmt::format("listening quic-bulk://127.0.0.1:{}", ntohs(udp->name().sin_port)));
  if (!said) return said;
  QuicBulkServer server(std::move(*udp), std::move(*tls), packet_bytes);
  for (;;) server.turn();
}

}  // namespace plait::bench
