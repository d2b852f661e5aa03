// What a set of samples says: its median and how well that is known, and paired ratios.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace plait::bench {

struct Summary {
  std::size_t count = 0;
  double median = 0;
  /// Two of the values, between which the true median lies with 95 % or more; with fewer than six values the smallest
  /// and the largest (94 % for five). It assumes nothing of how the values are distributed (order statistics), only
  /// that they are independent.
  double low = 0;
  double high = 0;
  double min = 0;
  double max = 0;
  double mean = 0;
  double stddev = 0;  ///< of the sample (n − 1); 0 for one value
};

/// The median of an even count is the mean of the middle two. No values give an all-zero summary.
[[nodiscard]] Summary summarize(std::span<const double> values);

/// numerator[i] / denominator[i] for each round i that both hold with a denominator above zero. Pairing by round is
/// what cancels the host's drift: both values were measured within a second or two of each other.
[[nodiscard]] std::vector<double> paired_ratios(std::span<const double> numerator, std::span<const double> denominator);

}  // namespace plait::bench
