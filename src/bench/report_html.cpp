// The HTML report: one page that stands alone, a bar plot of ratios first. People look rather than read.
//
// Every bar is the baseline's advantage over one server in one case: value ratio for rates, its inverse where lower is
// better, so right of the line is always better for the baseline. The axis is logarithmic: twice as fast and half as
// fast are equally far from the line. The whisker spans the rounds.
#include "bench/report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace plait::bench {

namespace {

constexpr double kLabelWidth = 330;
constexpr double kPlotWidth = 560;
constexpr double kBarHeight = 16;
constexpr double kRowHeight = 22;
constexpr double kLog2Span = 6;  // the axis goes from 1/64 to 64

constexpr const char* kStyle =
    "body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:1100px;padding:0 1rem;color:#1b1f24;"
    "background:#fff}h1{font-size:1.6rem}h2{font-size:1.2rem;margin-top:2.2rem}h3{font-size:1rem;margin:1.6rem 0 .4rem}"
    "pre{background:#f3f4f6;padding:.8rem;overflow:auto}table{border-collapse:collapse;font-size:13px;display:block;"
    "overflow:auto}th,td{padding:.25rem .6rem;border-bottom:1px solid #e3e5e8;text-align:right;white-space:nowrap}"
    ".left{text-align:left}svg text{font:12px system-ui,sans-serif;fill:currentColor}.better{fill:#2a9d5c}"
    ".worse{fill:#d1603d}.even{fill:#8a94a3}@media(prefers-color-scheme:dark){body{background:#14171a;color:#e6e8eb}"
    "pre{background:#1f2429}th,td{border-color:#2b3138}}";

struct Bar {
  std::string label;
  Summary advantage;
};

Summary advantage_of(const CaseResult& result, const std::string& baseline, const std::string& other) {
  const Metric metric = headline(result);
  Summary ratio = paired_ratio(result, baseline, other, metric);
  if (ratio.count > 0 && lower_is_better(metric)) {
    const Summary inverse = ratio;
    ratio.median = 1 / inverse.median;
    ratio.min = 1 / inverse.max;
    ratio.max = 1 / inverse.min;
  }
  return ratio;
}

std::vector<Bar> bars_against(const Report& report, const std::string& other) {
  std::vector<Bar> bars;
  for (const CaseResult& result : report.cases) {
    const Summary advantage = advantage_of(result, report.baseline, other);
    if (advantage.count > 0) bars.push_back({case_name(result), advantage});
  }
  return bars;
}

double x_of(double ratio) {
  const double log = std::clamp(std::log2(ratio), -kLog2Span, kLog2Span);
  return kLabelWidth + kPlotWidth * (log + kLog2Span) / (2 * kLog2Span);
}

std::string bar_svg(const Bar& bar, double y) {
  const double one = x_of(1);
  const double end = x_of(bar.advantage.median);
  const char* kind = bar.advantage.min > 1 ? "better" : bar.advantage.max < 1 ? "worse" : "even";
  const double middle = y + kBarHeight / 2;
  std::string out = fmt::format(R"(<text x="{}" y="{}" text-anchor="end">{}</text>)", kLabelWidth - 8, y + 12,
                                escape_html(bar.label));
  out += fmt::format(R"(<rect class="{}" x="{:.1f}" y="{}" width="{:.1f}" height="{}"/>)", kind, std::min(one, end), y,
                     std::max(1.0, std::abs(end - one)), kBarHeight);
  out += fmt::format(R"(<line x1="{:.1f}" x2="{:.1f}" y1="{}" y2="{}" stroke="currentColor"/>)",
                     x_of(bar.advantage.min), x_of(bar.advantage.max), middle, middle);
  out += fmt::format(R"(<text x="{:.1f}" y="{}">{}×</text>)"
                     "\n",
                     std::max({one, end, x_of(bar.advantage.max)}) + 6, y + 12, ratio_text(bar.advantage.median));
  return out;
}

std::string plot_svg(const std::vector<Bar>& bars) {
  const double height = kRowHeight * static_cast<double>(bars.size()) + 26;
  std::string out = fmt::format(R"(<svg viewBox="0 0 {} {}" width="100%" role="img">)"
                                "\n",
                                kLabelWidth + kPlotWidth + 70, height);
  for (const double tick : {0.125, 0.5, 1.0, 2.0, 8.0, 32.0}) {
    out += fmt::format(R"(<line x1="{0:.1f}" x2="{0:.1f}" y1="0" y2="{1}" stroke="currentColor" opacity="{2}"/>)"
                       R"(<text x="{0:.1f}" y="{3}" text-anchor="middle">{4}×</text>)"
                       "\n",
                       x_of(tick), height - 18, tick == 1 ? 0.8 : 0.15, height - 4, tick);
  }
  double y = 2;
  for (const Bar& bar : bars) {
    out += bar_svg(bar, y);
    y += kRowHeight;
  }
  return out + "</svg>\n";
}

std::vector<std::string> others(const Report& report) {
  std::vector<std::string> names;
  for (const CaseResult& result : report.cases) {
    for (const ServerResult& server : result.servers) {
      if (server.server != report.baseline && std::find(names.begin(), names.end(), server.server) == names.end()) {
        names.push_back(server.server);
      }
    }
  }
  return names;
}

}  // namespace

std::string to_html(const Report& report) {
  std::string out = fmt::format(
      "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" "
      "content=\"width=device-width\">\n<title>{0}</title><style>{1}</style>\n<h1>{0}</h1>\n<pre>{2}</pre>\n",
      escape_html(report.title), kStyle, escape_html(report.command));
  for (const std::string& name : others(report)) {
    const auto bars = bars_against(report, name);
    if (bars.empty()) continue;
    out += fmt::format("<h2>{} against {}</h2>\n<p>Right of the line: {} is better. Whiskers span the rounds.</p>\n{}",
                       escape_html(report.baseline), escape_html(name), escape_html(report.baseline), plot_svg(bars));
  }
  out += "<h2>Machine</h2>\n";
  Table machine;
  machine.left_columns = 2;
  machine.header = {"", ""};
  for (const auto& [name, value] : report.machine) machine.rows.push_back({name, value});
  out += machine.html();
  for (const std::string& missing : report.missing_peers) {
    out += fmt::format("<p>Not measured: {}</p>\n", escape_html(missing));
  }
  for (const std::string& note : report.notes) out += fmt::format("<p>{}</p>\n", escape_html(note));
  out += "<h2>Sources</h2>\n" + claims_table(report).html() + "<h2>Cases</h2>\n";
  for (const CaseResult& result : report.cases) {
    out += fmt::format("<h3>{}</h3>\n<p>{}</p>\n{}", escape_html(case_name(result)), escape_html(result.row.title),
                       servers_table(result, report.baseline).html());
    for (const std::string& remark : remarks(result)) out += fmt::format("<p>{}</p>\n", escape_html(remark));
  }
  return out + "</html>\n";
}

}  // namespace plait::bench
