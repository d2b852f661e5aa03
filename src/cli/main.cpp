// plait: the command line. Each command lives in a file of its own; this one only names them.
#include <plait/version.hpp>

#include "cli/commands.hpp"

int main(int argc, char** argv) {
  using namespace plait::cli;
  CLI::App app{"Real-time messages over every wire", "plait"};
  app.set_version_flag("--version", std::string{"plait "} + plait::kVersion);
  app.require_subcommand(1);
  app.get_formatter()->label("SUBCOMMAND", "COMMAND");
  app.footer("'plait COMMAND --help' or 'plait help COMMAND' shows a command's options with examples.");

  Action action;
  add_serve_command(app, action);
  add_pub_command(app, action);
  add_sub_command(app, action);
  add_get_command(app, action);
  add_token_command(app, action);
  add_check_command(app, action);
  add_echo_command(app, action);
  add_bench_command(app, action);
  return run(app, action, argc, argv);
}
