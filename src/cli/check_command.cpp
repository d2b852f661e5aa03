// plait check: is this config, or this machine, fit to serve?

#include <cstdlib>
#include <memory>

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
  plait check --system)";

struct CheckOptions {
  std::string config;
  bool system = false;
};

int check_config(const std::string& file) {
  auto config = server::load_config(file);
  if (!config) return fail_each(config.error().message);
  if (const char* secret_file = std::getenv("PLAIT_JWT_SECRET_FILE"); secret_file != nullptr && *secret_file != '\0') {
    config->jwt_secret_file = secret_file;
    config->names.override("jwt.secret_file");
  }
  if (auto checked = server::Service::check(*config); !checked) return fail_each(checked.error().message);
  for (const std::string& url : config->listen.empty() ? server::default_listeners(*config) : config->listen) {
    print("listen {}\n", url);
  }
  print("{}: no errors\n", file);
  return 0;
}

int check_system() {
  for (const server::SystemFact& fact : server::examine_system()) {
    print("{:<6} {:<34} {}\n", fact.advice.empty() ? "good" : "advice", fact.name, fact.value);
    if (!fact.advice.empty()) print("       {:<34} {}\n", "", fact.advice);
  }
  return 0;
}

int check(const CheckOptions& options) {
  if (options.system == !options.config.empty()) return fail("give a config file or --system");
  return options.system ? check_system() : check_config(options.config);
}

}  // namespace

void add_check_command(CLI::App& app, Action& action) {
  CLI::App* command = app.add_subcommand("check", "Check a config file or this machine")->group("Commands");
  command->footer(kCheckExamples);
  auto options = std::make_shared<CheckOptions>();
  command->add_option("CONFIG", options->config, "TOML file of plait serve");
  command->add_flag("--system", options->system, "File descriptors, congestion control, buffers, with advice");
  command->callback([&action, options] { action = [options] { return check(*options); }; });
}

}  // namespace plait::cli
