// plait: the command line. Each command lives in a file of its own; this one only names them.
#include <fcntl.h>
#include <unistd.h>
#include <plait/config.hpp>

#include "cli/commands.hpp"

namespace {

/// Where a shell has closed one of them (2>&-), the next file that is opened would get its number, and a socket the
/// lines of the log. Opened the other way round, so that reading and writing fail as if they were still closed.
void reserve_standard_files() {
  for (const int file : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (::fcntl(file, F_GETFD) < 0) ::open("/dev/null", file == STDIN_FILENO ? O_WRONLY : O_RDONLY);
  }
}

}  // namespace

int main(int argc, char** argv) {
  using namespace plait::cli;
  reserve_standard_files();
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
