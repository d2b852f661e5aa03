#include "cli/echo_command.hpp"

namespace plait::cli {

void add_echo_bench(CLI::App&, Action&) {}

}  // namespace plait::cli
