// The commands of `plait`, one file each.
#pragma once

#include "cli/command.hpp"

namespace plait::cli {

void add_echo_command(CLI::App& app, Action& action);
void add_bench_command(CLI::App& app, Action& action);

}  // namespace plait::cli
