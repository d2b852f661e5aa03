// What a person types where JSON is wanted.
#pragma once

#include <plait/result.hpp>

#include <string>
#include <string_view>

namespace plait::client {

/// `text` if it is JSON, else the JSON string with that text. Error: it is no UTF-8.
Result<std::string, Error> json_argument(std::string_view text);

}  // namespace plait::client
