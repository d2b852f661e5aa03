#include "quic/protection.hpp"

#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>

#include <array>
#include <cstring>

#include "quic/datum.hpp"

namespace plait::quic {
namespace {

gnutls_cipher_algorithm_t aead_of(Cipher cipher) {
  switch (cipher) {
    case Cipher::aes_128_gcm:
      return GNUTLS_CIPHER_AES_128_GCM;
    case Cipher::aes_256_gcm:
      return GNUTLS_CIPHER_AES_256_GCM;
    default:
      return GNUTLS_CIPHER_CHACHA20_POLY1305;
  }
}

class GnutlsPacketKey final : public PacketKey {
 public:
  explicit GnutlsPacketKey(gnutls_aead_cipher_hd_t handle) : handle_(handle) {}
  ~GnutlsPacketKey() override { gnutls_aead_cipher_deinit(handle_); }

  bool seal(std::uint8_t* out, ByteView plaintext, const std::uint8_t* nonce, ByteView associated) override {
    std::size_t size = plaintext.size() + kTagBytes;
    return gnutls_aead_cipher_encrypt(handle_, nonce, kNonceBytes, associated.data(), associated.size(), kTagBytes,
                                      plaintext.data(), plaintext.size(), out, &size) == 0;
  }
  bool open(std::uint8_t* out, ByteView ciphertext, const std::uint8_t* nonce, ByteView associated) override {
    if (ciphertext.size() < kTagBytes) return false;
    std::size_t size = ciphertext.size() - kTagBytes;
    return gnutls_aead_cipher_decrypt(handle_, nonce, kNonceBytes, associated.data(), associated.size(), kTagBytes,
                                      ciphertext.data(), ciphertext.size(), out, &size) == 0;
  }

 private:
  gnutls_aead_cipher_hd_t handle_;
};

/// AES of one block is CBC of one block with an initialization vector of zeros.
class GnutlsAesHeaderKey final : public HeaderKey {
 public:
  explicit GnutlsAesHeaderKey(gnutls_cipher_hd_t handle) : handle_(handle) {}
  ~GnutlsAesHeaderKey() override { gnutls_cipher_deinit(handle_); }

  bool mask(std::uint8_t* out, const std::uint8_t* sample) override {
    std::array<std::uint8_t, kSampleBytes> zeros{};
    std::array<std::uint8_t, kSampleBytes> block;
    gnutls_cipher_set_iv(handle_, zeros.data(), zeros.size());
    if (gnutls_cipher_encrypt2(handle_, sample, kSampleBytes, block.data(), block.size()) != 0) return false;
    std::memcpy(out, block.data(), kMaskBytes);
    return true;
  }

 private:
  gnutls_cipher_hd_t handle_;
};

/// The sample is the block counter and the nonce (RFC 9001 §5.4.4).
class GnutlsChachaHeaderKey final : public HeaderKey {
 public:
  explicit GnutlsChachaHeaderKey(gnutls_cipher_hd_t handle) : handle_(handle) {}
  ~GnutlsChachaHeaderKey() override { gnutls_cipher_deinit(handle_); }

  bool mask(std::uint8_t* out, const std::uint8_t* sample) override {
    std::array<std::uint8_t, kSampleBytes> vector;
    const std::array<std::uint8_t, kMaskBytes> zeros{};
    std::memcpy(vector.data(), sample, kSampleBytes);
    gnutls_cipher_set_iv(handle_, vector.data(), vector.size());
    return gnutls_cipher_encrypt2(handle_, zeros.data(), zeros.size(), out, kMaskBytes) == 0;
  }

 private:
  gnutls_cipher_hd_t handle_;
};

class DeferredPacketKey final : public PacketKey {
 public:
  DeferredPacketKey(Cipher cipher, ByteView key) : cipher_(cipher) {
    std::memcpy(key_.data(), key.data(), key_bytes(cipher));
  }
  ~DeferredPacketKey() override { gnutls_memset(key_.data(), 0, key_.size()); }

  bool seal(std::uint8_t* out, ByteView plaintext, const std::uint8_t* nonce, ByteView associated) override {
    return is_made() && made_->seal(out, plaintext, nonce, associated);
  }
  bool open(std::uint8_t* out, ByteView ciphertext, const std::uint8_t* nonce, ByteView associated) override {
    return is_made() && made_->open(out, ciphertext, nonce, associated);
  }

 private:
  bool is_made() {
    if (made_ == nullptr) made_ = make_packet_key(cipher_, {key_.data(), key_bytes(cipher_)});
    return made_ != nullptr;
  }

  const Cipher cipher_;
  std::array<std::uint8_t, kKeyBytesMax> key_{};
  std::unique_ptr<PacketKey> made_;
};

}  // namespace

std::unique_ptr<PacketKey> make_deferred_packet_key(Cipher cipher, ByteView key) {
  return std::make_unique<DeferredPacketKey>(cipher, key);
}

std::unique_ptr<PacketKey> make_packet_key(Cipher cipher, ByteView key, Backend backend) {
  if (backend == Backend::fastest) {
    if (auto made = make_ipsec_packet_key(cipher, key)) return made;
  }
  gnutls_aead_cipher_hd_t handle = nullptr;
  const gnutls_datum_t data = datum(key);
  if (gnutls_aead_cipher_init(&handle, aead_of(cipher), &data) != 0) return nullptr;
  return std::make_unique<GnutlsPacketKey>(handle);
}

std::unique_ptr<HeaderKey> make_header_key(Cipher cipher, ByteView key, Backend backend) {
  if (backend == Backend::fastest) {
    if (auto made = make_ipsec_header_key(cipher, key)) return made;
  }
  gnutls_cipher_algorithm_t algorithm = GNUTLS_CIPHER_CHACHA20_32;
  if (cipher == Cipher::aes_128_gcm) algorithm = GNUTLS_CIPHER_AES_128_CBC;
  if (cipher == Cipher::aes_256_gcm) algorithm = GNUTLS_CIPHER_AES_256_CBC;
  gnutls_cipher_hd_t handle = nullptr;
  const gnutls_datum_t data = datum(key);
  if (gnutls_cipher_init(&handle, algorithm, &data, nullptr) != 0) return nullptr;
  if (cipher == Cipher::chacha20_poly1305) return std::make_unique<GnutlsChachaHeaderKey>(handle);
  return std::make_unique<GnutlsAesHeaderKey>(handle);
}

}  // namespace plait::quic
