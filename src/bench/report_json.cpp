#include "bench/report.hpp"

namespace plait::bench {

namespace {

Json summary_json(const Summary& summary) {
  Json out;
  out.set("median", summary.median);
  out.set("min", summary.min);
  out.set("max", summary.max);
  out.set("mean", summary.mean);
  out.set("stddev", summary.stddev);
  out.set("count", static_cast<double>(summary.count));
  return out;
}

Json claims_json(const CaseResult& result) {
  Json::Array claims;
  for (const Claim& claim : result.row.claims) {
    Json out;
    out.set("source", claim.document.empty() ? Json{} : Json{claim.document});
    out.set("published", claim.value ? Json{*claim.value} : Json{});
    out.set("counted", claim.counted);
    out.set("metric", std::string{metric_name(claim.metric)});
    out.set("unit", std::string{metric_unit(claim.metric)});
    Json values;
    for (const ServerResult& server : result.servers) {
      values.set(server.server, summary_json(summarize_metric(server, claim.metric)));
    }
    out.set("measured", values);
    claims.push_back(out);
  }
  return claims;
}

Json server_json(const CaseResult& result, const ServerResult& server, const std::string& baseline) {
  Json out;
  out.set("name", server.server);
  if (!server.error.empty()) out.set("error", server.error);
  out.set("repeated", static_cast<double>(server.repeated));
  out.set("noisy", static_cast<double>(server.noisy));
  Json ratio;
  for (const auto& [name, metric] : {std::pair{"headline", headline(result)},
                                     {"rate", Metric::messages_per_second},
                                     {"server_cpu", Metric::server_cpu_us_per_message},
                                     {"p50", Metric::latency_p50_us}}) {
    ratio.set(name, summary_json(paired_ratio(result, baseline, server.server, metric)));
  }
  out.set("baseline_divided_by_it", ratio);
  Json::Array samples;
  for (const Sample& sample : server.samples) {
    Json one = to_json(sample);
    one.set("limit", std::string{limit_name(limit_of(sample, result.placement))});
    samples.push_back(one);
  }
  out.set("samples", samples);
  return out;
}

}  // namespace

Json to_json(const Report& report) {
  Json out;
  out.set("suite", report.suite);
  out.set("command", report.command);
  out.set("baseline", report.baseline);
  Json machine;
  for (const auto& [name, value] : report.machine) machine.set(name, value);
  out.set("machine", machine);
  Json::Array missing(report.missing_peers.begin(), report.missing_peers.end());
  out.set("missing_peers", missing);
  const Json::Array notes(report.notes.begin(), report.notes.end());
  out.set("notes", notes);
  Json::Array cases;
  for (const CaseResult& result : report.cases) {
    Json one;
    one.set("row", result.row.id);
    one.set("title", result.row.title);
    if (!result.row.twin.empty()) one.set("twin", result.row.twin);
    one.set("placement", std::string{placement_name(result.placement)});
    one.set("claims", claims_json(result));
    Json::Array servers;
    for (const ServerResult& server : result.servers) servers.push_back(server_json(result, server, report.baseline));
    one.set("servers", servers);
    cases.push_back(one);
  }
  out.set("cases", cases);
  return out;
}

}  // namespace plait::bench
