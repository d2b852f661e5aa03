// Hashes (FIPS 180-4), HMAC (RFC 2104) and comparison in constant time. Algorithms are looked up once per thread, not
// once per call, which in OpenSSL 3 would cost more than hashing a short text.
#pragma once

#include <plait/bytes.hpp>

#include <array>
#include <cstdint>

namespace plait::crypto {

template <std::size_t kBytes>
using Digest = std::array<std::uint8_t, kBytes>;

/// For the WebSocket opening handshake (RFC 6455 §4.2.2), where it protects nothing. Not for new uses.
[[nodiscard]] Digest<20> sha1(ByteView data);
[[nodiscard]] Digest<32> sha256(ByteView data);

/// A key may have any length; one shorter than the result weakens it (RFC 2104 §3).
[[nodiscard]] Digest<32> hmac_sha256(ByteView key, ByteView data);

/// Whether both are the same, in a time that depends on their sizes only.
[[nodiscard]] bool constant_time_equal(ByteView a, ByteView b);

}  // namespace plait::crypto
