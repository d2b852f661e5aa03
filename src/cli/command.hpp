// What every command of `plait` shares: how it is registered and how it ends.
//
// A command is one file with one function `add_…_command(app, action)`, which main() calls. It declares its options and
// stores in `action` what is to run; parsing is over when it runs, so no exception of CLI11 passes through a command.
#pragma once

#include <plait/limits.hpp>

#include <CLI/CLI.hpp>

#include <functional>
#include <string>
#include <string_view>

namespace plait::cli {

/// Runs the chosen command; the result is the exit status, 0 only on success.
using Action = std::function<int()>;

/// Prints "plait: `message`" on standard error; gives 1, the exit status of every failure.
int fail(std::string_view message);

/// The same for a text of several lines, each of which gets the prefix.
int fail_each(std::string_view lines);

/// Checks that an option is a number from `min` to `max`; CLI::Range takes NaN for one.
CLI::Validator number_between(double min, double max);

/// An option's number of seconds as the library takes it.
Duration to_duration(double seconds);

/// Checks that an option is a whole number, 0 or more, in those words.
CLI::Validator whole_number();

/// What to say behind an error of a TLS handshake, in terms of --cert, --key, --ca, `more` and --insecure;
/// empty for others.
std::string certificate_hint(std::string_view error, std::string_view more = {});

/// Parses the command line and runs the chosen command. What cannot be parsed is named, with the nearest known option
/// or command, and gives 1.
int run(CLI::App& app, const Action& action, int argc, char** argv);

}  // namespace plait::cli
