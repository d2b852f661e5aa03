// Close codes on the wires whose close frames have RFC 6455's: 16 bits, and of them what its §7.4 allows.
#pragma once

#include <cstdint>
#include <string_view>

namespace plait::transport {

/// What a session that is closed with `code` sends: kNoStatus for none, and 1011 for one that the wire cannot carry,
/// with a warning.
[[nodiscard]] std::uint16_t to_frame_code(std::uint32_t code);

/// What of `reason` such a frame has room for, whole characters of it; nothing if it is not UTF-8.
[[nodiscard]] std::string_view to_frame_reason(std::string_view reason);

}  // namespace plait::transport
