#include <fmt/core.h>

#include "bench/components/echo/worker.hpp"
#include "net/address.hpp"

namespace plait::bench {
namespace {

using Clock = std::chrono::steady_clock;

class BlockingEchoWorker final : public EchoWorker {
 public:
  using EchoWorker::EchoWorker;

  Result<void, Error> connect(unsigned /*count*/) override {
    auto stream = BlockingStream::connect(run_.options.address, run_.options.connect);
    if (!stream) return err(std::move(stream.error()));
    stream_.emplace(std::move(*stream));
    buffer_.resize(run_.options.payload.size() + 1);  // one more, to see whether more comes than was sent
    return {};
  }

  Result<void, Error> perform(const EchoPhase& phase, EchoRecorder& recorder) override {
    const ByteView payload = run_.options.payload;
    const bool timed = phase.deadline != EchoTime::max();
    std::uint64_t previous = EchoRecorder::kNoPrevious;
    for (std::uint64_t i = 0; i < phase.messages_max; ++i) {
      const auto begin = Clock::now();
      if (timed && begin >= phase.deadline) break;
      const auto result = stream_->exchange(payload, buffer_);
      const auto end = Clock::now();
      if (result.status != net::IoStatus::ok) return failure(result);
      if (result.bytes > payload.size()) return too_much();
      const auto rtt = static_cast<std::uint64_t>((end - begin).count());
      recorder.record(rtt, previous);
      if (messages_++ == 0) first_round_trips_.record(rtt);
      if (auto different = verify()) return err(std::move(*different));
      count_answers(1);
      if (run_.failed.load(std::memory_order_relaxed)) break;
    }
    return check_nothing_is_left();
  }

 private:
  [[nodiscard]] std::optional<Error> verify() const {
    if (!run_.options.verify) return std::nullopt;
    const ByteView payload = run_.options.payload;
    return find_mismatch(payload, (messages_ - 1) * payload.size(), ByteView{buffer_}.first(payload.size()));
  }
  Result<void, Error> check_nothing_is_left() {
    const bool left = stream_->receive_if_ready(buffer_).status == net::IoStatus::ok;
    return left ? too_much() : Result<void, Error>{};
  }
  // Who answers before it is asked would have the best round trips of all.
  [[nodiscard]] Result<void, Error> too_much() const {
    return err(Error{fmt::format("{}: the peer sent more than it was sent", net::to_text(run_.options.address)), 0});
  }
  [[nodiscard]] Unexpected<Error> failure(const net::IoResult& result) const {
    return err(Error{fmt::format("{}: message {}: {}", net::to_text(run_.options.address), messages_, describe(result)),
                     result.system_errno});
  }

  std::optional<BlockingStream> stream_;
  std::vector<std::uint8_t> buffer_;
  std::uint64_t messages_ = 0;  // also those of the warm-up
};

}  // namespace

std::unique_ptr<EchoWorker> make_blocking_echo_worker(EchoRun& run) {
  return std::make_unique<BlockingEchoWorker>(run);
}

}  // namespace plait::bench
