// Access tokens as people give them.
#pragma once

#include <plait/result.hpp>

#include <filesystem>
#include <string>
#include <string_view>

namespace plait::client {

/// The first word of `file`. Errors name the file, and say that it has none, or what the system says.
Result<std::string, Error> read_token(const std::filesystem::path& file);

/// `text` without white space around it. Error: it is more than one word, or has a control character.
Result<std::string, Error> trim_token(std::string_view text);

}  // namespace plait::client
