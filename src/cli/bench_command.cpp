// plait bench: the published benchmarks row by row, against any servers, in one run.
#include "bench/components/generator/generator.hpp"
#include "bench/components/raw_loop.hpp"
#include "cli/commands.hpp"

#include <memory>
#include <string>
#include <vector>

namespace plait::cli {
namespace {

/// The processes that a bench starts beside itself; an empty group keeps them out of --help.
void add_hidden_commands(CLI::App& app, Action& action) {
  CLI::App* generate = app.add_subcommand("bench-generate", "One run of the load generator")->group("");
  auto words = std::make_shared<std::vector<std::string>>();
  generate->add_option("PLAN", *words, "key=value words");
  generate->callback([&action, words] { action = [words] { return bench::generate_load(*words); }; });

  CLI::App* raw = app.add_subcommand("bench-raw", "A raw epoll peer: tcp, ws or fanout")->group("");
  auto kind = std::make_shared<std::string>();
  auto port = std::make_shared<std::uint16_t>(0);
  raw->add_option("KIND", *kind, "tcp, ws or fanout")->required();
  raw->add_option("--port", *port, "0 picks a free one");
  raw->callback([&action, kind, port] {
    action = [kind, port] {
      const auto served = bench::run_raw_peer(*kind, *port);
      return served ? 0 : fail(served.error().message);
    };
  });
}

}  // namespace

void add_bench_command(CLI::App& app, Action& action) { add_hidden_commands(app, action); }

}  // namespace plait::cli
