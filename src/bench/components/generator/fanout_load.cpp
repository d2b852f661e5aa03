// The fan-out load: endpoint 0 publishes, all others receive. `window` bursts of `burst` messages are outstanding; when
// the last subscriber has all of a burst, the next is sent. A delivery counts when the subscriber has read it; latency
// is the whole burst's: from the call that sent it to the read that completed it at the last subscriber.
#include "bench/components/generator/fanout_protocol.hpp"
#include "bench/components/generator/frames.hpp"
#include "bench/components/generator/loads.hpp"
#include "bench/components/generator/replies.hpp"
#include "bench/components/generator/sender.hpp"

#include <deque>

namespace plait::bench {

namespace {

constexpr std::uint64_t kProbeTimeout = kSecond / 2;

class FanoutLoad {
 public:
  explicit FanoutLoad(LoadContext& context)
      : context_(context),
        plan_(context.plan),
        protocol_(fanout_protocol(plan_.url.scheme, plan_.payload_bytes)),
        cycle_({.websocket = plan_.url.is_websocket(),
                .sent = protocol_.publication,
                .answered = protocol_.delivery,
                .payload_bytes = plan_.payload_bytes},
               plan_.burst * plan_.window),
        publisher_(cycle_),
        subscribers_(plan_.connections + 1, Subscriber{KnownReplies(cycle_, plan_.verify, protocol_.ping)}) {}

  Result<void, Error> run() {
    if (auto opened = open_connections(); !opened) return opened;
    if (!await_all_subscribed()) {
      return err(Error{failure_.empty() ? "not every subscriber receives what is published" : failure_});
    }
    now_ = last_progress_ = now_ns();
    const auto begin = now_ + static_cast<std::uint64_t>(plan_.warmup_seconds * 1e9);
    const auto length = static_cast<std::uint64_t>(plan_.seconds * 1e9);
    std::uint64_t end = begin + length;
    for (std::uint64_t i = 0; i < plan_.window; ++i) publish(plan_.burst);
    while (failure_.empty() && !(context_.meter.is_measuring() && now_ >= end)) {
      if (!context_.meter.is_measuring() && now_ >= begin) {
        context_.meter.begin(now_ = now_ns());
        end = now_ + length;
      }
      turn(kSecond / 10);
      if (now_ - last_progress_ > kStallLimit) failure_ = "a subscriber did not get its messages within 10 s";
    }
    if (!failure_.empty()) return err(Error{failure_});
    context_.meter.end(now_ = now_ns());
    return {};
  }

 private:
  struct Subscriber {
    KnownReplies replies;
    std::uint64_t received = 0;        // messages since the last probe
    std::uint64_t received_total = 0;  // probes included
  };
  struct Burst {
    std::uint64_t sent_at;
    std::uint64_t last_message;  // subscribers' `received` when they have all of it
    std::uint64_t waiting;       // subscribers that have not
  };

  Result<void, Error> open_connections() {
    context_.options.hello = protocol_.publisher;
    endpoints_.resize(1);
    if (auto opened = open_endpoints(context_.poller, context_.options, endpoints_); !opened) return opened;
    context_.options.hello = protocol_.subscriber;
    endpoints_.resize(1 + plan_.connections);
    return open_endpoints(context_.poller, context_.options, endpoints_, 1);
  }

  /// A server may finish the opening handshake before it subscribes the connection. So publish single messages until
  /// one reaches everybody; what an earlier one still delivers is waited out, since each probe ends in silence.
  bool await_all_subscribed() {
    for (int attempt = 0; attempt < 20 && failure_.empty(); ++attempt) {
      for (Subscriber& subscriber : subscribers_) subscriber.received = 0;
      deliveries_ = 0;
      published_ = 0;
      bursts_.clear();
      publish(1);
      std::uint64_t quiet_since = now_ns();
      while (deliveries_ < plan_.connections && now_ns() - quiet_since < kProbeTimeout && failure_.empty()) {
        const std::uint64_t before = deliveries_;
        turn(kSecond / 100);
        if (deliveries_ != before) quiet_since = now_ns();
      }
      if (deliveries_ == plan_.connections && bursts_.empty()) return reset_counts();
    }
    return false;
  }

  bool reset_counts() {
    for (Subscriber& subscriber : subscribers_) subscriber.received = 0;
    published_ = 0;
    probing_ = false;
    return true;
  }

  void publish(std::uint64_t messages) {
    published_ += messages;
    published_total_ += messages;
    bursts_.push_back({now_ns(), published_, plan_.connections});
    publisher_.owe(messages);
    publisher_.flush(endpoints_[0]);
  }

  void turn(std::uint64_t timeout) {
    const auto events = context_.poller.wait(timeout);
    now_ = now_ns();
    for (const epoll_event& event : events) service(event.data.u32);
    context_.meter.tick(now_);
  }

  void service(std::size_t index) {
    std::uint64_t completed = 0;
    while (const std::size_t got = endpoints_[index].read(context_.buffer)) {
      completed += subscribers_[index].replies.count({context_.buffer.data(), got});
      if (got < context_.buffer.size() && !plan_.url.is_tls()) break;
    }
    if (index == 0) {
      publisher_.flush(endpoints_[0]);
    } else if (completed > 0) {
      deliver(subscribers_[index], completed);
    }
    answer_pings(index);
    if (endpoints_[index].phase() == Endpoint::Phase::failed) failure_ = endpoints_[index].failure();
    if (subscribers_[index].replies.is_broken())
      failure_ = "a connection was sent something else than what was published";
  }

  /// Never inside a publication of which the socket has taken a part: then when the rest has left.
  void answer_pings(std::size_t index) {
    if (index == 0 && !publisher_.is_idle()) return;
    for (std::size_t pings = subscribers_[index].replies.take_asides(); pings > 0; --pings) {
      endpoints_[index].write(as_bytes(protocol_.pong));
    }
  }

  void deliver(Subscriber& subscriber, std::uint64_t completed) {
    const std::uint64_t before = subscriber.received;
    subscriber.received += completed;
    subscriber.received_total += completed;
    if (subscriber.received_total > published_total_)
      failure_ = "a subscriber was sent more messages than were published";
    deliveries_ += completed;
    now_ = last_progress_ = now_ns();
    context_.meter.confirm(completed, completed * plan_.payload_bytes);
    for (Burst& burst : bursts_) {
      if (before < burst.last_message && subscriber.received >= burst.last_message) --burst.waiting;
    }
    while (!bursts_.empty() && bursts_.front().waiting == 0) {
      context_.meter.record_latency(now_ - bursts_.front().sent_at, 1);
      bursts_.pop_front();
      if (!probing_) publish(plan_.burst);
    }
  }

  LoadContext& context_;
  const Plan& plan_;
  FanoutProtocol protocol_;
  FrameCycle cycle_;
  Sender publisher_;
  std::vector<Endpoint> endpoints_;
  std::vector<Subscriber> subscribers_;
  std::deque<Burst> bursts_;
  std::string failure_;
  std::uint64_t published_ = 0;  // since the last probe
  std::uint64_t published_total_ = 0;
  std::uint64_t deliveries_ = 0;
  std::uint64_t now_ = 0;
  std::uint64_t last_progress_ = 0;
  bool probing_ = true;
};

}  // namespace

Result<void, Error> run_fanout_load(LoadContext& context) { return FanoutLoad(context).run(); }

}  // namespace plait::bench
