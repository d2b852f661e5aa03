// Types of WebTransport's capsules (draft-ietf-webtrans-http3 §9.6).
#pragma once

#include <cstdint>

namespace plait::h3::capsule_type {

inline constexpr std::uint64_t kCloseSession = 0x2843;
inline constexpr std::uint64_t kDrainSession = 0x78AE;
inline constexpr std::uint64_t kMaxData = 0x190B4D3D;
inline constexpr std::uint64_t kMaxStreamData = 0x190B4D3E;
inline constexpr std::uint64_t kMaxStreamsBidi = 0x190B4D3F;
inline constexpr std::uint64_t kMaxStreamsUni = 0x190B4D40;
inline constexpr std::uint64_t kDataBlocked = 0x190B4D41;
inline constexpr std::uint64_t kStreamDataBlocked = 0x190B4D42;
inline constexpr std::uint64_t kStreamsBlockedBidi = 0x190B4D43;
inline constexpr std::uint64_t kStreamsBlockedUni = 0x190B4D44;

}  // namespace plait::h3::capsule_type
