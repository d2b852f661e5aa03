// plait check: is this config, or this machine, fit to serve?

#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "cli/commands.hpp"
#include "cli/output.hpp"
#include "server/config.hpp"
#include "server/service.hpp"
#include "server/system_report.hpp"

namespace plait::cli {
namespace {

constexpr const char* kCheckExamples =
    R"(Reads CONFIG and the files that it names, or PLAIT_JWT_SECRET_FILE. Nothing is bound.
Examples:
  plait check plait.toml
  plait check --system
  plait check plait.toml --json)";

struct CheckOptions {
  std::string config;
  bool system = false;
  bool json = false;
};

/// What it listens on. Errors are one a line.
Result<std::vector<std::string>, Error> check_file(const std::string& file) {
  auto config = server::load_config(file);
  if (!config) return err(config.error());
  if (const char* secret_file = std::getenv("PLAIT_JWT_SECRET_FILE"); secret_file != nullptr && *secret_file != '\0') {
    config->jwt_secret_file = secret_file;
    config->names.override("jwt.secret_file");
  }
  if (auto checked = server::Service::check(*config); !checked) return err(checked.error());
  return config->listen.empty() ? server::default_listeners(*config) : config->listen;
}

int check_config(const CheckOptions& options) {
  const auto listen = check_file(options.config);
  if (options.json) {
    print("{}\n",
          printable_json(listen ? server::check_json({}, *listen) : server::check_json(listen.error().message, {})));
    return listen ? 0 : 1;
  }
  if (!listen) return fail_each(listen.error().message);
  for (const std::string& url : *listen) print("listen {}\n", url);
  print("{}: no errors\n", options.config);
  return 0;
}

int check_system(const CheckOptions& options) {
  const std::vector<server::SystemFact> facts = server::examine_system();
  if (options.json) {
    print("{}\n", printable_json(server::to_json(facts)));
    return 0;
  }
  for (const server::SystemFact& fact : facts) {
    print("{:<6} {:<34} {}\n", fact.advice.empty() ? "good" : "advice", fact.name, fact.value);
    if (!fact.advice.empty()) print("       {:<34} {}\n", "", fact.advice);
  }
  return 0;
}

int check(const CheckOptions& options) {
  if (options.system && !options.config.empty()) return fail("a config file and --system: give one of them, not both");
  if (!options.system && options.config.empty()) return fail("give a config file or --system");
  return options.system ? check_system(options) : check_config(options);
}

}  // namespace

void add_check_command(CLI::App& app, Action& action) {
  CLI::App* command = app.add_subcommand("check", "Check a config file or this machine")->group("Commands");
  command->footer(kCheckExamples);
  auto options = std::make_shared<CheckOptions>();
  command->add_option("CONFIG", options->config, "TOML file of plait serve");
  command->add_flag("--system", options->system, "File descriptors, congestion control, buffers, with advice");
  command->add_flag("--json", options->json, "Print the errors and listeners, or the facts, as JSON");
  command->callback([&action, options] { action = [options] { return check(*options); }; });
}

}  // namespace plait::cli
