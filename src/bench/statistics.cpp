#include "bench/statistics.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace plait::bench {

namespace {

// How many of `count` values lie outside the interval of the median at each end: the most of which so many or fewer
// fall on one side of the true median in at most 2.5 % of all cases, which is a binomial distribution with p = 1/2.
std::size_t outside_interval(std::size_t count) {
  constexpr double kOneSided = 0.025;
  const auto all = static_cast<double>(count);
  const auto probability = [all](double below) {
    return std::exp(std::lgamma(all + 1) - std::lgamma(below + 1) - std::lgamma(all - below + 1) - all * std::log(2.0));
  };
  std::size_t outside = 0;
  for (double sum = probability(0); (sum += probability(static_cast<double>(outside + 1))) <= kOneSided;) ++outside;
  return outside;
}

}  // namespace

Summary summarize(std::span<const double> values) {
  Summary summary;
  if (values.empty()) return summary;
  std::vector<double> sorted(values.begin(), values.end());
  std::sort(sorted.begin(), sorted.end());
  const std::size_t middle = sorted.size() / 2;
  const auto count = static_cast<double>(sorted.size());
  summary.count = sorted.size();
  summary.median = sorted.size() % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
  const std::size_t outside = outside_interval(sorted.size());
  summary.low = sorted[outside];
  summary.high = sorted[sorted.size() - 1 - outside];
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
