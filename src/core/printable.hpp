// What peers say must not reach a terminal as more than text.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace plait::core {

/// Bytes of the control character that `text`, which is not empty, begins with; 0 if that is none. U+0080 to U+009F are
/// two bytes of UTF-8, and terminals take U+009B for ESC [.
[[nodiscard]] std::size_t control_bytes(std::string_view text);

/// With `?` for control characters.
[[nodiscard]] std::string printable(std::string_view text);

}  // namespace plait::core
