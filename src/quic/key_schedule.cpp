#include "quic/key_schedule.hpp"

#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>

#include <algorithm>

#include "core/assert.hpp"
#include "quic/datum.hpp"

namespace plait::quic {
namespace {

// RFC 9001 §5.2.
constexpr std::array<std::uint8_t, 20> kInitialSalt = {0x38, 0x76, 0x2c, 0xf7, 0xf5, 0x59, 0x34, 0xb3, 0x4d, 0x17,
                                                       0x9a, 0xe6, 0xa4, 0xc8, 0x0c, 0xad, 0xcc, 0xbb, 0x7f, 0x0a};

gnutls_mac_algorithm_t mac_of(Hash hash) { return hash == Hash::sha256 ? GNUTLS_MAC_SHA256 : GNUTLS_MAC_SHA384; }

}  // namespace

bool expand_label(Hash hash, ByteView secret, std::string_view label, MutableByteView out) {
  constexpr std::string_view kPrefix = "tls13 ";
  std::array<std::uint8_t, 32> info{};
  PLAIT_ASSERT(label.size() + kPrefix.size() + 4 <= info.size(), "labels are short");
  info[0] = static_cast<std::uint8_t>(out.size() >> 8);
  info[1] = static_cast<std::uint8_t>(out.size());
  info[2] = static_cast<std::uint8_t>(kPrefix.size() + label.size());
  auto end = std::copy(kPrefix.begin(), kPrefix.end(), info.begin() + 3);
  end = std::copy(label.begin(), label.end(), end);
  *end++ = 0;  // no context
  const gnutls_datum_t key = datum(secret);
  const gnutls_datum_t data = datum({info.data(), static_cast<std::size_t>(end - info.begin())});
  return gnutls_hkdf_expand(mac_of(hash), &key, &data, out.data(), out.size()) == 0;
}

DirectionKeys::~DirectionKeys() {
  gnutls_memset(key.data(), 0, key.size());
  gnutls_memset(header_key.data(), 0, header_key.size());
}

std::optional<DirectionKeys> derive_keys(Cipher cipher, Hash hash, ByteView secret) {
  auto keys = derive_packet_keys(cipher, hash, secret);
  if (!keys || !expand_label(hash, secret, "quic hp", {keys->header_key.data(), key_bytes(cipher)})) {
    return std::nullopt;
  }
  return keys;
}

std::optional<DirectionKeys> derive_packet_keys(Cipher cipher, Hash hash, ByteView secret) {
  DirectionKeys keys;
  if (!expand_label(hash, secret, "quic key", {keys.key.data(), key_bytes(cipher)}) ||
      !expand_label(hash, secret, "quic iv", keys.iv)) {
    return std::nullopt;
  }
  return keys;
}

std::optional<InitialSecrets> derive_initial_secrets(ByteView destination_connection_id) {
  const gnutls_datum_t input = datum(destination_connection_id);
  const gnutls_datum_t salt = datum(kInitialSalt);
  std::array<std::uint8_t, 32> common{};
  InitialSecrets secrets;
  if (gnutls_hkdf_extract(GNUTLS_MAC_SHA256, &input, &salt, common.data()) != 0 ||
      !expand_label(Hash::sha256, common, "client in", secrets.client) ||
      !expand_label(Hash::sha256, common, "server in", secrets.server)) {
    return std::nullopt;
  }
  return secrets;
}

}  // namespace plait::quic
