// Sample: what one run of the generator measured.
#pragma once

#include "bench/suite.hpp"

#include <plait/value.hpp>

#include <string>
#include <vector>

namespace plait::bench {

struct Sample {
  double seconds = 0;
  double messages = 0;
  double payload_bytes = 0;
  double late = 0;                 ///< messages of the window that were answered behind it
  double lost = 0;                 ///< messages of the window that never came
  std::vector<double> per_second;  ///< messages/s of each second of the window; empty when only their sum is known
  double server_cpu_seconds = 0;
  double client_cpu_seconds = 0;
  double other_cpu_seconds = 0;  ///< what all CPUs did beside those two
  Value latency_us;              ///< min, mean, p50, p90, p95, p99, p999, max; null when none was recorded
  Value memory;                  ///< bytes per connection: rss, pss, anonymous; null but in idle mode

  /// CPUs' worth of work by anybody else (limits: a fifth of a core moves a rate by 10 %).
  [[nodiscard]] double noise_cores() const { return seconds > 0 ? other_cpu_seconds / seconds : 0; }
  /// Messages of the window, whatever became of them: what `lost` is a part of.
  [[nodiscard]] double sent() const { return messages + late + lost; }
  /// Nothing came of it: no message, and no word of one that was late or lost.
  [[nodiscard]] bool is_empty() const { return sent() == 0 && !has(Metric::latency_max_us); }
  [[nodiscard]] double value(Metric metric) const;
  /// False for a latency when none was recorded, and for the CPU of a message when there was none: 0 µs would be the
  /// best there is.
  [[nodiscard]] bool has(Metric metric) const;
};

/// The generator's report; the error is its own sentence, or says that it is no report.
[[nodiscard]] Result<Sample, Error> parse_sample(std::string_view report);
[[nodiscard]] Value to_json(const Sample& sample);

/// Which of the two processes was the fuller one, in the words of the report.
enum class Limit : std::uint8_t {
  latency,    ///< neither was busy for 60 % of the window: they waited for each other
  server,     ///< the server's CPU
  generator,  ///< the generator's: the server could do more; judge it by its CPU per message
  shared,     ///< they shared one CPU
  spinning,   ///< a process polled without waiting: how busy it was says nothing
};
inline constexpr std::size_t kLimitCount = 5;
[[nodiscard]] Limit limit_of(const Sample& sample, const Row& row, Placement placement);
[[nodiscard]] std::string_view limit_name(Limit limit);

}  // namespace plait::bench
