#include "bench/statistics.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace plait::bench {

Summary summarize(std::span<const double> values) {
  Summary summary;
  if (values.empty()) return summary;
  std::vector<double> sorted(values.begin(), values.end());
  std::sort(sorted.begin(), sorted.end());
  const std::size_t middle = sorted.size() / 2;
  const auto count = static_cast<double>(sorted.size());
  summary.count = sorted.size();
  summary.median = sorted.size() % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
  summary.min = sorted.front();
  summary.max = sorted.back();
  summary.mean = std::accumulate(sorted.begin(), sorted.end(), 0.0) / count;
  double squares = 0;
  for (const double value : sorted) squares += (value - summary.mean) * (value - summary.mean);
  summary.stddev = sorted.size() < 2 ? 0 : std::sqrt(squares / (count - 1));
  return summary;
}

std::vector<double> paired_ratios(std::span<const double> numerator, std::span<const double> denominator) {
  std::vector<double> ratios;
  for (std::size_t i = 0; i < std::min(numerator.size(), denominator.size()); ++i) {
    if (denominator[i] > 0 && numerator[i] > 0) ratios.push_back(numerator[i] / denominator[i]);
  }
  return ratios;
}

}  // namespace plait::bench
