#include "bench/metric.hpp"

#include "bench/sample.hpp"

#include <array>
#include <cstddef>

namespace plait::bench {

namespace {

constexpr double kBitsPerByte = 8;
constexpr double kGigabyte = 1e9;

double bytes_per_second(const Sample& sample) { return sample.seconds > 0 ? sample.payload_bytes / sample.seconds : 0; }

double mebibytes_per_second(const Sample& sample) { return bytes_per_second(sample) / (1 << 20); }

double cpu_per_gigabyte(const Sample& sample, double cpu_seconds) {
  return sample.payload_bytes > 0 ? cpu_seconds * kGigabyte / sample.payload_bytes : 0;
}

double field(const Value& object, std::string_view name) { return object.find(name).as_double().value_or(0); }

double loss_percent(const Sample& sample) { return sample.sent() > 0 ? sample.lost * 100 / sample.sent() : 0; }

using S = const Sample&;
constexpr bool kLower = true;
constexpr bool kHigher = false;
constexpr bool kTime = true;
constexpr bool kOther = false;

constexpr auto kMetrics = std::to_array<MetricInfo>({
    {Metric::messages_per_second, "rate", "messages/s", kHigher, kOther,
     [](S s) { return s.seconds > 0 ? s.messages / s.seconds : 0; }},
    {Metric::latency_mean_us, "mean", "µs", kLower, kTime, [](S s) { return field(s.latency_us, "mean"); }},
    {Metric::latency_p50_us, "p50", "µs", kLower, kTime, [](S s) { return field(s.latency_us, "p50"); }},
    {Metric::latency_p95_us, "p95", "µs", kLower, kTime, [](S s) { return field(s.latency_us, "p95"); }},
    {Metric::latency_p99_us, "p99", "µs", kLower, kTime, [](S s) { return field(s.latency_us, "p99"); }},
    {Metric::mebibytes_per_second_one_way, "one way", "MiB/s", kHigher, kOther, mebibytes_per_second},
    {Metric::gibit_per_second, "payload", "Gibit/s", kHigher, kOther,
     [](S s) { return bytes_per_second(s) * kBitsPerByte / (1 << 30); }},
    {Metric::gigabit_per_second, "payload", "Gbit/s", kHigher, kOther,
     [](S s) { return bytes_per_second(s) * kBitsPerByte / 1e9; }},
    {Metric::server_cpu_us_per_message, "server CPU", "µs/message", kLower, kOther,
     [](S s) { return s.messages > 0 ? s.server_cpu_seconds * 1e6 / s.messages : 0; }},
    {Metric::anonymous_bytes_per_connection, "server memory", "B/connection", kLower, kOther,
     [](S s) { return field(s.memory, "anonymous_bytes_per_connection"); }},
    {Metric::latency_min_us, "min", "µs", kLower, kTime, [](S s) { return field(s.latency_us, "min"); }},
    {Metric::latency_max_us, "max", "µs", kLower, kTime, [](S s) { return field(s.latency_us, "max"); }},
    {Metric::mebibytes_per_second, "payload", "MiB/s", kHigher, kOther, mebibytes_per_second},
    {Metric::client_rss_bytes_per_connection, "client memory", "B/connection", kLower, kOther,
     [](S s) { return field(s.memory, "client_rss_bytes_per_connection"); }},
    {Metric::loss_percent, "lost", "%", kLower, kOther, loss_percent},
    {Metric::gigabytes_per_second, "payload", "GB/s", kHigher, kOther,
     [](S s) { return bytes_per_second(s) / kGigabyte; }},
    {Metric::server_cpu_seconds_per_gigabyte, "server CPU", "s/GB", kLower, kOther,
     [](S s) { return cpu_per_gigabyte(s, s.server_cpu_seconds); }},
    {Metric::client_cpu_seconds_per_gigabyte, "client CPU", "s/GB", kLower, kOther,
     [](S s) { return cpu_per_gigabyte(s, s.client_cpu_seconds); }},
    {Metric::latency_p999_us, "p99.9", "µs", kLower, kTime, [](S s) { return field(s.latency_us, "p999"); }},
});

constexpr bool is_in_order() {
  for (std::size_t i = 0; i < kMetrics.size(); ++i) {
    if (static_cast<std::size_t>(kMetrics[i].metric) != i) return false;
  }
  return kMetrics.back().metric == Metric::latency_p999_us;
}
static_assert(is_in_order(), "info_of() finds a metric by its number");

}  // namespace

const MetricInfo& info_of(Metric metric) { return kMetrics[static_cast<std::size_t>(metric)]; }

std::string_view metric_name(Metric metric) { return info_of(metric).name; }
std::string_view metric_unit(Metric metric) { return info_of(metric).unit; }
bool lower_is_better(Metric metric) { return info_of(metric).lower_is_better; }

}  // namespace plait::bench
