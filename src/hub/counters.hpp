// Counters of one loop: written by its thread only, read by any.
#pragma once

#include <atomic>
#include <cstdint>

namespace plait::hub {

class Counter {
 public:
  void add(std::uint64_t count = 1) { set(get() + count); }
  void subtract(std::uint64_t count = 1) { set(get() - count); }
  void set(std::uint64_t value) { value_.store(value, std::memory_order_relaxed); }
  [[nodiscard]] std::uint64_t get() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

/// Meanings: plait::HubStats.
struct Counters {
  Counter connections_open, subscriptions_open;
  Counter messages_received, messages_invalid, messages_ignored, messages_rate_limited;
  Counter publications, publications_refused;
  Counter deliveries, missed_by_sessions, missed_by_loops;
};

}  // namespace plait::hub
