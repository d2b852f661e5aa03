// What a command prints. Nothing here throws when a disk is full or a reader is gone: what standard output loses is
// remembered and makes the command fail, what standard error loses is lost.
#pragma once

#include <fmt/core.h>

#include <string>
#include <string_view>
#include <utility>

namespace plait::cli {

/// To standard output, buffered.
void print_text(std::string_view text);
/// To standard error, at once.
void print_error_text(std::string_view text);

template <class... Values>
void print(fmt::format_string<Values...> format, Values&&... values) {
  print_text(fmt::format(format, std::forward<Values>(values)...));
}
template <class... Values>
void print_error(fmt::format_string<Values...> format, Values&&... values) {
  print_error_text(fmt::format(format, std::forward<Values>(values)...));
}

/// The same JSON in one line without control characters (core::control_bytes()): those that may stand between tokens
/// (line ends, tabs) are blanks, those that strings may have (U+007F to U+009F) are escaped.
std::string printable_json(std::string_view json);

/// Hands over what was printed; false if any of it is lost, now or before.
bool flush_output();
/// A command's exit status: `status`, but 1 and a message if what it printed is lost. The message is left out if the
/// command has failed with one of its own, and if the reader is gone: `plait … | head` wants none.
int finish_output(int status);

/// From now on the process ends, as by SIGPIPE, as soon as nobody reads standard output any more; by itself it would
/// notice with the next line only.
void end_with_reader();
/// From now on a reader that is gone is an error of the write, and no SIGPIPE: for servers.
void outlive_readers();

}  // namespace plait::cli
