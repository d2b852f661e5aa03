#include "server/metrics.hpp"

#include <string>
#include <string_view>
#include <utility>

#include "codec/json_writer.hpp"
#include "hub/counters.hpp"

namespace plait::server {
namespace {

class PrometheusText {
 public:
  void add(std::string_view prefix, std::string_view name, std::string_view help, bool is_gauge,
           const std::string& value, std::string_view status = {}) {
    const std::string full = "plait_" + std::string{prefix} + std::string{name} + (is_gauge ? "" : "_total");
    if (std::exchange(last_, full) != full) {
      text_ += "# HELP " + full + " " + std::string{help} + "\n# TYPE " + full + (is_gauge ? " gauge\n" : " counter\n");
    }
    const std::string label = status.empty() ? "" : "{status=\"" + std::string{status} + "\"}";
    text_ += full + label + " " + value + "\n";
  }

  template <class Metrics, class Stats>
  void add(std::string_view prefix, const Metrics& metrics, const Stats& stats) {
    for (const auto& metric : metrics) {
      add(prefix, metric.name, metric.help, metric.name.ends_with("_open"), std::to_string(stats.*metric.value),
          metric.status);
    }
  }

  std::string take() { return std::move(text_); }

 private:
  std::string text_;
  std::string last_;  // the name of the last metric
};

template <class Metrics, class Stats>
void append_json(codec::JsonWriter& json, const Metrics& metrics, const Stats& stats) {
  json.begin_object();
  for (const auto& metric : metrics) {
    std::string name{metric.name};
    if (!metric.status.empty()) name.append("_").append(metric.status);
    json.member(name, stats.*metric.value);
  }
  json.end_object();
}

}  // namespace

std::string to_prometheus(const Snapshot& snapshot) {
  PrometheusText text;
  text.add("", "uptime_seconds", "Seconds since the server began to listen.", true,
           std::to_string(snapshot.uptime_seconds));
  text.add("", "loops", "Event loops, one thread each.", true, std::to_string(snapshot.loops));
  text.add("", kServerMetrics, snapshot.server);
  text.add("hub_", hub::kMetrics, snapshot.hub);
  return text.take();
}

std::string to_json(const Snapshot& snapshot) {
  std::string text;
  codec::JsonWriter json{text};
  json.begin_object().member("uptime_seconds", snapshot.uptime_seconds).member("loops", snapshot.loops);
  append_json(json.key("server"), kServerMetrics, snapshot.server);
  append_json(json.key("hub"), hub::kMetrics, snapshot.hub);
  json.end_object();
  return text;
}

}  // namespace plait::server
