// The table that sets each published value beside ours.
#include "bench/report.hpp"

#include <fmt/core.h>

#include <algorithm>

namespace plait::bench {

namespace {

/// All digits that were published, which are fewer than these; a value in another unit has those of the conversion.
std::string as_published(double value) { return fmt::format("{:.10g}", value); }

std::string ours_text(const CaseResult* result, const std::string& server, Metric metric) {
  const ServerResult* found = result == nullptr ? nullptr : find_server(*result, server);
  return found == nullptr ? "–" : range_text(summarize_metric(*found, metric));
}

bool has_claim(const CaseResult& result, Metric metric) {
  return std::any_of(result.row.claims.begin(), result.row.claims.end(),
                     [metric](const Claim& claim) { return claim.metric == metric; });
}

/// The case of the other of the two rows, in the same placement.
const CaseResult* twin_of(const Report& report, const CaseResult& result) {
  if (result.row.twin.empty()) return nullptr;
  const auto found = std::find_if(report.cases.begin(), report.cases.end(), [&](const CaseResult& other) {
    return &other != &result && other.row.twin == result.row.twin && other.placement == result.placement;
  });
  return found == report.cases.end() ? nullptr : &*found;
}

class ClaimLines {
 public:
  explicit ClaimLines(const Report& report)
      : report_(report), two_columns_(std::any_of(report.cases.begin(), report.cases.end(), [](const CaseResult& one) {
          return !one.row.twin.empty();
        })) {}

  Table table() {
    table_.left_columns = 4;
    table_.header = {"row", "placement", "source", "what the published value counted", "published"};
    if (two_columns_) table_.header.push_back(report_.baseline + ", literal");
    table_.header.push_back(two_columns_ ? report_.baseline + ", confirmed" : report_.baseline);
    table_.header.push_back("unit");
    for (const CaseResult& result : report_.cases) add(result);
    return std::move(table_);
  }

 private:
  void add(const CaseResult& result) {
    const CaseResult* twin = twin_of(report_, result);
    for (const Claim& claim : result.row.claims) {
      const bool shared = twin != nullptr && has_claim(*twin, claim.metric);
      if (shared && !result.row.plan.literal) continue;  // stands in the line of the published steps
      add(result, claim, shared ? twin : nullptr);
    }
  }
  void add(const CaseResult& result, const Claim& claim, const CaseResult* twin) {
    const bool is_literal = result.row.plan.literal;
    std::vector<std::string> cells = {result.row.twin.empty() ? result.row.id : result.row.twin,
                                      std::string{placement_name(result.placement)},
                                      claim.document.empty() ? "Plait's own row" : claim.document, claim.counted,
                                      claim.value ? as_published(*claim.value) : "–"};
    if (two_columns_) cells.push_back(ours_text(is_literal ? &result : twin, report_.baseline, claim.metric));
    const CaseResult* confirmed = is_literal ? twin : &result;
    cells.push_back(ours_text(confirmed, report_.baseline, claim.metric));
    cells.push_back(fmt::format("{} ({})", metric_unit(claim.metric), metric_name(claim.metric)));
    table_.rows.push_back(std::move(cells));
  }

  const Report& report_;
  bool two_columns_;
  Table table_;
};

}  // namespace

Table claims_table(const Report& report) { return ClaimLines(report).table(); }

}  // namespace plait::bench
