#include "bench/sample.hpp"

#include "bench/json_text.hpp"

#include <algorithm>
#include <array>

namespace plait::bench {

namespace {

constexpr double kBusyShare = 0.6;

}  // namespace

double Sample::value(Metric metric) const { return info_of(metric).value(*this); }

bool Sample::has(Metric metric) const {
  if (info_of(metric).is_latency) return value(metric) > 0;
  return messages > 0 || metric != Metric::server_cpu_us_per_message;
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
  sample.late = number("late");
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
  if (sample.late > 0) out.add("late", sample.late);
  if (sample.lost > 0) out.add("lost", sample.lost);
  if (!sample.per_second.empty()) out.add("per_second", array_of(sample.per_second));
  out.add("server_cpu_seconds", sample.server_cpu_seconds);
  out.add("client_cpu_seconds", sample.client_cpu_seconds);
  out.add("other_cpu_seconds", sample.other_cpu_seconds);
  if (!sample.latency_us.is_null()) out.add("latency_us", sample.latency_us);
  if (!sample.memory.is_null()) out.add("memory", sample.memory);
  return out;
}

Limit limit_of(const Sample& sample, const Row& row, Placement placement) {
  if (is_spinning(row)) return Limit::spinning;
  const double busiest = std::max(sample.client_cpu_seconds, sample.server_cpu_seconds);
  if (placement == Placement::one) return Limit::shared;
  if (busiest < kBusyShare * sample.seconds) return Limit::latency;
  return sample.client_cpu_seconds > sample.server_cpu_seconds ? Limit::generator : Limit::server;
}

std::string_view limit_name(Limit limit) {
  constexpr std::array<std::string_view, kLimitCount> kNames = {"latency-bound", "server-bound", "generator-bound",
                                                                "one core shared", "spinning"};
  return kNames[static_cast<std::size_t>(limit)];
}

}  // namespace plait::bench
