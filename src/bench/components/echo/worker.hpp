// EchoWorker: the connections of one thread of the echo bench, in its two kinds.
#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <optional>

#include "bench/components/echo/bench.hpp"

namespace plait::bench {

using EchoTime = std::chrono::steady_clock::time_point;

/// How much one phase (warm-up or measurement) sends.
struct EchoPhase {
  // Closed loop:
  std::uint64_t messages_max = 0;       ///< of each connection
  EchoTime deadline = EchoTime::max();  ///< no message leaves after this
  // Open loop:
  double rate = 0;          ///< messages a second of this worker's connections together; 0: closed loop
  std::uint64_t turns = 0;  ///< messages of this worker's connections together
  Duration offset{0};       ///< the first one leaves this long after the start
};

/// What the threads of one run share.
struct EchoRun {
  explicit EchoRun(const EchoBenchOptions& chosen) : options(chosen) {}
  const EchoBenchOptions& options;
  std::atomic<bool> failed{false};  ///< somebody has; the others end early
};

class EchoWorker {
 public:
  explicit EchoWorker(EchoRun& run) : run_(run) {}
  virtual ~EchoWorker() = default;

  /// Opens `count` connections.
  virtual Result<void, Error> connect(unsigned count) = 0;
  /// Sends and receives everything of `phase`; returns when all answers are in.
  virtual Result<void, Error> perform(const EchoPhase& phase, EchoRecorder& recorder) = 0;

  /// From any thread.
  [[nodiscard]] std::uint64_t answered() const { return answered_.load(std::memory_order_relaxed); }
  [[nodiscard]] const Histogram& first_round_trips() const { return first_round_trips_; }

 protected:
  void count_answers(std::uint64_t count) {
    answered_.store(answered_.load(std::memory_order_relaxed) + count, std::memory_order_relaxed);
  }

  EchoRun& run_;
  Histogram first_round_trips_;

 private:
  alignas(64) std::atomic<std::uint64_t> answered_{0};  // written by this worker's thread only
};

/// One connection, one message in flight, calls that block.
std::unique_ptr<EchoWorker> make_blocking_echo_worker(EchoRun& run);
/// Any number of connections and messages in flight, on a loop.
std::unique_ptr<EchoWorker> make_loop_echo_worker(EchoRun& run);

/// Where `received`, bytes from `stream_offset` of what a connection echoes, differs from the payload sent again and
/// again: an error that names message and byte; none if it does not.
std::optional<Error> find_mismatch(ByteView payload, std::uint64_t stream_offset, ByteView received);

}  // namespace plait::bench
