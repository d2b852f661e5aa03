#include "bench/sample.hpp"

#include "bench/json_text.hpp"

#include <algorithm>
#include <array>

namespace plait::bench {

namespace {

constexpr double kBusyShare = 0.6;
constexpr double kBitsPerByte = 8;
constexpr double kGigabyte = 1e9;

}  // namespace

double Sample::value(Metric metric) const {
  const double bytes_per_second = seconds > 0 ? payload_bytes / seconds : 0;
  switch (metric) {
    case Metric::messages_per_second:
      return seconds > 0 ? messages / seconds : 0;
    case Metric::latency_mean_us:
      return latency_us.find("mean").as_double().value_or(0);
    case Metric::latency_min_us:
      return latency_us.find("min").as_double().value_or(0);
    case Metric::latency_max_us:
      return latency_us.find("max").as_double().value_or(0);
    case Metric::latency_p50_us:
      return latency_us.find("p50").as_double().value_or(0);
    case Metric::latency_p95_us:
      return latency_us.find("p95").as_double().value_or(0);
    case Metric::latency_p99_us:
      return latency_us.find("p99").as_double().value_or(0);
    case Metric::latency_p999_us:
      return latency_us.find("p999").as_double().value_or(0);
    case Metric::mebibytes_per_second_one_way:
    case Metric::mebibytes_per_second:
      return bytes_per_second / (1 << 20);
    case Metric::gibit_per_second:
      return bytes_per_second * kBitsPerByte / (1 << 30);
    case Metric::gigabit_per_second:
      return bytes_per_second * kBitsPerByte / 1e9;
    case Metric::gigabytes_per_second:
      return bytes_per_second / kGigabyte;
    case Metric::server_cpu_seconds_per_gigabyte:
      return payload_bytes > 0 ? server_cpu_seconds * kGigabyte / payload_bytes : 0;
    case Metric::client_cpu_seconds_per_gigabyte:
      return payload_bytes > 0 ? client_cpu_seconds * kGigabyte / payload_bytes : 0;
    case Metric::server_cpu_us_per_message:
      return messages > 0 ? server_cpu_seconds * 1e6 / messages : 0;
    case Metric::anonymous_bytes_per_connection:
      return memory.find("anonymous_bytes_per_connection").as_double().value_or(0);
    case Metric::client_rss_bytes_per_connection:
      return memory.find("client_rss_bytes_per_connection").as_double().value_or(0);
    case Metric::loss_percent:
      return messages + lost > 0 ? lost * 100 / (messages + lost) : 0;
  }
  return 0;
}

bool Sample::has(Metric metric) const {
  switch (metric) {
    case Metric::latency_mean_us:
    case Metric::latency_min_us:
    case Metric::latency_max_us:
    case Metric::latency_p50_us:
    case Metric::latency_p95_us:
    case Metric::latency_p99_us:
    case Metric::latency_p999_us:
      return value(metric) > 0;
    default:
      return true;
  }
}

Result<Sample, Error> parse_sample(std::string_view report) {
  const auto json = decode(Format::json, as_bytes(report));
  if (!json)
    return err(Error{"the generator reported nothing that can be read: " + std::string{describe(json.error())}});
  if (!json->find("ok").as_bool().value_or(false)) {
    const std::string* reason = json->find("error").as_string();
    return err(Error{reason == nullptr ? "the generator gave no reason" : *reason});
  }
  const auto number = [&](std::string_view name) { return json->find(name).as_double().value_or(0); };
  Sample sample;
  sample.seconds = number("seconds");
  sample.messages = number("messages");
  sample.payload_bytes = number("payload_bytes");
  sample.lost = number("lost");
  sample.per_second = numbers_of(json->find("per_second"));
  sample.server_cpu_seconds = number("server_cpu_seconds");
  sample.client_cpu_seconds = number("client_cpu_seconds");
  sample.other_cpu_seconds = number("other_cpu_seconds");
  sample.latency_us = json->find("latency_us");
  sample.memory = json->find("memory");
  return sample;
}

Value to_json(const Sample& sample) {
  Value out;
  out.add("seconds", sample.seconds);
  out.add("messages", sample.messages);
  out.add("payload_bytes", sample.payload_bytes);
  if (sample.lost > 0) out.add("lost", sample.lost);
  if (!sample.per_second.empty()) out.add("per_second", array_of(sample.per_second));
  out.add("server_cpu_seconds", sample.server_cpu_seconds);
  out.add("client_cpu_seconds", sample.client_cpu_seconds);
  out.add("other_cpu_seconds", sample.other_cpu_seconds);
  if (!sample.latency_us.is_null()) out.add("latency_us", sample.latency_us);
  if (!sample.memory.is_null()) out.add("memory", sample.memory);
  return out;
}

Limit limit_of(const Sample& sample, Placement placement) {
  const double busiest = std::max(sample.client_cpu_seconds, sample.server_cpu_seconds);
  if (placement == Placement::one) return Limit::shared;
  if (busiest < kBusyShare * sample.seconds) return Limit::latency;
  return sample.client_cpu_seconds > sample.server_cpu_seconds ? Limit::generator : Limit::server;
}

std::string_view limit_name(Limit limit) {
  constexpr std::array<std::string_view, 4> kNames = {"latency-bound", "server-bound", "generator-bound",
                                                      "one core shared"};
  return kNames[static_cast<std::size_t>(limit)];
}

}  // namespace plait::bench
