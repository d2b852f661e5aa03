// Whole small files as text, for /proc and the bench's own reports; lines for the process that started this one.
#pragma once

#include <plait/result.hpp>

#include <string>
#include <string_view>

namespace plait::bench {

/// The file's contents; empty when it cannot be read (a process that has ended, a knob that this kernel lacks).
[[nodiscard]] std::string read_text_file(const std::string& path);
/// Whether write_text_file() could write to `path`, as far as that shows without touching what is there, for those who
/// have long to go until then. The error is "PATH: cannot be written: " and why.
[[nodiscard]] Result<void, Error> check_writable(const std::string& path);
/// Replaces the file. The error is that of check_writable(), also when it was not written whole.
[[nodiscard]] Result<void, Error> write_text_file(const std::string& path, std::string_view text);
/// Writes the line and its end to standard output, at once. The error: a full disk, or nobody reads.
Result<void, Error> print_line(std::string_view line);

}  // namespace plait::bench
