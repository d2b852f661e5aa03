// Meter: the measuring window of one run, and the report about it.
#pragma once

#include "bench/accounting.hpp"
#include "bench/components/generator/plan.hpp"
#include "bench/components/histogram.hpp"

#include <plait/value.hpp>

#include <cstdint>
#include <vector>

namespace plait::bench {

/// Counts only between begin() and end(); confirmations in the warm-up are dropped, and so are latencies. In a drain
/// both are of messages of the window: late, so in no rate, but not lost. Times are now_ns().
class Meter {
 public:
  explicit Meter(const Plan& plan);

  void begin(std::uint64_t now);
  void end(std::uint64_t now);
  /// After end(): what follows is told of messages of the window only, of which covers() holds.
  void begin_drain() { draining_ = true; }
  [[nodiscard]] bool is_measuring() const { return measuring_; }
  /// Whether a message that was sent or due at `time` is one of the window's.
  [[nodiscard]] bool covers(std::uint64_t time) const {
    return (measuring_ && time >= begin_) || (draining_ && time >= begin_ && time <= end_);
  }

  /// `messages` that a receiver has, `bytes` of payload in them.
  void confirm(std::uint64_t messages, std::uint64_t bytes) {
    if (draining_) late_ += messages;
    if (!measuring_) return;
    messages_ += messages;
    bytes_ += bytes;
  }
  /// As confirm(), of the whole window: nobody knows in which of its seconds they came, so there are no rates of them.
  void confirm_whole(std::uint64_t messages, std::uint64_t bytes) {
    confirm(messages, bytes);
    has_rates_ = false;
  }
  /// `messages` that were sent and never came.
  void lose(std::uint64_t messages) {
    if (measuring_ || draining_) lost_ += messages;
  }
  void record_latency(std::uint64_t nanoseconds, std::uint64_t count) {
    if (measuring_ || draining_) latency_.record(nanoseconds, count);
  }
  /// Closes per-second slots as time passes; call about once an event.
  void tick(std::uint64_t now) {
    if (measuring_ && now >= slot_end_) close_slot(now);
  }
  [[nodiscard]] std::uint64_t messages() const { return messages_; }

  /// Memory of the server as it is now.
  [[nodiscard]] MemoryUse server_memory() const { return server_.memory(); }
  /// The fields that every mode reports; modes add their own. Latencies and rates that were not measured are left out.
  [[nodiscard]] Value report() const;

 private:
  struct Clocks {
    double server_cpu = 0;
    double own_cpu = 0;
    double machine_idle = 0;
  };
  [[nodiscard]] Clocks read_clocks() const;
  void close_slot(std::uint64_t now);

  ProcessTree server_;
  bool has_server_;
  bool measuring_ = false;
  bool draining_ = false;
  bool has_rates_ = true;
  std::uint64_t begin_ = 0;
  std::uint64_t end_ = 0;
  std::uint64_t messages_ = 0;
  std::uint64_t bytes_ = 0;
  std::uint64_t late_ = 0;
  std::uint64_t lost_ = 0;
  std::uint64_t slot_end_ = 0;
  std::uint64_t slot_begin_ = 0;
  std::uint64_t slot_messages_ = 0;
  std::vector<double> per_second_;
  Clocks at_begin_;
  Clocks at_end_;
  Histogram latency_;
};

}  // namespace plait::bench
