// Raw QUIC: both ends of a QuicPipe on a UdpPipe.
#include "bench/components/bulk/quic_pipe.hpp"
#include "crypto/certificate.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdio>

namespace plait::bench {

namespace {

constexpr const char* kAlpn = "bench-bulk";
constexpr int kReceivesPerTurn = 32;  // as plait's own
constexpr std::uint64_t kSecond = 1'000'000'000;
constexpr std::uint64_t kStallLimit = 10 * kSecond;

class QuicBulkClient final : public BulkClient {
 public:
  QuicBulkClient(UdpPipe udp, const quic::ClientTls& tls, std::uint16_t port, std::size_t packet_bytes)
      : udp_(std::move(udp)) {
    sockaddr_in server = udp_.name();
    server.sin_port = htons(port);
    pipe_ = QuicPipe::connect(udp_, server, tls, packet_bytes);
  }

  Result<void, Error> run(const Transfer& transfer) override {
    if (!pipe_) return err(Error{"raw QUIC: no connection could be made"});
    turn_until([this] { return pipe_->is_ready(); });
    if (pipe_->failure().empty()) pipe_->start(transfer);
    turn_until([this] { return pipe_->is_answered(); });
    if (!pipe_->failure().empty()) return err(Error{"raw QUIC: " + pipe_->failure()});
    if (!pipe_->is_answered()) return err(Error{"raw QUIC: nothing came for 10 s"});
    if (pipe_->received_bytes() != transfer.answer_bytes) return err(Error{"raw QUIC: an answer of another length"});
    return {};
  }

 private:
  template <class Condition>
  void turn_until(Condition done) {
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
      if (now > last && now - last > kStallLimit) return;
    }
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

}  // namespace

Result<void, Error> run_quic_bulk_load(LoadContext& context) {
  auto udp = UdpPipe::open(0);
  if (!udp) return err(udp.error());
  quic::ClientTlsConfig config;
  config.verify = quic::ClientTlsConfig::Verify::off;
  config.alpn = {kAlpn};
  const auto tls = quic::ClientTls::make(std::move(config));
  if (!tls) return err(tls.error());
  const std::uint64_t packet_bytes = context.plan.packet_bytes > 0 ? context.plan.packet_bytes : SIZE_MAX;
  QuicBulkClient client(std::move(*udp), *tls, context.plan.url.port, packet_bytes);
  return run_bulk_transfers(client, context);
}

Result<void, Error> serve_quic_bulk(std::uint16_t port, std::size_t packet_bytes) {
  auto udp = UdpPipe::open(port);
  if (!udp) return err(udp.error());
  auto pem = crypto::make_certificate({}, std::chrono::system_clock::now());
  if (!pem) return err(pem.error());
  auto tls = quic::ServerTls::make({pem->certificate, pem->private_key, {kAlpn}});
  if (!tls) return err(tls.error());
  fmt::print("listening quic-bulk://127.0.0.1:{}\n", ntohs(udp->name().sin_port));
  std::fflush(stdout);
  QuicBulkServer server(std::move(*udp), std::move(*tls), packet_bytes);
  for (;;) server.turn();
}

}  // namespace plait::bench
