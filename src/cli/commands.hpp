// The commands of `plait`, one file each.
#pragma once

#include "cli/command.hpp"

namespace plait::cli {

void add_serve_command(CLI::App& app, Action& action);
void add_pub_command(CLI::App& app, Action& action);
void add_sub_command(CLI::App& app, Action& action);
void add_token_command(CLI::App& app, Action& action);
void add_get_command(CLI::App& app, Action& action);
void add_check_command(CLI::App& app, Action& action);
void add_echo_command(CLI::App& app, Action& action);
void add_bench_command(CLI::App& app, Action& action);
/// `bench` is the command that add_bench_command() made.
void add_bench_serve_command(CLI::App& bench, Action& action);

}  // namespace plait::cli
