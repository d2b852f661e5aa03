// What a person types to be published, and where.
#pragma once

#include <plait/result.hpp>

#include <cstddef>
#include <string>
#include <string_view>

namespace plait::client {

/// What json_argument() takes at most, and gives.
inline constexpr std::size_t kDataBytesMax = std::size_t{16} << 20;

/// `text` if it is JSON, else the JSON string with that text. Errors as codec::json_argument().
Result<std::string, Error> json_argument(std::string_view text);

/// Whether a message can name `topic` (or pattern) at all: it is UTF-8. Whether it is a name, the hub says.
Result<void, Error> check_topic(std::string_view topic);

}  // namespace plait::client
