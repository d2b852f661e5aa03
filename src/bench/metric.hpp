// Metric: what a number of the report is, and how it comes out of a sample.
#pragma once

#include <cstdint>
#include <string_view>

namespace plait::bench {

struct Sample;

enum class Metric : std::uint8_t {
  messages_per_second,  ///< confirmed by the receiver: echoes read, deliveries read, connections opened
  latency_mean_us,
  latency_p50_us,
  latency_p95_us,
  latency_p99_us,
  mebibytes_per_second_one_way,  ///< payload × messages / time / 2^20, one direction
  gibit_per_second,              ///< payload bits, of both directions where both move, / time / 2^30
  gigabit_per_second,            ///< payload bits / time / 10^9
  server_cpu_us_per_message,
  anonymous_bytes_per_connection,
  latency_min_us,
  latency_max_us,
  mebibytes_per_second,             ///< payload of both directions where both move
  client_rss_bytes_per_connection,  ///< the generator's own growth
  loss_percent,                     ///< of the messages sent
  gigabytes_per_second,             ///< payload of one direction / time / 10^9
  server_cpu_seconds_per_gigabyte,
  client_cpu_seconds_per_gigabyte,
  latency_p999_us,
};

struct MetricInfo {
  Metric metric;
  std::string_view name;
  std::string_view unit;
  bool lower_is_better;
  bool is_latency;  ///< 0 is none
  double (*value)(const Sample&);
};
[[nodiscard]] const MetricInfo& info_of(Metric metric);

[[nodiscard]] std::string_view metric_name(Metric metric);
[[nodiscard]] std::string_view metric_unit(Metric metric);
[[nodiscard]] bool lower_is_better(Metric metric);

}  // namespace plait::bench
