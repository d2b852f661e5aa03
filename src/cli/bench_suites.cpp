#include "cli/bench_suites.hpp"

#include <fmt/core.h>

#include "bench/runner.hpp"
#include "bench/table.hpp"
#include "cli/command.hpp"
#include "cli/output.hpp"

namespace plait::cli {
namespace {

void list_rows(const bench::Suite& suite, const std::vector<const bench::Row*>& rows) {
  print("{}: {}\n", suite.name, suite.title);
  bench::Table table;
  table.left_columns = 3;
  table.header = {"row", "what", "source"};
  for (const bench::Row* row : rows) {
    const std::string source = row->claims.empty() ? "" : row->claims.front().document;
    table.rows.push_back({row->id, row->title, source.empty() ? "Plait's own row" : source});
  }
  print("{}\n", table.text(2));
}

}  // namespace

Result<std::vector<bench::Suite>, Error> chosen_suites(const std::string& name) {
  auto suites = bench::all_suites();
  if (name.empty()) return suites;
  std::erase_if(suites, [&](const bench::Suite& suite) { return suite.name != name; });
  if (suites.empty()) return err(Error{fmt::format("'{}' is no suite; 'plait bench --list' shows them", name)});
  return suites;
}

int list_suites(const std::vector<bench::Suite>& suites, const std::string& pattern) {
  bool found = false;
  for (const bench::Suite& suite : suites) {
    const auto rows = bench::matching_rows(suite, pattern);
    if (!rows) return fail(rows.error().message);
    if (!rows->empty()) list_rows(suite, *rows);
    found = found || !rows->empty();
  }
  return found ? 0 : fail(fmt::format("no row matches --rows '{}'; without it, --list shows them all", pattern));
}

}  // namespace plait::cli
