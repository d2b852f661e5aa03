// The opcodes of WebSocket frames (RFC 6455 §5.2), for what is measured against the engine and so shares none of it.
#pragma once

#include <cstdint>

namespace plait::bench {

inline constexpr std::uint8_t kOpcodeText = 0x1;
inline constexpr std::uint8_t kOpcodeBinary = 0x2;
inline constexpr std::uint8_t kOpcodeClose = 0x8;
inline constexpr std::uint8_t kOpcodePing = 0x9;
inline constexpr std::uint8_t kOpcodePong = 0xA;

}  // namespace plait::bench
