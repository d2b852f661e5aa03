// plait echo: the TCP echo pair. Raw bytes, no framing: the client knows how many it sent.
#include "cli/echo_command.hpp"

#include "cli/commands.hpp"

namespace plait::cli {

void add_echo_command(CLI::App& app, Action& action) {
  CLI::App* echo = app.add_subcommand("echo", "Raw TCP echo: server, single message, benchmark");
  echo->require_subcommand(1);
  echo->footer(
      "Examples:\n"
      "  plait echo serve --model async --port 5051\n"
      "  plait echo send --port 5051 --message hello\n"
      "  plait echo bench --port 5051 --size 1024 --repeat 2000");
  add_echo_serve(*echo, action);
  add_echo_send(*echo, action);
  add_echo_bench(*echo, action);
}

CLI::Option* EchoAddressOptions::add_to(CLI::App& command) {
  command.add_option("--host", host, "Address or name")->capture_default_str();
  CLI::Option* port_option =
      command.add_option("--port", port, "TCP port")->check(CLI::Range(0, 65535))->capture_default_str();
  command.add_option("--unix", unix_path, "A Unix socket's path instead of host and port")
      ->type_name("PATH")
      ->excludes("--host")
      ->excludes("--port");
  return port_option;
}

net::Address EchoAddressOptions::address() const {
  if (!unix_path.empty()) return {.host = {}, .port = 0, .unix_path = unix_path};
  return {.host = host, .port = static_cast<std::uint16_t>(port), .unix_path = {}};
}

}  // namespace plait::cli
