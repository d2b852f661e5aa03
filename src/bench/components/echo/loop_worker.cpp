// Many connections and messages in flight on one loop.
//
// The stream of a connection is the payload again and again, so a position in it tells everything: what to send next is
// a slice of `tile_` (the payload repeated to at least 64 KiB, so that a window leaves in one send), and message i is
// answered when (i + 1) · size bytes have come back. Only the times at which messages left are kept, one per message of
// the window; an open loop does not even need those, since its times follow from the rate.
#include <fmt/core.h>
#include <sys/epoll.h>

#include <algorithm>
#include <cmath>

#include "bench/components/echo/wake_timer.hpp"
#include "bench/components/echo/worker.hpp"
#include "net/address.hpp"
#include "net/loop.hpp"

namespace plait::bench {
namespace {

using Clock = std::chrono::steady_clock;
using net::IoStatus;

constexpr std::size_t kTileBytesMin = std::size_t{64} << 10;
constexpr std::chrono::milliseconds kWaitMax{100};   // then see whether another thread has failed
constexpr std::chrono::microseconds kSpinBelow{50};  // a wake-up takes up to this long; an open loop spins instead

class LoopEchoWorker;

/// One connection.
class EchoFlow final : public net::EventHandler {
 public:
  EchoFlow(LoopEchoWorker& worker, net::Socket socket, std::size_t index)
      : worker_(worker), socket_(std::move(socket)), index_(index) {}

  Result<void, Error> start();
  /// A new phase: `previous` round trip and message numbers begin again.
  void begin_phase() {
    phase_begin_ = issued_;
    previous_ = EchoRecorder::kNoPrevious;
  }
  /// Lets `count` more messages leave, as the window permits.
  void allow(std::uint64_t count, EchoTime now) {
    allowed_ += count;
    issue(now);
  }
  void handle_events(std::uint32_t events) override;

 private:
  void receive();
  void count_answers(EchoTime now);
  void issue(EchoTime now);
  void send();
  void watch_writable(bool on);
  [[nodiscard]] EchoTime left_at(std::uint64_t message) const;

  LoopEchoWorker& worker_;
  net::Socket socket_;
  std::size_t index_;
  std::uint64_t allowed_ = 0;  // messages, since the connection began; so are the next three
  std::uint64_t issued_ = 0;
  std::uint64_t answered_ = 0;
  std::uint64_t phase_begin_ = 0;
  std::uint64_t sent_bytes_ = 0;
  std::uint64_t received_bytes_ = 0;
  std::uint64_t previous_ = EchoRecorder::kNoPrevious;
  std::vector<EchoTime> times_;  // closed loop: when the messages of the window were issued, by number mod size
  bool writable_watched_ = false;
};

class LoopEchoWorker final : public EchoWorker {
 public:
  explicit LoopEchoWorker(EchoRun& run) : EchoWorker(run) {}

  Result<void, Error> connect(unsigned count) override;
  Result<void, Error> perform(const EchoPhase& phase, EchoRecorder& recorder) override;

  // For the flows:
  [[nodiscard]] net::Loop& loop() { return *loop_; }
  [[nodiscard]] const EchoBenchOptions& options() const { return run_.options; }
  [[nodiscard]] ByteView tile() const { return tile_; }
  [[nodiscard]] bool open_loop() const { return phase_.rate > 0; }
  /// The warm-up of an open loop is a closed one.
  [[nodiscard]] bool has_closed_loop() const { return options().rate == 0 || options().warmup > 0; }
  /// Messages in flight on each connection; 0: no bound. A closed loop has one at least.
  [[nodiscard]] unsigned depth() const { return open_loop() ? options().depth : std::max(1U, options().depth); }
  [[nodiscard]] EchoTime deadline() const { return phase_.deadline; }
  /// When message `number` of this phase of flow `index` should leave: the flows take turns.
  [[nodiscard]] EchoTime intended_time(std::size_t index, std::uint64_t number) const {
    return time_of_turn(number * flows_.size() + index);
  }
  void answer(std::uint64_t rtt, std::uint64_t& previous, bool first);
  /// Messages that were allowed but will not be sent.
  void give_up(std::uint64_t count) { remaining_ -= count; }
  void fail(Error error);

 private:
  [[nodiscard]] EchoTime time_of_turn(std::uint64_t turn) const {
    return begin_ + phase_.offset + Duration{std::llround(static_cast<double>(turn) * step_)};
  }
  void make_tile();
  void begin_closed_loop();
  void begin_open_loop();
  void allow_what_is_due(EchoTime now);
  [[nodiscard]] Duration wait_time(EchoTime now);
  void check_progress(EchoTime now);

  std::unique_ptr<net::Loop> loop_;
  WakeTimer wake_timer_;
  std::vector<std::unique_ptr<EchoFlow>> flows_;
  std::vector<std::uint8_t> tile_;

  EchoPhase phase_;
  EchoRecorder* recorder_ = nullptr;
  EchoTime begin_;
  std::uint64_t remaining_ = 0;  // messages of this phase that are not answered yet
  std::uint64_t turns_ = 0;      // open loop: messages of this phase
  std::uint64_t next_turn_ = 0;  // open loop: the next message that becomes due
  double step_ = 0;              // open loop: nanoseconds between messages
  EchoTime last_progress_;
  std::uint64_t last_remaining_ = 0;
  std::optional<Error> error_;
};

Result<void, Error> EchoFlow::start() {
  if (worker_.has_closed_loop()) times_.resize(worker_.depth());
  return worker_.loop().watch(socket_.fd(), EPOLLIN, *this);
}

void EchoFlow::handle_events(std::uint32_t events) {
  if ((events & EPOLLOUT) != 0) send();
  if ((events & ~std::uint32_t{EPOLLOUT}) != 0) receive();
}

void EchoFlow::receive() {
  const auto buffer = worker_.loop().receive_buffer();
  const auto result = socket_.read(buffer);
  if (result.status == IoStatus::would_block) return;
  if (result.status != IoStatus::ok) {
    return worker_.fail({fmt::format("connection {}, message {}: {}", index_, answered_, describe(result)), 0});
  }
  const EchoTime now = Clock::now();
  if (worker_.options().verify) {
    auto different = find_mismatch(worker_.options().payload, received_bytes_, buffer.first(result.bytes));
    if (different) return worker_.fail(std::move(*different));
  }
  received_bytes_ += result.bytes;
  if (received_bytes_ > sent_bytes_) return worker_.fail({"the peer sent more than it was sent", 0});
  count_answers(now);
  issue(now);
}

void EchoFlow::count_answers(EchoTime now) {
  const std::uint64_t answered = received_bytes_ / worker_.options().payload.size();
  for (; answered_ < answered; ++answered_) {
    const auto rtt = static_cast<std::uint64_t>(std::max<std::int64_t>(0, (now - left_at(answered_)).count()));
    worker_.answer(rtt, previous_, answered_ == 0);
  }
}

EchoTime EchoFlow::left_at(std::uint64_t message) const {
  if (worker_.open_loop()) return worker_.intended_time(index_, message - phase_begin_);
  return times_[message % times_.size()];
}

void EchoFlow::issue(EchoTime now) {
  if (now >= worker_.deadline()) {
    worker_.give_up(allowed_ - issued_);
    allowed_ = issued_;
  }
  const std::uint64_t depth = worker_.depth();
  const std::uint64_t window = depth == 0 ? allowed_ : answered_ + depth;
  const std::uint64_t until = std::min(allowed_, window);
  for (; issued_ < until; ++issued_) {
    if (!times_.empty()) times_[issued_ % times_.size()] = now;
  }
  if (!writable_watched_) send();
}

void EchoFlow::send() {
  const ByteView tile = worker_.tile();
  const std::uint64_t end = issued_ * worker_.options().payload.size();
  while (sent_bytes_ < end) {
    const std::size_t offset = sent_bytes_ % tile.size();
    const std::size_t size = std::min<std::uint64_t>(end - sent_bytes_, tile.size() - offset);
    const auto result = socket_.write(tile.subspan(offset, size));
    if (result.status == IoStatus::would_block) return watch_writable(true);
    if (result.status != IoStatus::ok) return worker_.fail({describe(result), result.system_errno});
    sent_bytes_ += result.bytes;
  }
  watch_writable(false);
}

void EchoFlow::watch_writable(bool on) {
  if (on == writable_watched_) return;
  writable_watched_ = on;
  auto watched = worker_.loop().rewatch(socket_.fd(), on ? EPOLLIN | EPOLLOUT : EPOLLIN, *this);
  if (!watched) worker_.fail(std::move(watched.error()));
}

Result<void, Error> LoopEchoWorker::connect(unsigned count) {
  auto loop = net::Loop::make({.busy_poll = run_.options.connect.busy_poll});
  if (!loop) return err(std::move(loop.error()));
  loop_ = std::move(*loop);
  if (auto attached = wake_timer_.attach(*loop_); !attached) return attached;
  make_tile();
  for (unsigned i = 0; i < count; ++i) {
    auto stream = BlockingStream::connect(run_.options.address, run_.options.connect);
    if (!stream) return err(std::move(stream.error()));
    net::Socket socket = std::move(*stream).release();
    set_blocking(socket, false);
    flows_.push_back(std::make_unique<EchoFlow>(*this, std::move(socket), i));
    if (auto started = flows_.back()->start(); !started) return started;
  }
  return {};
}

void LoopEchoWorker::make_tile() {
  const auto& payload = run_.options.payload;
  do tile_.insert(tile_.end(), payload.begin(), payload.end());
  while (tile_.size() < kTileBytesMin);
}

Result<void, Error> LoopEchoWorker::perform(const EchoPhase& phase, EchoRecorder& recorder) {
  phase_ = phase;
  recorder_ = &recorder;
  begin_ = last_progress_ = Clock::now();
  for (auto& flow : flows_) flow->begin_phase();
  if (open_loop()) {
    begin_open_loop();
  } else {
    begin_closed_loop();
  }
  EchoTime now = begin_;
  while (remaining_ > 0 && !error_ && !run_.failed.load(std::memory_order_relaxed)) {
    if (open_loop()) allow_what_is_due(now);
    loop_->run_once(wait_time(now));
    now = Clock::now();
    check_progress(now);
  }
  if (error_) return err(std::move(*error_));
  return {};
}

void LoopEchoWorker::begin_closed_loop() {
  last_remaining_ = remaining_ = phase_.messages_max * flows_.size();
  for (auto& flow : flows_) flow->allow(phase_.messages_max, Clock::now());
}

void LoopEchoWorker::begin_open_loop() {
  step_ = 1e9 / phase_.rate;
  next_turn_ = 0;
  last_remaining_ = remaining_ = turns_ = phase_.turns;
}

void LoopEchoWorker::allow_what_is_due(EchoTime now) {
  for (; next_turn_ < turns_ && time_of_turn(next_turn_) <= now; ++next_turn_) {
    flows_[next_turn_ % flows_.size()]->allow(1, now);
  }
}

Duration LoopEchoWorker::wait_time(EchoTime now) {
  if (!open_loop() || next_turn_ == turns_) return kWaitMax;
  const EchoTime wake = time_of_turn(next_turn_) - kSpinBelow;
  if (wake <= now) return Duration::zero();
  wake_timer_.wake_at(wake);
  return kWaitMax;
}

void LoopEchoWorker::check_progress(EchoTime now) {
  // An open loop that waits for its next message is not a peer that does not answer.
  const bool owed = !open_loop() || remaining_ > turns_ - next_turn_;
  if (remaining_ != last_remaining_ || !owed) {
    last_remaining_ = remaining_;
    last_progress_ = now;
  } else if (now - last_progress_ > run_.options.connect.timeout) {
    fail({fmt::format("{}: {} messages were not answered within the timeout", net::to_text(run_.options.address),
                      remaining_),
          0});
  }
}

void LoopEchoWorker::answer(std::uint64_t rtt, std::uint64_t& previous, bool first) {
  recorder_->record(rtt, previous);
  if (first) first_round_trips_.record(rtt);
  --remaining_;
  count_answers(1);
}

void LoopEchoWorker::fail(Error error) {
  if (!error_) error_ = std::move(error);
}

}  // namespace

std::unique_ptr<EchoWorker> make_loop_echo_worker(EchoRun& run) { return std::make_unique<LoopEchoWorker>(run); }

}  // namespace plait::bench
