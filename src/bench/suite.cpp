#include "bench/suite.hpp"

#include <array>

namespace plait::bench {

namespace {

struct MetricText {
  std::string_view name;
  std::string_view unit;
  bool lower_is_better;
};

constexpr std::array<MetricText, 18> kMetrics = {{
    {"rate", "messages/s", false},
    {"mean", "µs", true},
    {"p50", "µs", true},
    {"p95", "µs", true},
    {"p99", "µs", true},
    {"one way", "MiB/s", false},
    {"payload", "Gibit/s", false},
    {"payload", "Gbit/s", false},
    {"server CPU", "µs/message", true},
    {"server memory", "B/connection", true},
    {"min", "µs", true},
    {"max", "µs", true},
    {"payload", "MiB/s", false},
    {"client memory", "B/connection", true},
    {"lost", "%", true},
    {"payload", "GB/s", false},
    {"server CPU", "s/GB", true},
    {"client CPU", "s/GB", true},
}};

const MetricText& text_of(Metric metric) { return kMetrics[static_cast<std::size_t>(metric)]; }

}  // namespace

std::string_view metric_name(Metric metric) { return text_of(metric).name; }
std::string_view metric_unit(Metric metric) { return text_of(metric).unit; }
bool lower_is_better(Metric metric) { return text_of(metric).lower_is_better; }

std::string_view placement_name(Placement placement) {
  constexpr std::array<std::string_view, 3> kNames = {"free", "one core", "two cores"};
  return kNames[static_cast<std::size_t>(placement)];
}

std::vector<Suite> all_suites() { return {tcp_echo_suite(), websocket_suite(), webtransport_suite()}; }

}  // namespace plait::bench
