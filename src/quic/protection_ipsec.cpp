// AES-GCM by libipsec-mb's direct calls. They need no state but the expanded key, so one manager (a table of functions
// for this CPU, which they only read) serves all threads.
#include "quic/protection.hpp"

#ifdef PLAIT_IPSEC_MB

#include <intel-ipsec-mb.h>

#include <array>
#include <cstring>

#include "crypto/hash.hpp"

namespace plait::quic {
namespace {

const IMB_MGR* make_manager() {
  IMB_MGR* manager = alloc_mb_mgr(0);
  if (manager == nullptr) return nullptr;
  constexpr std::uint64_t kNeeded = IMB_FEATURE_AESNI | IMB_FEATURE_PCLMULQDQ;
  if ((manager->features & kNeeded) != kNeeded) {
    free_mb_mgr(manager);
    return nullptr;
  }
  init_mb_mgr_auto(manager, nullptr);
  if (imb_get_errno(manager) == 0) return manager;
  free_mb_mgr(manager);
  return nullptr;
}

const IMB_MGR* manager() {
  static const IMB_MGR* const instance = make_manager();
  return instance;
}

class IpsecPacketKey final : public PacketKey {
 public:
  IpsecPacketKey(const IMB_MGR& manager, Cipher cipher, ByteView key) {
    if (cipher == Cipher::aes_128_gcm) {
      manager.gcm128_pre(key.data(), &key_);
      seal_ = manager.gcm128_enc;
      open_ = manager.gcm128_dec;
    } else {
      manager.gcm256_pre(key.data(), &key_);
      seal_ = manager.gcm256_enc;
      open_ = manager.gcm256_dec;
    }
  }
  ~IpsecPacketKey() override { imb_clear_mem(&key_, sizeof(key_)); }

  bool seal(std::uint8_t* out, ByteView plaintext, const std::uint8_t* nonce, ByteView associated) override {
    gcm_context_data context;
    seal_(&key_, &context, out, plaintext.data(), plaintext.size(), nonce, associated.data(), associated.size(),
          out + plaintext.size(), kTagBytes);
    return true;
  }
  bool open(std::uint8_t* out, ByteView ciphertext, const std::uint8_t* nonce, ByteView associated) override {
    if (ciphertext.size() < kTagBytes) return false;
    const std::size_t size = ciphertext.size() - kTagBytes;
    gcm_context_data context;
    std::array<std::uint8_t, kTagBytes> tag;
    open_(&key_, &context, out, ciphertext.data(), size, nonce, associated.data(), associated.size(), tag.data(),
          kTagBytes);
    return crypto::constant_time_equal(tag, ciphertext.subspan(size));
  }

 private:
  gcm_key_data key_;
  aes_gcm_enc_dec_t seal_;
  aes_gcm_enc_dec_t open_;
};

/// AES of one block: cipher feedback of one block of zeros with the sample as initialization vector.
class IpsecHeaderKey final : public HeaderKey {
 public:
  IpsecHeaderKey(const IMB_MGR& manager, ByteView key) : encrypt_(manager.aes128_cfb_one) {
    Rounds unused;
    manager.keyexp_128(key.data(), rounds_.data(), unused.data());
    imb_clear_mem(unused.data(), sizeof(Rounds));
  }
  ~IpsecHeaderKey() override { imb_clear_mem(rounds_.data(), sizeof(Rounds)); }

  bool mask(std::uint8_t* out, const std::uint8_t* sample) override {
    alignas(16) std::array<std::uint8_t, kSampleBytes> block{};
    encrypt_(block.data(), block.data(), sample, rounds_.data(), block.size());
    std::memcpy(out, block.data(), kMaskBytes);
    return true;
  }

 private:
  // AES-128: 11 keys of a block each.
  using Rounds = std::array<std::uint8_t, 176>;
  alignas(16) Rounds rounds_;
  aes_cfb_t encrypt_;
};

}  // namespace

std::unique_ptr<PacketKey> make_ipsec_packet_key(Cipher cipher, ByteView key) {
  if (cipher == Cipher::chacha20_poly1305 || manager() == nullptr) return nullptr;
  return std::make_unique<IpsecPacketKey>(*manager(), cipher, key);
}

std::unique_ptr<HeaderKey> make_ipsec_header_key(Cipher cipher, ByteView key) {
  if (cipher != Cipher::aes_128_gcm || manager() == nullptr) return nullptr;
  return std::make_unique<IpsecHeaderKey>(*manager(), key);
}

}  // namespace plait::quic

#else

namespace plait::quic {

std::unique_ptr<PacketKey> make_ipsec_packet_key(Cipher /*cipher*/, ByteView /*key*/) { return nullptr; }
std::unique_ptr<HeaderKey> make_ipsec_header_key(Cipher /*cipher*/, ByteView /*key*/) { return nullptr; }

}  // namespace plait::quic

#endif
