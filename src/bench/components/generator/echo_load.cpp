// The echo load: N connections, each with `depth` messages in flight (closed loop), or messages at a fixed rate whether
// or not the answers come (open loop).
//
// In the closed loop a read that completes k answers is followed by one send of k messages: a client that sends them
// one by one measures its own system calls. Latency runs from the call that sent a message to the read that completed
// its answer, with one clock reading a read. In the open loop it runs from the time at which the message was due, so a
// stalled server is charged for everything that should have been sent meanwhile (coordinated omission). Its messages of
// the window are waited for behind it, for 2 s at most: what is late then has its true latency, and what never came is
// lost. What was due in the warm-up is neither. The rate counts the answers within the window.
#include "bench/components/generator/deflate.hpp"
#include "bench/components/generator/frames.hpp"
#include "bench/components/generator/loads.hpp"
#include "bench/components/generator/replies.hpp"
#include "bench/components/generator/sender.hpp"

#include <algorithm>
#include <optional>

namespace plait::bench {

namespace {

constexpr std::uint64_t kDrainMax = 2 * kSecond;  // behind the window

/// Counts a connection's answers, by known bytes where that is possible and by frame headers where it is not.
class AnswerCounter {
 public:
  AnswerCounter(const Plan& plan, const FrameCycle& cycle) : cycle_(&cycle), known_(cycle, plan.verify) {
    if (plan.deflate) scanner_.emplace(plan.verify);
  }
  std::size_t count(ByteView bytes) {
    if (!scanner_) return known_.count(bytes);
    const std::size_t completed = scanner_->count(bytes);
    for (const auto& message : scanner_->take_messages()) check(message);
    return completed;
  }
  [[nodiscard]] bool is_broken() const { return scanner_ ? wrong_ || scanner_->is_broken() : known_.is_broken(); }

 private:
  void check(const FrameScanner::Message& message) {
    const ByteView expected = cycle_->payload(0);
    const auto got = message.compressed ? inflate_message(message.payload, expected.size()) : message.payload;
    wrong_ = wrong_ || !std::equal(got.begin(), got.end(), expected.begin(), expected.end());
  }
  const FrameCycle* cycle_;
  KnownReplies known_;
  std::optional<FrameScanner> scanner_;
  bool wrong_ = false;
};

struct Connection {
  Connection(const Plan& plan, const FrameCycle& cycle) : answers(plan, cycle), sender(cycle) {}
  AnswerCounter answers;
  Sender sender;
  BatchQueue in_flight;
};

class EchoLoad {
 public:
  explicit EchoLoad(LoadContext& context)
      : context_(context),
        plan_(context.plan),
        cycle_({.websocket = plan_.url.is_websocket(),
                .socket_io = plan_.url.is_socket_io(),
                .deflate = plan_.deflate,
                .distinct = plan_.verify,
                .payload_bytes = plan_.payload_bytes},
               plan_.depth),
        endpoints_(plan_.connections),
        connections_(plan_.connections, Connection(plan_, cycle_)) {}

  Result<void, Error> run() {
    if (auto opened = open_endpoints(context_.poller, context_.options, endpoints_); !opened) return opened;
    now_ = last_progress_ = now_ns();
    const std::uint64_t start = now_;
    const auto nanoseconds = [](double seconds) { return static_cast<std::uint64_t>(seconds * 1e9); };
    const std::uint64_t begin = start + (plan_.count > 0 ? 0 : nanoseconds(plan_.warmup_seconds));
    next_due_ = start;
    if (plan_.count > 0) context_.meter.begin(now_);
    if (plan_.rate == 0) prime();
    std::uint64_t end = begin + nanoseconds(plan_.seconds);
    while (failure_.empty() && !is_done(end)) {
      if (!context_.meter.is_measuring() && now_ >= begin) {
        context_.meter.begin(now_ = now_ns());
        end = now_ + nanoseconds(plan_.seconds);
      }
      turn();
    }
    if (!failure_.empty()) return err(Error{failure_});
    context_.meter.end(now_ = now_ns());
    if (plan_.rate > 0) drain(std::min(end, now_));
    if (!failure_.empty()) return err(Error{failure_});
    return {};
  }

 private:
  [[nodiscard]] bool is_done(std::uint64_t end) const {
    if (plan_.count > 0) return context_.meter.messages() >= plan_.count;
    return context_.meter.is_measuring() && now_ >= end;
  }

  void prime() {
    for (std::size_t i = 0; i < connections_.size(); ++i) {
      now_ = now_ns();
      send(i, plan_.depth);
      service(i);
    }
  }

  void turn() {
    std::uint64_t timeout = kSecond / 10;
    if (plan_.rate > 0) {
      send_due(now_ = now_ns());
      timeout = std::min(timeout, next_due_ - now_);
    }
    wait(timeout);
    context_.meter.tick(now_);
    // An open loop that waits for its next message is not a server that does not answer.
    if (plan_.rate > 0 && unanswered_ == 0) last_progress_ = now_;
    if (now_ - last_progress_ > context_.stall_limit) {
      failure_ = "no answer for 10 s: the server lost a message or stopped";
    }
  }

  void wait(std::uint64_t timeout) {
    const auto events = context_.poller.wait(timeout);
    now_ = now_ns();
    for (const epoll_event& event : events) service(event.data.u32);
  }

  /// Open loop: sends what is due by `time`, which has come.
  void send_due(std::uint64_t time) {
    const auto interval = static_cast<std::uint64_t>(1e9 / plan_.rate);
    for (; next_due_ <= time; next_due_ += interval) {
      const std::size_t index = next_connection_++ % connections_.size();
      ++unanswered_;
      connections_[index].in_flight.push(next_due_, 1);
      connections_[index].sender.owe(1);
      connections_[index].sender.flush(endpoints_[index]);
    }
  }

  /// Open loop: waits for what was due until `end`. What does not come has the time until now as its latency.
  void drain(std::uint64_t end) {
    context_.meter.begin_drain();
    send_due(end);
    const std::uint64_t latest = now_ + kDrainMax;
    while (failure_.empty() && unanswered_ > 0 && now_ < latest) wait(std::min(kSecond / 10, latest - now_));
    for (Connection& connection : connections_) {
      static_cast<void>(connection.in_flight.pop(unanswered_, [this](std::uint64_t due, std::size_t count) {
        if (record_due(due, count)) context_.meter.lose(count);
      }));
    }
  }

  /// Open loop: the latency of messages that were due in the window; false of others.
  bool record_due(std::uint64_t due, std::size_t count) {
    if (!context_.meter.covers(due)) return false;
    context_.meter.record_latency(now_ - due, count);
    return true;
  }

  void send(std::size_t index, std::size_t messages) {
    if (plan_.count > 0) messages = std::min<std::size_t>(messages, plan_.count - sent_);
    if (messages == 0) return;
    sent_ += messages;
    connections_[index].in_flight.push(now_, messages);
    connections_[index].sender.owe(messages);
    connections_[index].sender.flush(endpoints_[index]);
  }

  /// Reads until the socket is dry, then sends as many messages as were answered.
  void service(std::size_t index) {
    Connection& connection = connections_[index];
    Endpoint& endpoint = endpoints_[index];
    std::size_t completed = 0;
    while (const std::size_t got = endpoint.read(context_.buffer)) {
      completed += connection.answers.count({context_.buffer.data(), got});
      if (got < context_.buffer.size() && !plan_.url.is_tls()) break;
    }
    if (completed > 0) complete(index, completed);
    if (!connection.sender.is_idle()) connection.sender.flush(endpoint);
    if (endpoint.phase() == Endpoint::Phase::failed) failure_ = endpoint.failure();
    if (connection.answers.is_broken()) failure_ = "an answer differs from the message that was sent";
  }

  void complete(std::size_t index, std::size_t completed) {
    now_ = last_progress_ = now_ns();
    Meter& meter = context_.meter;
    std::size_t of_window = 0;
    const std::size_t unasked =
        connections_[index].in_flight.pop(completed, [&](std::uint64_t sent, std::size_t count) {
          if (plan_.rate == 0) {
            meter.record_latency(now_ - sent, count);
          } else if (record_due(sent, count)) {
            of_window += count;
          }
        });
    if (unasked > 0) failure_ = "the server answered more messages than it was sent";
    const std::size_t confirmed = meter.is_measuring() ? completed : of_window;
    meter.confirm(confirmed, confirmed * plan_.payload_bytes);
    if (plan_.rate == 0) {
      send(index, completed);
    } else {
      unanswered_ -= completed - unasked;
    }
  }

  LoadContext& context_;
  const Plan& plan_;
  FrameCycle cycle_;
  std::vector<Endpoint> endpoints_;
  std::vector<Connection> connections_;
  std::string failure_;
  std::uint64_t now_ = 0;
  std::uint64_t last_progress_ = 0;
  std::uint64_t next_due_ = 0;
  std::size_t next_connection_ = 0;
  std::uint64_t sent_ = 0;        // closed loop
  std::uint64_t unanswered_ = 0;  // open loop
};

}  // namespace

Result<void, Error> run_echo_load(LoadContext& context) { return EchoLoad(context).run(); }

}  // namespace plait::bench
