// What a person types where JSON is wanted.
#pragma once

#include <plait/result.hpp>

#include <string>
#include <string_view>

namespace plait::client {

/// `text` if it is JSON, else the JSON string with that text. Errors: it is no UTF-8; it is JSON, or may be, that is
/// too large, too deep or has a number beyond 64 bits in an array or object.
Result<std::string, Error> json_argument(std::string_view text);

}  // namespace plait::client
