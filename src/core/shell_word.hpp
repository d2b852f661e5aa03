// Words for `sh -c`: commands of servers hold paths, which may hold anything.
#pragma once

#include <string>

namespace plait::core {

/// `word` as a shell reads it back as one word: in single quotes where it needs them.
[[nodiscard]] std::string shell_quoted(const std::string& word);

}  // namespace plait::core
