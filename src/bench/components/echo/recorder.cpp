#include "bench/components/echo/recorder.hpp"

#include <algorithm>

#include "core/assert.hpp"

namespace plait::bench {

std::uint64_t published_p95(std::vector<std::uint64_t>& samples) {
  PLAIT_ASSERT(!samples.empty(), "no samples have no percentile");
  const std::size_t rank = samples.size() * 95 / 100;
  const auto element = samples.begin() + static_cast<std::ptrdiff_t>(rank == 0 ? 0 : rank - 1);
  std::nth_element(samples.begin(), element, samples.end());
  return *element;
}

EchoRecorder::EchoRecorder(std::size_t samples_max) : samples_(samples_max) {}

void EchoRecorder::merge(const EchoRecorder& other) {
  histogram_.merge(other.histogram_);
  const std::uint64_t mine = std::min<std::uint64_t>(sample_count_, samples_.size());
  const std::uint64_t theirs = std::min<std::uint64_t>(other.sample_count_, other.samples_.size());
  const bool all_kept = mine == sample_count_ && theirs == other.sample_count_;
  samples_.resize(mine);
  samples_.insert(samples_.end(), other.samples_.begin(), other.samples_.begin() + static_cast<std::ptrdiff_t>(theirs));
  sample_count_ = all_kept ? samples_.size() : sample_count_ + other.sample_count_;
  difference_sum_ += other.difference_sum_;
  difference_count_ += other.difference_count_;
}

double EchoRecorder::jitter() const {
  return difference_count_ == 0 ? 0 : static_cast<double>(difference_sum_) / static_cast<double>(difference_count_);
}

std::optional<std::uint64_t> EchoRecorder::exact_p95() const {
  if (sample_count_ == 0 || sample_count_ > samples_.size()) return std::nullopt;
  std::vector<std::uint64_t> samples{samples_.begin(), samples_.begin() + static_cast<std::ptrdiff_t>(sample_count_)};
  return published_p95(samples);
}

}  // namespace plait::bench
