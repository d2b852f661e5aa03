// Request and response: a bidirectional stream for each, ended by us and answered with the same bytes; or a datagram
// and its echo.
//
// As published, one exchange on a session of its own, timed from before the client is made to after it is gone. In the
// steady state, `depth` exchanges at a time on one session, each timed from its stream's opening to the end of the
// answer. Datagrams that are out when the window ends are waited for, each as long as any: else none could be lost in a
// window shorter than that.
#include "bench/components/generator/frames.hpp"
#include "bench/components/generator/wt_load.hpp"

#include <algorithm>
#include <cstring>
#include <unordered_map>

namespace plait::bench {

namespace {

constexpr std::uint64_t kLostAfter = 1'000'000'000;

class WtEchoLoad final : public WtLoad {
 public:
  explicit WtEchoLoad(LoadContext& context)
      : WtLoad(context),
        payload_(make_wt_payload(plan_.payload_bytes)),
        datagram_(make_payload(std::max<std::size_t>(plan_.payload_bytes, sizeof(std::uint64_t)), 0)) {}
  using WtLoad::run;

  void answered(std::uint64_t started) {
    --running_;
    ++answered_;
    progress();
    if (plan_.literal) return;
    if (!draining_ || meter_.covers(started)) record(now_ns() - started);
    start_exchanges();
  }
  void refuse(std::string why) {
    if (session(0) != nullptr) fail(std::move(why));  // else it is what our close caused
  }
  [[nodiscard]] const Bytes& payload() const { return payload_; }

 private:
  void work() override {
    if (!plan_.literal) open_first();
    while (is_running() && is_in_window()) {
      if (plan_.literal) {
        round();
      } else {
        turn();
        drop_lost();
      }
    }
    end_window();
    if (plan_.datagrams && !plan_.literal) drain();
  }
  void drain() {
    draining_ = true;
    meter_.begin_drain();
    while (is_running() && !outstanding_.empty()) {
      turn();
      drop_lost();
    }
  }
  void round() {
    const std::uint64_t started = now_ns();
    answered_ = running_ = 0;
    open_first();
    while (is_running() && answered_ == 0) {
      turn();
      drop_lost();
    }
    if (!is_running()) return;
    close_first();
    drop_client();
    record(now_ns() - started);
  }
  void record(std::uint64_t nanoseconds) {
    meter_.record_latency(nanoseconds, 1);
    meter_.confirm(1, plan_.payload_bytes);
  }

  void on_open(std::size_t, Session& session) override {
    session_ = &session;
    start_exchanges();
  }
  void on_streams_available(std::size_t) override { start_exchanges(); }
  void on_closed(std::size_t) override { session_ = nullptr; }
  void on_datagram(std::size_t, ByteView data) override;

  void start_exchanges() {
    while (is_running() && !draining_ && session_ != nullptr && running_ < plan_.depth &&
           answered_ + running_ < exchanges_max()) {
      if (!(plan_.datagrams ? send_datagram() : open_stream())) return;
      ++running_;
    }
  }
  [[nodiscard]] std::uint64_t exchanges_max() const { return plan_.literal ? 1 : UINT64_MAX; }
  bool open_stream();
  bool send_datagram();
  void drop_lost();

  Bytes payload_;
  std::vector<std::uint8_t> datagram_;  // begins with its number
  std::uint64_t next_datagram_ = 0;
  std::unordered_map<std::uint64_t, std::uint64_t> outstanding_;  // number → when it was sent
  Session* session_ = nullptr;
  std::uint64_t running_ = 0;
  std::uint64_t answered_ = 0;
  bool draining_ = false;  // no more is sent
};

class Exchange final : public StreamHandler {
 public:
  explicit Exchange(WtEchoLoad& load) : load_(load), started_(now_ns()) {}

 private:
  void on_data(Stream&, ByteView data, bool fin) override {
    const ByteView expected{load_.payload().data(), load_.payload().size()};
    const bool fits = data.size() <= expected.size() - received_;
    if (!fits || (!data.empty() && std::memcmp(data.data(), expected.data() + received_, data.size()) != 0)) {
      return load_.refuse("an answer differs from the request");
    }
    received_ += data.size();
    if (!fin) return;
    if (received_ != expected.size()) return load_.refuse("an answer is shorter than the request");
    load_.answered(started_);
  }
  void on_reset(Stream&, std::uint32_t code) override {
    load_.refuse("the server reset a stream with code " + std::to_string(code));
  }

  WtEchoLoad& load_;
  std::uint64_t started_;
  std::size_t received_ = 0;
};

bool WtEchoLoad::open_stream() {
  const auto stream = session_->open_stream(::plait::StreamDirection::bidirectional, std::make_unique<Exchange>(*this));
  if (!stream) return false;  // on_streams_available
  (*stream)->write(payload_, true);
  return true;
}

bool WtEchoLoad::send_datagram() {
  std::memcpy(datagram_.data(), &next_datagram_, sizeof next_datagram_);
  const SendStatus status = session_->send_datagram(datagram_);
  if (status != SendStatus::sent && status != SendStatus::queued) {
    fail("a datagram of " + std::to_string(datagram_.size()) + " bytes cannot be sent");
    return false;
  }
  outstanding_.emplace(next_datagram_++, now_ns());
  return true;
}

void WtEchoLoad::on_datagram(std::size_t, ByteView data) {
  std::uint64_t number = 0;
  if (data.size() != datagram_.size()) return fail("a datagram came back with another size");
  std::memcpy(&number, data.data(), sizeof number);
  const auto found = outstanding_.find(number);
  if (found == outstanding_.end()) return;  // came after all
  const std::uint64_t started = found->second;
  outstanding_.erase(found);
  answered(started);
}

void WtEchoLoad::drop_lost() {
  if (!plan_.datagrams) return;
  const std::uint64_t now = now_ns();
  const auto dropped = std::erase_if(outstanding_, [&](const auto& one) {
    const std::uint64_t sent = one.second;
    const bool lost = now > sent && now - sent > kLostAfter;
    if (lost && meter_.covers(sent)) meter_.lose(1);
    return lost;
  });
  if (dropped == 0) return;
  running_ -= dropped;
  start_exchanges();
}

}  // namespace

Result<void, Error> run_wt_echo_load(LoadContext& context) { return WtEchoLoad(context).run(); }

}  // namespace plait::bench
