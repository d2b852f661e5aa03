// What is kept of the round trips of one thread.
#pragma once

#include <plait/limits.hpp>

#include <cstdint>
#include <optional>
#include <vector>

#include "bench/components/histogram.hpp"

namespace plait::bench {

/// The published client's p95 in any unit: the element at index floor(0.95 n) − 1 of the sorted list (the first for
/// n = 1). Reorders `samples`, which must not be empty.
std::uint64_t published_p95(std::vector<std::uint64_t>& samples);

/// Round trips in nanoseconds: all in a histogram, and each by itself while there is room, for the exact p95.
class EchoRecorder {
 public:
  /// The first of a connection has none before it.
  static constexpr std::uint64_t kNoPrevious = ~std::uint64_t{0};

  /// Room for `samples_max` single values, whose pages are touched now rather than while measuring.
  explicit EchoRecorder(std::size_t samples_max);

  /// `previous` is the connection's round trip before this one; becomes this one.
  void record(std::uint64_t rtt, std::uint64_t& previous) {
    histogram_.record(rtt);
    if (sample_count_ < samples_.size()) samples_[sample_count_] = rtt;
    ++sample_count_;
    if (previous != kNoPrevious) {
      difference_sum_ += rtt > previous ? rtt - previous : previous - rtt;
      ++difference_count_;
    }
    previous = rtt;
  }
  void merge(const EchoRecorder& other);

  [[nodiscard]] const Histogram& histogram() const { return histogram_; }
  /// Mean difference between one round trip and the next of the same connection, nanoseconds.
  [[nodiscard]] double jitter() const;
  /// Exact, unless there was no room for every sample: then none.
  [[nodiscard]] std::optional<std::uint64_t> exact_p95() const;

 private:
  Histogram histogram_;
  std::vector<std::uint64_t> samples_;
  std::uint64_t sample_count_ = 0;
  std::uint64_t difference_sum_ = 0;
  std::uint64_t difference_count_ = 0;
};

}  // namespace plait::bench
