#include "bench/report.hpp"

namespace plait::bench {

namespace {

Value summary_json(const Summary& summary) {
  Value out;
  out.add("median", summary.median);
  out.add("low", summary.low);
  out.add("high", summary.high);
  out.add("min", summary.min);
  out.add("max", summary.max);
  out.add("mean", summary.mean);
  out.add("stddev", summary.stddev);
  out.add("count", static_cast<double>(summary.count));
  return out;
}

Value claims_json(const CaseResult& result) {
  Value::Array claims;
  for (const Claim& claim : result.row.claims) {
    Value out;
    out.add("source", claim.document.empty() ? Value{} : Value{claim.document});
    out.add("published", claim.value ? Value{*claim.value} : Value{});
    out.add("counted", claim.counted);
    out.add("metric", std::string{metric_name(claim.metric)});
    out.add("unit", std::string{metric_unit(claim.metric)});
    Value values;
    for (const ServerResult& server : result.servers) {
      values.add(server.server, summary_json(summarize_metric(server, claim.metric)));
    }
    out.add("measured", values);
    claims.push_back(out);
  }
  return claims;
}

Value server_json(const CaseResult& result, const ServerResult& server, const std::string& baseline) {
  Value out;
  out.add("name", server.server);
  if (!server.congestion_control.empty()) out.add("congestion_control", server.congestion_control);
  if (!server.error.empty()) out.add("error", server.error);
  if (!server.retake_error.empty()) out.add("retake_error", server.retake_error);
  out.add("repeated", static_cast<double>(server.repeated));
  out.add("noisy", static_cast<double>(server.noisy));
  Value ratio;
  for (const auto& [name, metric] : {std::pair{"headline", headline(result)},
                                     {"rate", Metric::messages_per_second},
                                     {"server_cpu", Metric::server_cpu_us_per_message},
                                     {"p50", Metric::latency_p50_us}}) {
    ratio.add(name, summary_json(paired_ratio(result, baseline, server.server, metric)));
  }
  out.add("baseline_divided_by_it", ratio);
  Value::Array samples;
  for (const Sample& sample : server.samples) {
    Value one = to_json(sample);
    one.add("limit", std::string{limit_name(limit_of(sample, result.row, result.placement))});
    samples.push_back(one);
  }
  out.add("samples", samples);
  return out;
}

}  // namespace

Value to_json(const Report& report) {
  Value out;
  out.add("suite", report.suite);
  out.add("title", report.title);
  out.add("command", report.command);
  out.add("baseline", report.baseline);
  Value machine;
  for (const auto& [name, value] : report.machine) machine.add(name, value);
  out.add("machine", machine);
  Value::Array missing(report.missing_peers.begin(), report.missing_peers.end());
  out.add("missing_peers", missing);
  const Value::Array notes(report.notes.begin(), report.notes.end());
  out.add("notes", notes);
  Value::Array cases;
  for (const CaseResult& result : report.cases) {
    Value one;
    one.add("row", result.row.id);
    one.add("title", result.row.title);
    if (!result.row.twin.empty()) one.add("twin", result.row.twin);
    one.add("placement", std::string{placement_name(result.placement)});
    one.add("claims", claims_json(result));
    Value::Array servers;
    for (const ServerResult& server : result.servers) servers.push_back(server_json(result, server, report.baseline));
    one.add("servers", servers);
    cases.push_back(one);
  }
  out.add("cases", cases);
  return out;
}

}  // namespace plait::bench
