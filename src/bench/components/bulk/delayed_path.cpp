#include "bench/components/bulk/delayed_path.hpp"

#include "bench/components/generator/poller.hpp"
#include "bench/components/loopback.hpp"
#include "bench/components/units.hpp"

#include <algorithm>

namespace plait::bench {

namespace {

constexpr std::uint64_t kMillisecond = kSecond / 1000;
constexpr std::uint64_t kPathWaitMax = 50 * kMillisecond;  // then it looks whether it is to end
constexpr int kPathReceives = 64;

}  // namespace

Result<std::unique_ptr<DelayedPath>, Error> DelayedPath::start(std::uint16_t server_port, const Settings& settings) {
  auto udp = UdpPipe::open(0);
  if (!udp) return err(udp.error());
  std::unique_ptr<DelayedPath> path{new DelayedPath(std::move(*udp), server_port, settings)};
  path->thread_ = std::thread{[&self = *path] { self.run(); }};
  return path;
}

DelayedPath::DelayedPath(UdpPipe udp, std::uint16_t server_port, const Settings& settings)
    : udp_(std::move(udp)),
      server_(loopback(server_port)),
      delay_(settings.delay_ms * kMillisecond),
      loss_(settings.loss_percent / 100) {}

DelayedPath::~DelayedPath() {
  ends_ = true;
  thread_.join();
}

std::uint16_t DelayedPath::port() const { return ntohs(udp_.name().sin_port); }

void DelayedPath::run() {
  while (!ends_) {
    const std::uint64_t now = now_ns();
    const std::uint64_t next = held_.empty() ? now + kPathWaitMax : held_.front().due;
    udp_.wait(next > now ? std::min(next - now, kPathWaitMax) : 0);
    for (int i = 0; i < kPathReceives; ++i) {
      const auto batch = udp_.receive();
      if (!batch) break;
      hold(*batch, now_ns());
    }
    send_due(now_ns());
  }
}

void DelayedPath::hold(const UdpPipe::Batch& batch, std::uint64_t now) {
  const bool from_server = batch.from.sin_port == server_.sin_port;
  if (!from_server) client_ = batch.from;
  Held held{now + delay_, from_server ? client_ : server_, batch.segment_bytes, {}};
  held.bytes.reserve(batch.bytes.size());
  std::uniform_real_distribution<double> chance;
  std::mt19937_64& random = random_.at(from_server ? 0 : 1);
  for (ByteView rest = batch.bytes; !rest.empty();) {
    const ByteView datagram = rest.first(std::min(rest.size(), batch.segment_bytes));
    rest = rest.subspan(datagram.size());
    if (chance(random) >= loss_) held.bytes.insert(held.bytes.end(), datagram.begin(), datagram.end());
  }
  if (!held.bytes.empty()) held_.push_back(std::move(held));
}

void DelayedPath::send_due(std::uint64_t now) {
  for (; !held_.empty() && held_.front().due <= now; held_.pop_front()) {
    udp_.send(held_.front().bytes, held_.front().segment_bytes, held_.front().to);
  }
}

}  // namespace plait::bench
