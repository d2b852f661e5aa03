// Counter and Metric: what each loop counts, and how that becomes one number of all loops.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <string_view>

namespace plait::core {

/// Written by one thread, read by any.
class Counter {
 public:
  void add(std::uint64_t count = 1) { set(get() + count); }
  void subtract(std::uint64_t count = 1) { set(get() - count); }
  void set(std::uint64_t value) { value_.store(value, std::memory_order_relaxed); }
  [[nodiscard]] std::uint64_t get() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

/// One number of a Stats struct; a name that ends in _open is a gauge, every other only grows.
template <class Stats, class Counters>
struct Metric {
  std::string_view name;
  std::string_view help;
  Counter Counters::*counter;
  std::uint64_t Stats::*value;
  std::string_view status{};  ///< its label, if it has one; neighbours of one name differ in it
};

template <class Stats, class Counters, std::size_t Count>
void add_to(Stats& sum, const Counters& counters, const std::array<Metric<Stats, Counters>, Count>& metrics) {
  for (const auto& metric : metrics) sum.*metric.value += (counters.*metric.counter).get();
}

}  // namespace plait::core
