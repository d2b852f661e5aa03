// Hexadecimal digits of bytes.
#pragma once

#include <plait/bytes.hpp>

#include <string>
#include <string_view>

namespace plait::core {

/// Two lower-case digits for each byte.
[[nodiscard]] inline std::string hex(ByteView bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  text.reserve(2 * bytes.size());
  for (const std::uint8_t byte : bytes) {
    text += kDigits[byte >> 4];
    text += kDigits[byte & 0xF];
  }
  return text;
}

}  // namespace plait::core
