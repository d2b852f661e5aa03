// Packet protection (RFC 9001 §5): the AEAD of payloads and the masks of headers.
//
// Two back ends. GnuTLS does every cipher. libipsec-mb does AES-GCM 3.5 times as fast per packet where the CPU has the
// instructions (86 against 322 ns for 1452 bytes), by one call without any set-up; it is used where it is built in and
// the CPU fits, and GnuTLS else. ngtcp2 sees both as one kind of handle.
#pragma once

#include <plait/bytes.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

#include "core/varint.hpp"

namespace plait::quic {

enum class Cipher : std::uint8_t { aes_128_gcm, aes_256_gcm, chacha20_poly1305 };

inline constexpr std::size_t kNonceBytes = 12;
inline constexpr std::size_t kTagBytes = 16;
inline constexpr std::size_t kSampleBytes = 16;
inline constexpr std::size_t kMaskBytes = 5;
inline constexpr std::size_t kKeyBytesMax = 32;

constexpr std::size_t key_bytes(Cipher cipher) { return cipher == Cipher::aes_128_gcm ? 16 : 32; }

/// Sees the payload of every packet that was opened, copies among them. ngtcp2 does not report all frames
/// (frame_scan.hpp).
class PayloadObserver {
 public:
  /// Of a 1-RTT packet.
  virtual void on_packet(std::uint64_t number, ByteView payload) = 0;
  /// Of an Initial packet, whose keys anybody has who saw the first one.
  virtual void on_initial_packet(ByteView payload) = 0;
  /// Of a Handshake packet, whose keys only the peer has.
  virtual void on_handshake_packet(ByteView payload) = 0;

 protected:
  ~PayloadObserver() = default;
};

/// One key for one direction.
class PacketKey {
 public:
  PacketKey() = default;
  PacketKey(const PacketKey&) = delete;
  PacketKey& operator=(const PacketKey&) = delete;
  virtual ~PacketKey() = default;
  /// Writes the ciphertext and the tag, kTagBytes more than `plaintext`. `out` may be where `plaintext` is.
  virtual bool seal(std::uint8_t* out, ByteView plaintext, const std::uint8_t* nonce, ByteView associated) = 0;
  /// Writes kTagBytes less than `ciphertext` has. False if it is not genuine; `out` is garbage then.
  virtual bool open(std::uint8_t* out, ByteView ciphertext, const std::uint8_t* nonce, ByteView associated) = 0;

  PayloadObserver* observer = nullptr;
  /// Of a 1-RTT packet's key with an observer: the end of its nonce without the packet's number (RFC 9001 §5.3).
  std::optional<std::uint64_t> nonce_end;
};

/// The last 8 bytes of a nonce.
constexpr std::uint64_t end_of_nonce(const std::uint8_t* nonce) {
  return core::load_big_endian(nonce + kNonceBytes - 8);
}

class HeaderKey {
 public:
  HeaderKey() = default;
  HeaderKey(const HeaderKey&) = delete;
  HeaderKey& operator=(const HeaderKey&) = delete;
  virtual ~HeaderKey() = default;
  /// kMaskBytes from a sample of kSampleBytes (RFC 9001 §5.4.3, §5.4.4).
  virtual bool mask(std::uint8_t* out, const std::uint8_t* sample) = 0;
};

enum class Backend : std::uint8_t { fastest, gnutls };

/// `key` has key_bytes(cipher). Null when out of memory.
std::unique_ptr<PacketKey> make_packet_key(Cipher cipher, ByteView key, Backend backend = Backend::fastest);
/// The same for a key that may never be used, as the next one of a key update: it is made from `key` by its first use,
/// and a kilobyte smaller until then.
std::unique_ptr<PacketKey> make_deferred_packet_key(Cipher cipher, ByteView key);
std::unique_ptr<HeaderKey> make_header_key(Cipher cipher, ByteView key, Backend backend = Backend::fastest);

// Of protection_ipsec.cpp; null if it is not built in, the CPU does not fit or the cipher is not one of its.
std::unique_ptr<PacketKey> make_ipsec_packet_key(Cipher cipher, ByteView key);
std::unique_ptr<HeaderKey> make_ipsec_header_key(Cipher cipher, ByteView key);

}  // namespace plait::quic
