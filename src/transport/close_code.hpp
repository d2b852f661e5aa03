// Close codes on the wires whose close frames have RFC 6455's: 16 bits, and of them what its §7.4 allows.
#pragma once

#include <cstdint>

namespace plait::transport {

/// What a session that is closed with `code` sends: kNoStatus for none, and 1011 for one that the wire cannot carry,
/// with a warning.
[[nodiscard]] std::uint16_t to_frame_code(std::uint32_t code);

}  // namespace plait::transport
