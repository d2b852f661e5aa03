// plait echo: the TCP echo pair. Raw bytes, no framing: the client knows how many it sent.
#include "cli/commands.hpp"

namespace plait::cli {

void add_echo_command(CLI::App& app, Action& /*action*/) {
  CLI::App* echo = app.add_subcommand("echo", "Raw TCP echo: server, one message, benchmark");
  echo->require_subcommand(1);
}

}  // namespace plait::cli
