// The connect load: `connections` slots, each opening a connection, finishing the opening handshake (raw TCP: one
// echo), closing it with RST and starting again. The client is the limit from about 16 slots on, so judge by server
// CPU.
#include "bench/components/generator/frames.hpp"
#include "bench/components/generator/loads.hpp"

namespace plait::bench {

namespace {

class ConnectLoad {
 public:
  explicit ConnectLoad(LoadContext& context)
      : context_(context),
        plan_(context.plan),
        payload_(make_payload(plan_.payload_bytes, 0)),
        slots_(plan_.connections) {}

  Result<void, Error> run() {
    now_ = last_progress_ = now_ns();
    const auto begin = now_ + static_cast<std::uint64_t>(plan_.warmup_seconds * 1e9);
    const auto length = static_cast<std::uint64_t>(plan_.seconds * 1e9);
    std::uint64_t end = begin + length;
    for (std::size_t i = 0; i < slots_.size(); ++i) restart(i);
    while (failure_.empty() && !(context_.meter.is_measuring() && now_ >= end)) {
      if (!context_.meter.is_measuring() && now_ >= begin) {
        context_.meter.begin(now_ = now_ns());
        end = now_ + length;
      }
      for (const epoll_event& event : context_.poller.wait(kSecond / 10)) advance(event.data.u32);
      now_ = now_ns();
      context_.meter.tick(now_);
      if (now_ - last_progress_ > kStallLimit) failure_ = "no connection was accepted for 10 s";
    }
    if (!failure_.empty()) return err(Error{failure_});
    context_.meter.end(now_ = now_ns());
    return {};
  }

 private:
  struct Slot {
    Endpoint endpoint;
    std::uint64_t started = 0;
    std::size_t echoed = 0;
    bool greeted = false;
  };

  void restart(std::size_t index) {
    Slot& slot = slots_[index];
    slot.endpoint.reset();
    slot.echoed = 0;
    slot.greeted = false;
    slot.started = now_ns();
    if (!slot.endpoint.start(context_.options)) {
      failure_ = slot.endpoint.failure();
      return;
    }
    context_.poller.add(slot.endpoint.fd(), static_cast<std::uint32_t>(index));
    slot.endpoint.advance(context_.options);
  }

  /// True once the server has proved that it serves this connection.
  bool is_served(Slot& slot) {
    if (slot.endpoint.advance(context_.options) != Endpoint::Phase::open) return false;
    if (plan_.url.is_websocket()) return true;
    if (!slot.greeted) slot.greeted = slot.endpoint.write(payload_) == payload_.size();
    while (const std::size_t got = slot.endpoint.read(context_.buffer)) slot.echoed += got;
    return slot.echoed == payload_.size();
  }

  void advance(std::size_t index) {
    Slot& slot = slots_[index];
    if (is_served(slot)) {
      now_ = last_progress_ = now_ns();
      context_.meter.record_latency(now_ - slot.started, 1);
      context_.meter.confirm(1, 0);
      restart(index);
    } else if (slot.endpoint.phase() == Endpoint::Phase::failed) {
      failure_ = slot.endpoint.failure();
    }
  }

  LoadContext& context_;
  const Plan& plan_;
  std::vector<std::uint8_t> payload_;
  std::vector<Slot> slots_;
  std::string failure_;
  std::uint64_t now_ = 0;
  std::uint64_t last_progress_ = 0;
};

}  // namespace

Result<void, Error> run_connect_load(LoadContext& context) { return ConnectLoad(context).run(); }

}  // namespace plait::bench
