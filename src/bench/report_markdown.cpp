#include "bench/report.hpp"

#include <fmt/core.h>

namespace plait::bench {

std::string to_markdown(const Report& report) {
  std::string out = fmt::format("# {}\n\n```\n{}\n```\n\n", report.title, report.command);
  out += fmt::format(
      "Medians over rounds that alternate between the servers [95 % interval of the median; all values of fewer than "
      "six rounds]. `{0} ÷ it` is {0}'s value divided by that server's, paired by round. Where the limit is "
      "`generator-bound`, compare the CPU per message.\n\n",
      report.baseline);
  Table machine;
  machine.left_columns = 2;
  machine.header = {"machine", ""};
  for (const auto& [name, value] : report.machine) machine.rows.push_back({name, value});
  out += machine.markdown() + "\n";
  for (const std::string& missing : report.missing_peers) out += fmt::format("- not measured: {}\n", missing);
  for (const std::string& note : report.notes) out += fmt::format("- {}\n", note);
  out += "\n## Sources\n\n" + claims_table(report).markdown() + "\n## Cases\n";
  for (const CaseResult& result : report.cases) {
    out += fmt::format("\n### {}\n{}\n\n", case_name(result), result.row.title);
    out += servers_table(result, report.baseline).markdown();
    for (const std::string& remark : remarks(result)) out += fmt::format("\n{}\n", remark);
  }
  return out;
}

}  // namespace plait::bench
