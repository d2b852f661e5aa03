// The JSON of results: for a person to read, too, and of whatever text an error has.
#pragma once

#include <plait/value.hpp>

#include <string>
#include <vector>

namespace plait::bench {

/// `value` on one line, or each member on its own, indented by `indent` spaces a level. Numbers that are not finite
/// become null; text is written as it is, UTF-8 or not.
[[nodiscard]] std::string json_text(const Value& value, int indent = 0);

[[nodiscard]] Value array_of(const std::vector<double>& numbers);
/// The numbers of an array; none if it is no array.
[[nodiscard]] std::vector<double> numbers_of(const Value& array);

}  // namespace plait::bench
