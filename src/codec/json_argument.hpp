// What a person types where JSON is wanted.
#pragma once

#include <plait/result.hpp>

#include <cstddef>
#include <string>
#include <string_view>

namespace plait::codec {

/// The largest JSON text that json_argument() gives, in MiB.
inline constexpr std::size_t kJsonArgumentMiBMax = 16;

/// `text` if it is JSON, else the JSON string with that text. Errors, behind the words `what`: it is not UTF-8; it is
/// too large; it is JSON, or may be, that is too deep; it is JSON with a number beyond 64-bit integers and doubles.
Result<std::string, Error> json_argument(std::string_view text, const std::string& what);

}  // namespace plait::codec
