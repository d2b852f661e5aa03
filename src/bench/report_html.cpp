// The HTML report: one page that stands alone, the plots first.
#include "bench/report_plot.hpp"

#include <fmt/core.h>

namespace plait::bench {

namespace {

constexpr const char* kStyle =
    "body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:1100px;padding:0 1rem;color:#1b1f24;"
    "background:#fff}h1{font-size:1.6rem}h2{font-size:1.2rem;margin-top:2.2rem}h3{font-size:1rem;margin:1.6rem 0 .4rem}"
    "pre{background:#f3f4f6;padding:.8rem;overflow:auto}table{border-collapse:collapse;font-size:13px;display:block;"
    "overflow:auto}th,td{padding:.25rem .6rem;border-bottom:1px solid #e3e5e8;text-align:right;white-space:nowrap}"
    ".left{text-align:left}svg text{font:12px "
    "system-ui,sans-serif;fill:currentColor}@media(prefers-color-scheme:dark){body{background:#14171a;color:#e6e8eb}"
    "pre{background:#1f2429}th,td{border-color:#2b3138}}";

}  // namespace

std::string to_html(const Report& report) {
  std::string out = fmt::format(
      "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" "
      "content=\"width=device-width\">\n<title>{0}</title><style>{1}</style>\n<h1>{0}</h1>\n<pre>{2}</pre>\n",
      escape_html(report.title), kStyle, escape_html(report.command));
  for (const std::string& name : compared_servers(report)) {
    out += fmt::format(
        "<h2>{} against {}</h2>\n<p>Right of the line: {} is better. Whiskers are the 95 % interval of the median, or "
        "all values of fewer than six rounds.</p>\n{}",
        escape_html(report.baseline), escape_html(name), escape_html(report.baseline), plot_svg(report, name));
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
