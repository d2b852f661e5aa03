#include "bench/components/histogram.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <iterator>

#include "core/assert.hpp"

namespace plait::bench {
namespace {

constexpr unsigned kCellBits = 10;  // 1024 cells a doubling: three significant digits
constexpr std::uint64_t kCellsPerDoubling = std::uint64_t{1} << kCellBits;

// A value below 2·1024 is its own cell. Above, `shift` low bits are dropped so that 1024…2047 remain, and the doublings
// follow each other: cell = shift · 1024 + (value >> shift).
constexpr std::size_t cell_of(std::uint64_t value) {
  const auto width = static_cast<unsigned>(std::bit_width(value));
  const unsigned shift = width > kCellBits + 1 ? width - (kCellBits + 1) : 0;
  return shift * kCellsPerDoubling + (value >> shift);
}

constexpr unsigned shift_of(std::size_t cell) {
  return cell < 2 * kCellsPerDoubling ? 0 : static_cast<unsigned>(cell >> kCellBits) - 1;
}

constexpr std::uint64_t lowest_in(std::size_t cell) {
  const unsigned shift = shift_of(cell);
  return (cell - shift * kCellsPerDoubling) << shift;
}

constexpr std::uint64_t highest_in(std::size_t cell) {
  return lowest_in(cell) + (std::uint64_t{1} << shift_of(cell)) - 1;
}

constexpr std::size_t kCells = cell_of(Histogram::kValueMax) + 1;

}  // namespace

Histogram::Histogram() : cells_(kCells) {}

void Histogram::record(std::uint64_t value, std::uint64_t count) {
  if (count == 0) return;
  value = std::clamp(value, kValueMin, kValueMax);
  cells_[cell_of(value)] += count;
  count_ += count;
  min_ = std::min(min_, value);
  max_ = std::max(max_, value);
  sum_ += static_cast<double>(value) * static_cast<double>(count);
}

void Histogram::merge(const Histogram& other) {
  for (std::size_t i = 0; i < kCells; ++i) cells_[i] += other.cells_[i];
  count_ += other.count_;
  min_ = std::min(min_, other.min_);
  max_ = std::max(max_, other.max_);
  sum_ += other.sum_;
}

double Histogram::mean() const { return count_ == 0 ? 0 : sum_ / static_cast<double>(count_); }

double Histogram::stddev() const {
  if (count_ == 0) return 0;
  const double center = mean();
  double squares = 0;
  for (std::size_t i = 0; i < kCells; ++i) {
    if (cells_[i] == 0) continue;
    const double middle = (static_cast<double>(lowest_in(i)) + static_cast<double>(highest_in(i))) / 2;
    squares += (middle - center) * (middle - center) * static_cast<double>(cells_[i]);
  }
  return std::sqrt(squares / static_cast<double>(count_));
}

std::uint64_t Histogram::percentile(double percentile) const {
  PLAIT_ASSERT(percentile >= 0 && percentile <= 100, "a percentile lies between 0 and 100");
  // Without the small term 99.9 % of 1000 would be rank 1000, since 99.9 / 100 · 1000 is 999.0000000000001.
  const double rank = std::ceil(percentile / 100 * static_cast<double>(count_) - 1e-9);
  return value_at_rank(static_cast<std::uint64_t>(std::max(rank, 1.0)));
}

std::uint64_t Histogram::value_at_rank(std::uint64_t rank) const {
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < kCells; ++i) {
    seen += cells_[i];
    if (seen >= rank) return std::min(highest_in(i), max_);
  }
  return max_;
}

std::string Histogram::distribution(double unit, unsigned ticks) const {
  std::string text = "       Value     Percentile TotalCount 1/(1-Percentile)\n\n";
  const auto out = std::back_inserter(text);
  double next = 0;  // the next quantile to print: steps get finer as 1 − quantile halves
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < kCells && seen < count_; ++i) {
    if (cells_[i] == 0) continue;
    seen += cells_[i];
    const double quantile = static_cast<double>(seen) / static_cast<double>(count_);
    if (quantile < next) continue;
    const double value = static_cast<double>(std::min(highest_in(i), max_)) / unit;
    fmt::format_to(out, "{:12.3f} {:14.12f} {:10d}", value, quantile, seen);
    if (seen == count_) break;  // the last line has no fourth column: it would be infinite
    fmt::format_to(out, " {:14.2f}\n", 1 / (1 - quantile));
    const double halvings = std::floor(-std::log2(1 - quantile)) + 1;
    next = std::min(1.0, quantile + 1 / (ticks * std::exp2(halvings)));
  }
  fmt::format_to(out, "\n#[Mean    = {:12.3f}, StdDeviation   = {:12.3f}]\n", mean() / unit, stddev() / unit);
  fmt::format_to(out, "#[Max     = {:12.3f}, Total count    = {:12d}]\n", static_cast<double>(max_) / unit, count_);
  return text;
}

}  // namespace plait::bench
