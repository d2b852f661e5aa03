// Whole small files as text, for /proc and the bench's own reports.
#pragma once

#include <string>
#include <string_view>

namespace plait::bench {

/// The file's contents; empty when it cannot be read (a process that has ended, a knob that this kernel lacks).
[[nodiscard]] std::string read_text_file(const std::string& path);
/// Replaces the file; false when it could not be written whole.
[[nodiscard]] bool write_text_file(const std::string& path, std::string_view text);

}  // namespace plait::bench
