// Histogram: latencies from 1 ns to 1 h with three significant digits, in constant memory.
//
// Sorting every sample is exact but costs 8 bytes each and a pass at the end; keeping a reservoir loses the tail, which
// is what one wants to know. So, as in Gil Tene's HdrHistogram: values below 2048 have a cell of their own, and every
// doubling above is cut into 1024 equal cells. A cell is thus at most 1/1024 of its values wide: reading a value back
// is off by less than 0.1 %. 31 doublings reach 1 h; the cells take 261 KiB. Recording is one bit scan, one increment.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace plait::bench {

/// One thread records; merge() joins the threads' histograms afterwards. Values are nanoseconds.
class Histogram {
 public:
  static constexpr std::uint64_t kValueMin = 1;
  static constexpr std::uint64_t kValueMax = 3'600'000'000'000;  ///< 1 h

  Histogram();

  /// Counts `value` `count` times. Outside [kValueMin, kValueMax] it is counted as the nearer of the two.
  void record(std::uint64_t value, std::uint64_t count = 1);
  /// Adds all of `other`.
  void merge(const Histogram& other);

  [[nodiscard]] std::uint64_t count() const { return count_; }
  /// Exact; 0 when empty.
  [[nodiscard]] std::uint64_t min() const { return count_ == 0 ? 0 : min_; }
  [[nodiscard]] std::uint64_t max() const { return max_; }
  /// Exact mean; 0 when empty.
  [[nodiscard]] double mean() const;
  /// Standard deviation of the population, from the middles of the cells.
  [[nodiscard]] double stddev() const;
  /// The smallest recorded value that at least `percentile` % of the values do not exceed (nearest rank), read as the
  /// top of its cell. `percentile` is 0…100; 0 when empty.
  [[nodiscard]] std::uint64_t percentile(double percentile) const;

  /// The distribution in HdrHistogram's text format (columns Value Percentile TotalCount 1/(1-Percentile)), which the
  /// public plotters read. Values are divided by `unit`: 1000 gives microseconds. `ticks` lines per halving of the
  /// rest.
  [[nodiscard]] std::string distribution(double unit, unsigned ticks = 5) const;

 private:
  [[nodiscard]] std::uint64_t value_at_rank(std::uint64_t rank) const;

  std::vector<std::uint64_t> cells_;
  std::uint64_t count_ = 0;
  std::uint64_t min_ = kValueMax;
  std::uint64_t max_ = 0;
  double sum_ = 0;  // exact up to 2^53 ns: 104 days of latency
};

}  // namespace plait::bench
