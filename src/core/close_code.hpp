// What the close frames of RFC 6455 and of spec/frames.md have in common.
#pragma once

#include <cstdint>

namespace plait::core {

/// Whether a close frame may carry `code`: RFC 6455 §7.4 and IANA's registry (1000–1003, 1007–1014), and 3000–4999.
[[nodiscard]] constexpr bool is_valid_close_code(std::uint16_t code) {
  if (code >= 3000) return code <= 4999;
  return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014);
}

}  // namespace plait::core
