// Bar plots of ratios. People look rather than read.
//
// Every bar is the baseline's advantage over one server in one case: value ratio for rates, its inverse where lower is
// better, so right of the line is always better for the baseline. The axis is logarithmic: twice as fast and half as
// fast are equally far from the line. The whisker spans the rounds.
#include "bench/report_plot.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace plait::bench {

namespace {

constexpr double kLabelWidth = 330;
constexpr double kPlotWidth = 560;
constexpr double kValueWidth = 70;
constexpr double kWidth = kLabelWidth + kPlotWidth + kValueWidth;
constexpr double kBarHeight = 16;
constexpr double kRowHeight = 22;
constexpr double kTicksHeight = 26;
constexpr double kHeadingHeight = 34;
constexpr double kLog2Min = -4;  // the axis goes from 1/16
constexpr double kLog2Max = 9;   // to 512

// A picture has no page whose colours it could take: these are readable on white and on black.
constexpr const char* kPictureStyle =
    "text{font:12px system-ui,sans-serif;fill:currentColor}.heading{font-weight:600;font-size:14px}"
    "svg{color:#1b1f24}@media(prefers-color-scheme:dark){svg{color:#e6e8eb}}";

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
    ratio.low = 1 / inverse.high;
    ratio.high = 1 / inverse.low;
  }
  return ratio;
}

std::vector<Bar> bars_against(const Report& report, const std::string& other) {
  std::vector<Bar> bars;
  if (other == report.baseline) return bars;
  for (const CaseResult& result : report.cases) {
    const Summary advantage = advantage_of(result, report.baseline, other);
    if (advantage.count > 0) bars.push_back({case_name(result), advantage});
  }
  return bars;
}

double x_of(double ratio) {
  const double log = std::clamp(std::log2(ratio), kLog2Min, kLog2Max);
  return kLabelWidth + kPlotWidth * (log - kLog2Min) / (kLog2Max - kLog2Min);
}

std::string bar_svg(const Bar& bar, double y) {
  const double one = x_of(1);
  const double end = x_of(bar.advantage.median);
  const char* fill = bar.advantage.low > 1 ? "#2a9d5c" : bar.advantage.high < 1 ? "#d1603d" : "#8a94a3";
  const double middle = y + kBarHeight / 2;
  std::string out = fmt::format(R"(<text x="{}" y="{}" text-anchor="end">{}</text>)", kLabelWidth - 8, y + 12,
                                escape_html(bar.label));
  out += fmt::format(R"(<rect fill="{}" x="{:.1f}" y="{}" width="{:.1f}" height="{}"/>)", fill, std::min(one, end), y,
                     std::max(1.0, std::abs(end - one)), kBarHeight);
  out += fmt::format(R"(<line x1="{:.1f}" x2="{:.1f}" y1="{}" y2="{}" stroke="currentColor"/>)",
                     x_of(bar.advantage.low), x_of(bar.advantage.high), middle, middle);
  out += fmt::format(R"(<text x="{:.1f}" y="{}">{}×</text>)"
                     "\n",
                     std::max({one, end, x_of(bar.advantage.high)}) + 6, y + 12, ratio_text(bar.advantage.median));
  return out;
}

double plot_height(std::size_t bars) { return kRowHeight * static_cast<double>(bars) + kTicksHeight; }

/// Of `height`, without the element around it.
std::string bars_svg(const std::vector<Bar>& bars) {
  const double height = plot_height(bars.size());
  std::string out;
  for (const double tick : {0.125, 0.5, 1.0, 2.0, 8.0, 32.0, 128.0, 512.0}) {
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
  return out;
}

}  // namespace

std::vector<std::string> compared_servers(const Report& report) {
  std::vector<std::string> names;
  for (const CaseResult& result : report.cases) {
    for (const ServerResult& server : result.servers) {
      const std::string& name = server.server;
      if (std::find(names.begin(), names.end(), name) == names.end() && !bars_against(report, name).empty()) {
        names.push_back(name);
      }
    }
  }
  return names;
}

std::string plot_svg(const Report& report, const std::string& server) {
  const auto bars = bars_against(report, server);
  return fmt::format("<svg viewBox=\"0 0 {} {}\" width=\"100%\" role=\"img\">\n{}</svg>\n", kWidth,
                     plot_height(bars.size()), bars_svg(bars));
}

std::string to_svg(const Report& report) {
  std::string plots;
  double y = 0;
  for (const std::string& server : compared_servers(report)) {
    const auto bars = bars_against(report, server);
    plots +=
        fmt::format("<g transform=\"translate(0 {})\"><text class=\"heading\" x=\"{}\" y=\"20\">{} ÷ {}</text></g>\n",
                    y, kLabelWidth, escape_html(report.baseline), escape_html(server));
    plots += fmt::format("<g transform=\"translate(0 {})\">\n{}</g>\n", y + kHeadingHeight, bars_svg(bars));
    y += kHeadingHeight + plot_height(bars.size());
  }
  return fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0} {1}\" width=\"{0}\" height=\"{1}\" role=\"img\">\n"
      "<title>{2}: right of the line, {3} is better; whiskers span the rounds</title><style>{4}</style>\n{5}</svg>\n",
      kWidth, std::max(y, kTicksHeight), escape_html(report.title), escape_html(report.baseline), kPictureStyle, plots);
}

}  // namespace plait::bench
