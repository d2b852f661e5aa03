// What a person types where JSON is wanted.
#pragma once

#include <string>
#include <string_view>

namespace plait::client {

/// `text` if it is JSON, else the JSON string with that text.
std::string json_argument(std::string_view text);

}  // namespace plait::client
