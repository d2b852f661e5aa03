// The echo client that measures: closed loop (a message leaves when an answer has come) or open loop (messages leave by
// the clock). One thread with one connection and one message in flight is a bare blocking send and receive, as the
// published client; everything else runs on loops.
#pragma once

#include <plait/limits.hpp>
#include <plait/result.hpp>

#include <cstdint>
#include <functional>
#include <vector>

#include "bench/components/cpu.hpp"
#include "bench/components/echo/recorder.hpp"
#include "bench/components/echo/socket.hpp"

namespace plait::bench {

struct EchoBenchOptions {
  net::Address address{.host = "127.0.0.1", .port = 5050, .unix_path = {}};
  BlockingOptions connect;
  std::vector<std::uint8_t> payload;
  /// Messages of each connection; ignored when `duration` is set.
  std::uint64_t repeat = 1000;
  /// How long messages are sent; zero: `repeat` decides.
  Duration duration{0};
  /// Messages of each connection before the measured ones.
  std::uint64_t warmup = 0;
  unsigned threads = 1;
  /// Over all threads; at least one each.
  unsigned connections = 1;
  /// Messages in flight on each connection; 0: no bound, only with `rate`.
  unsigned depth = 1;
  /// Open loop: messages a second over all connections; 0: closed loop. A latency is then counted from the moment at
  /// which the message should have left, so that a stall is seen by every message that it delays.
  double rate = 0;
  /// Compare every byte with what was sent.
  bool verify = false;
  /// CPUs for the threads, in turn; empty: not pinned.
  std::vector<int> cpus;
  /// Called now and then on the calling thread: messages answered so far and time since the start.
  std::function<void(std::uint64_t, Duration)> on_progress;

  [[nodiscard]] bool on_loops() const { return connections > threads || depth != 1 || rate > 0; }
};

struct EchoBenchResult {
  std::uint64_t messages = 0;       ///< answered completely
  std::uint64_t payload_bytes = 0;  ///< of all messages, one way
  Duration wall{0};                 ///< from the first thread's start to the last one's end
  Duration rated_over{0};           ///< what rates are over: `wall`, in an open loop at least its messages' intervals
  EchoRecorder round_trips{0};
  Histogram first_round_trips;  ///< the very first message of each connection
  CpuUsage cpu;                 ///< of this side's threads, while measuring
};

/// Connects, warms up, measures, closes. Errors: options that cannot go together, a peer that cannot be reached, ends,
/// does not answer, or (with `verify`) answers other bytes; the message names which, and where.
Result<EchoBenchResult, Error> run_echo_bench(const EchoBenchOptions& options);

}  // namespace plait::bench
