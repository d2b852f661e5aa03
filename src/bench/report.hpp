// The results of one run, as a terminal table, Markdown, JSON, HTML and a picture.
#pragma once

#include "bench/components/machine.hpp"
#include "bench/runner.hpp"
#include "bench/statistics.hpp"
#include "bench/table.hpp"

#include <string>
#include <vector>

namespace plait::bench {

struct Report {
  std::string suite;
  std::string title;
  std::string command;   ///< that reproduces it
  std::string baseline;  ///< the server whose values are the numerator of every ratio
  MachineFacts machine;
  std::vector<std::string> missing_peers;  ///< each with what to install
  std::vector<std::string> notes;          ///< of the runner
  std::vector<CaseResult> cases;
};

/// None when the server does not take part in the case.
[[nodiscard]] const ServerResult* find_server(const CaseResult& result, const std::string& name);
/// Two decimals, three near 1, or three significant digits where those would say little: 1.25, 0.996, 0.00490.
[[nodiscard]] std::string ratio_text(double ratio);
/// "median [low–high]"
[[nodiscard]] std::string range_text(const Summary& summary);
/// Over the samples of a server that have a value of the metric; all zero when none has.
[[nodiscard]] Summary summarize_metric(const ServerResult& result, Metric metric);
/// baseline ÷ other, paired by round; count 0 when either has no samples.
[[nodiscard]] Summary paired_ratio(const CaseResult& result, const std::string& baseline, const std::string& other,
                                   Metric metric);
/// `wanted`, or the first server with samples when it has none here (ratios then have that one on top).
[[nodiscard]] std::string baseline_of(const CaseResult& result, const std::string& wanted);
/// What the case is about: the metric of its row's first claim.
[[nodiscard]] Metric headline(const CaseResult& result);
/// "echo/93B/d64/c100 · two cores"
[[nodiscard]] std::string case_name(const CaseResult& result);

/// One line a server: the headline, round trip, CPU of both sides, who was the limit, and baseline ÷ server.
[[nodiscard]] Table servers_table(const CaseResult& result, const std::string& baseline);
/// What stands below the table: of bulk rows everyone's congestion control; a sentence for each server that failed, be
/// it in an extra sample, and one for each that left messages without an answer.
[[nodiscard]] std::vector<std::string> remarks(const CaseResult& result);
/// One line a claim: source document, published value, what it counted, ours, unit. With rows that exist as published
/// and as confirmed, ours has two columns; of the other rows everything is confirmed.
[[nodiscard]] Table claims_table(const Report& report);

[[nodiscard]] std::string to_text(const CaseResult& result, const std::string& baseline);
[[nodiscard]] std::string to_markdown(const Report& report);
[[nodiscard]] Value to_json(const Report& report);
/// One page without references to anything outside it.
[[nodiscard]] std::string to_html(const Report& report);
/// The plots of that page as one picture, for documents that show pictures only.
[[nodiscard]] std::string to_svg(const Report& report);

}  // namespace plait::bench
