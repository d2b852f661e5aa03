#include "server/metrics.hpp"

#include <array>
#include <string>
#include <string_view>
#include <utility>

#include "codec/json_writer.hpp"

namespace plait::server {
namespace {

/// One number of a Stats struct; a name that ends in _open is a gauge, every other only grows.
template <class Stats>
struct Metric {
  std::string_view name;
  std::string_view help;
  std::uint64_t Stats::*value;
  std::string_view status{};  ///< its label, if it has one; neighbours of one name differ in it
};

constexpr std::string_view kOpeningsHelp = "Openings of sessions that were refused, by status.";

constexpr std::array kServerMetrics{
    Metric<ServerStats>{"connections_accepted", "Connections accepted.", &ServerStats::connections_accepted},
    Metric<ServerStats>{"connections_refused", "Connections refused, or closed early, above a limit.",
                        &ServerStats::connections_refused},
    Metric<ServerStats>{"connections_open", "Connections open.", &ServerStats::connections_open},
    Metric<ServerStats>{"sessions_open", "Sessions open.", &ServerStats::sessions_open},
    Metric<ServerStats>{"messages_received", "Messages received.", &ServerStats::messages_received},
    Metric<ServerStats>{"messages_sent", "Messages sent.", &ServerStats::messages_sent},
    Metric<ServerStats>{"bytes_received", "Payload bytes received.", &ServerStats::bytes_received},
    Metric<ServerStats>{"bytes_sent", "Payload bytes sent.", &ServerStats::bytes_sent},
    Metric<ServerStats>{"http_requests", "HTTP requests.", &ServerStats::http_requests},
    Metric<ServerStats>{"quic_resumed", "QUIC handshakes by a session ticket.", &ServerStats::quic_resumed},
    Metric<ServerStats>{"handshakes_failed", "TLS and QUIC handshakes that failed.", &ServerStats::handshakes_failed},
    Metric<ServerStats>{"openings_refused", kOpeningsHelp, &ServerStats::openings_refused_401, "401"},
    Metric<ServerStats>{"openings_refused", kOpeningsHelp, &ServerStats::openings_refused_403, "403"},
    Metric<ServerStats>{"openings_refused", kOpeningsHelp, &ServerStats::openings_refused_404, "404"},
    Metric<ServerStats>{"openings_refused", kOpeningsHelp, &ServerStats::openings_refused_429, "429"},
    Metric<ServerStats>{"openings_refused", kOpeningsHelp, &ServerStats::openings_refused_other, "other"},
};

constexpr std::array kHubMetrics{
    Metric<HubStats>{"connections_open", "Sessions of the hub.", &HubStats::connections_open},
    Metric<HubStats>{"subscriptions_open", "Subscriptions, patterns included.", &HubStats::subscriptions_open},
    Metric<HubStats>{"messages_received", "Messages received.", &HubStats::messages_received},
    Metric<HubStats>{"messages_invalid", "Messages answered with an error.", &HubStats::messages_invalid},
    Metric<HubStats>{"messages_ignored", "Messages of a type that nothing handles.", &HubStats::messages_ignored},
    Metric<HubStats>{"messages_rate_limited", "Messages above the rate limit.", &HubStats::messages_rate_limited},
    Metric<HubStats>{"publications", "Publications that got a position.", &HubStats::publications},
    Metric<HubStats>{"publications_refused", "Publications answered with an error.", &HubStats::publications_refused},
    Metric<HubStats>{"deliveries", "Publications handed to sessions.", &HubStats::deliveries},
    Metric<HubStats>{"missed_by_sessions", "Publications that slow sessions missed.", &HubStats::missed_by_sessions},
    Metric<HubStats>{"missed_by_loops", "Publications that busy loops missed.", &HubStats::missed_by_loops},
};

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

  template <class Stats, std::size_t Count>
  void add(std::string_view prefix, const std::array<Metric<Stats>, Count>& metrics, const Stats& stats) {
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

template <class Stats, std::size_t Count>
void append_json(codec::JsonWriter& json, const std::array<Metric<Stats>, Count>& metrics, const Stats& stats) {
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
  text.add("hub_", kHubMetrics, snapshot.hub);
  return text.take();
}

std::string to_json(const Snapshot& snapshot) {
  std::string text;
  codec::JsonWriter json{text};
  json.begin_object().member("uptime_seconds", snapshot.uptime_seconds).member("loops", snapshot.loops);
  append_json(json.key("server"), kServerMetrics, snapshot.server);
  append_json(json.key("hub"), kHubMetrics, snapshot.hub);
  json.end_object();
  return text;
}

}  // namespace plait::server
