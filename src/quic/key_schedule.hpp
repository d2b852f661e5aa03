// The keys of packet protection from the secrets of the handshake (RFC 9001 §5.1, §5.2, §6.1).
#pragma once

#include <plait/bytes.hpp>

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "quic/protection.hpp"

namespace plait::quic {

enum class Hash : std::uint8_t { sha256, sha384 };

/// HKDF-Expand-Label (RFC 8446 §7.1) with an empty context; `label` without "tls13 ". False when out of memory.
bool expand_label(Hash hash, ByteView secret, std::string_view label, MutableByteView out);

/// What protects one direction. Wiped when destroyed.
struct DirectionKeys {
  std::array<std::uint8_t, kKeyBytesMax> key{};
  std::array<std::uint8_t, kNonceBytes> iv{};
  std::array<std::uint8_t, kKeyBytesMax> header_key{};

  DirectionKeys() = default;
  DirectionKeys(const DirectionKeys&) = default;
  DirectionKeys& operator=(const DirectionKeys&) = default;
  ~DirectionKeys();
};
std::optional<DirectionKeys> derive_keys(Cipher cipher, Hash hash, ByteView secret);
/// The same without `header_key`, which a key update keeps (RFC 9001 §6).
std::optional<DirectionKeys> derive_packet_keys(Cipher cipher, Hash hash, ByteView secret);

/// The secrets of Initial packets: 32 bytes each.
struct InitialSecrets {
  std::array<std::uint8_t, 32> client{};
  std::array<std::uint8_t, 32> server{};
};
std::optional<InitialSecrets> derive_initial_secrets(ByteView destination_connection_id);

}  // namespace plait::quic
