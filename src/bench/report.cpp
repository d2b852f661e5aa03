#include "bench/report.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <array>

namespace plait::bench {

namespace {

std::vector<double> values_of(const ServerResult& result, Metric metric) {
  std::vector<double> values;
  for (const Sample& sample : result.samples) values.push_back(sample.value(metric));
  return values;
}

std::string median_text(const Summary& summary) { return summary.count == 0 ? "–" : human(summary.median); }

std::string ratios_text(const Summary& summary) {
  if (summary.count == 0) return "–";
  return fmt::format("{} [{}–{}]", ratio_text(summary.median), ratio_text(summary.low), ratio_text(summary.high));
}

Summary client_cpu_us(const ServerResult& result) {
  std::vector<double> values;
  for (const Sample& sample : result.samples) {
    if (sample.messages > 0) values.push_back(sample.client_cpu_seconds * 1e6 / sample.messages);
  }
  return summarize(values);
}

bool is_bulk(Metric headline_metric) { return headline_metric == Metric::gigabytes_per_second; }

/// The server's and the client's: µs a message, or seconds a gigabyte where there is one message.
std::array<Summary, 2> cpu_of_both(const ServerResult& result, Metric headline_metric) {
  if (is_bulk(headline_metric)) {
    return {summarize_metric(result, Metric::server_cpu_seconds_per_gigabyte),
            summarize_metric(result, Metric::client_cpu_seconds_per_gigabyte)};
  }
  return {summarize_metric(result, Metric::server_cpu_us_per_message), client_cpu_us(result)};
}

/// What held in most samples.
std::string limit_text(const CaseResult& result, const ServerResult& server) {
  std::array<std::size_t, kLimitCount> votes{};
  for (const Sample& sample : server.samples) {
    ++votes[static_cast<std::size_t>(limit_of(sample, result.row, result.placement))];
  }
  const auto most = std::max_element(votes.begin(), votes.end()) - votes.begin();
  return std::string{limit_name(static_cast<Limit>(most))};
}

std::string noise_text(const ServerResult& result) {
  if (result.repeated == 0 && result.noisy == 0) return "";
  return fmt::format("{} retaken, {} noisy", result.repeated, result.noisy);
}

/// Of what has no answer, and so no latency, or that of the time until it was given up; empty when there is nothing to
/// say. What one-way datagrams are about is how many come.
std::string loss_text(const CaseResult& result, const ServerResult& server) {
  double lost = 0;
  double sent = 0;
  for (const Sample& sample : server.samples) {
    lost += sample.lost;
    sent += sample.sent();
  }
  if (result.row.plan.mode == LoadMode::datagram || lost == 0) return "";
  return fmt::format("{} lost {:.0f} messages ({:.3g} %)", server.server, lost, lost * 100 / sent);
}

std::string one_line(std::string text) {
  std::replace(text.begin(), text.end(), '\n', ' ');
  return text;
}

/// Of bulk rows, which it decides.
std::string congestion_text(const CaseResult& result) {
  std::string text = "congestion control: ";
  const char* separator = "";
  for (const ServerResult& server : result.servers) {
    const std::string& name = server.congestion_control;
    text += fmt::format("{}{} {}", separator, server.server, name.empty() ? "not known" : name);
    separator = ", ";
  }
  return text;
}

/// The columns between the headline and the CPU: what the headline does not already say.
std::vector<Metric> side_metrics(Metric headline_metric) {
  std::vector<Metric> metrics = {Metric::messages_per_second, Metric::latency_p50_us, Metric::latency_p99_us};
  std::erase(metrics, headline_metric);
  if (headline_metric == Metric::anonymous_bytes_per_connection) metrics.resize(1);
  if (is_bulk(headline_metric)) return {};  // there is one message
  return metrics;
}

std::string column_name(Metric metric) { return fmt::format("{} {}", metric_name(metric), metric_unit(metric)); }

std::vector<std::string> server_cells(const CaseResult& result, const ServerResult& server,
                                      const std::string& baseline) {
  const Metric metric = headline(result);
  const Summary summary = summarize_metric(server, metric);
  const auto ratio = [&](Metric of) {
    return server.server == baseline ? "" : ratios_text(paired_ratio(result, baseline, server.server, of));
  };
  std::vector<std::string> cells = {server.server, range_text(summary),
                                    summary.count == 0 ? "–" : human(summary.stddev)};
  for (const Metric side : side_metrics(metric)) cells.push_back(median_text(summarize_metric(server, side)));
  for (const Summary& one : cpu_of_both(server, metric)) cells.push_back(median_text(one));
  cells.push_back(limit_text(result, server));
  cells.push_back(ratio(metric));
  const Metric cpu = Metric::server_cpu_us_per_message;
  const bool spins = is_spinning(result.row) && server.server != baseline;
  cells.push_back(metric == cpu ? "" : spins ? "–" : ratio(cpu));
  cells.push_back(noise_text(server));
  return cells;
}

}  // namespace

const ServerResult* find_server(const CaseResult& result, const std::string& name) {
  const auto found = std::find_if(result.servers.begin(), result.servers.end(),
                                  [&](const ServerResult& server) { return server.server == name; });
  return found == result.servers.end() ? nullptr : &*found;
}

std::string ratio_text(double ratio) {
  constexpr double kSmall = 0.1;
  if (ratio < kSmall) return human(ratio);
  const bool is_near_one = ratio > 0.9 && ratio < 1.1;
  return fmt::format("{:.{}f}", ratio, is_near_one ? 3 : 2);
}

std::string range_text(const Summary& summary) {
  return human_range(summary.median, summary.low, summary.high, summary.count);
}

Summary summarize_metric(const ServerResult& result, Metric metric) {
  std::vector<double> values;
  for (const Sample& sample : result.samples) {
    if (sample.has(metric)) values.push_back(sample.value(metric));
  }
  return summarize(values);
}

Summary paired_ratio(const CaseResult& result, const std::string& baseline, const std::string& other, Metric metric) {
  const ServerResult* numerator = find_server(result, baseline);
  const ServerResult* denominator = find_server(result, other);
  if (numerator == nullptr || denominator == nullptr) return {};
  return summarize(paired_ratios(values_of(*numerator, metric), values_of(*denominator, metric)));
}

Metric headline(const CaseResult& result) {
  return result.row.claims.empty() ? Metric::messages_per_second : result.row.claims.front().metric;
}

std::string baseline_of(const CaseResult& result, const std::string& wanted) {
  const ServerResult* named = find_server(result, wanted);
  if (named != nullptr && !named->samples.empty()) return wanted;
  const auto measured = std::find_if(result.servers.begin(), result.servers.end(),
                                     [](const ServerResult& server) { return !server.samples.empty(); });
  return measured == result.servers.end() ? wanted : measured->server;
}

std::vector<std::string> remarks(const CaseResult& result) {
  std::vector<std::string> out;
  if (result.row.plan.mode == LoadMode::bulk) out.push_back(congestion_text(result));
  for (const ServerResult& server : result.servers) {
    if (const std::string loss = loss_text(result, server); !loss.empty()) out.push_back(loss);
    if (!server.retake_error.empty()) {
      out.push_back(one_line(fmt::format("{} failed in an extra sample: {}", server.server, server.retake_error)));
    }
    if (server.error.empty()) continue;
    out.push_back(
        one_line(fmt::format("{} failed after {} samples: {}", server.server, server.samples.size(), server.error)));
  }
  return out;
}

std::string case_name(const CaseResult& result) {
  return fmt::format("{} · {}", result.row.id, placement_name(result.placement));
}

Table servers_table(const CaseResult& result, const std::string& wanted_baseline) {
  const std::string baseline = baseline_of(result, wanted_baseline);
  const Metric metric = headline(result);
  Table table;
  table.header = {"server", column_name(metric), "stddev"};
  for (const Metric side : side_metrics(metric)) table.header.push_back(column_name(side));
  const std::string unit = is_bulk(metric) ? "s/GB" : "µs";
  table.header.insert(table.header.end(), {"server CPU " + unit, "client CPU " + unit, "limit",
                                           fmt::format("{} ÷ it", baseline), "CPU ÷ its", "noise"});
  for (const ServerResult& server : result.servers) {
    if (server.samples.empty()) continue;
    table.rows.push_back(server_cells(result, server, baseline));
  }
  return table;
}

std::string to_text(const CaseResult& result, const std::string& baseline) {
  std::string out =
      fmt::format("{}  ({})\n{}", case_name(result), result.row.title, servers_table(result, baseline).text(2));
  for (const std::string& remark : remarks(result)) out += fmt::format("  {}\n", remark);
  return out;
}

}  // namespace plait::bench
