#include "crypto/hash.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include "core/assert.hpp"
#include "crypto/openssl.hpp"

namespace plait::crypto {
namespace {

// One algorithm's state on one thread, initialised again for each text without another look-up.
class Hasher {
 public:
  explicit Hasher(const char* algorithm)
      : algorithm_(EVP_MD_fetch(nullptr, algorithm, nullptr)), context_(EVP_MD_CTX_new()) {
    PLAIT_ASSERT(algorithm_ && context_, "OpenSSL has no such hash");
  }
  template <std::size_t kBytes>
  Digest<kBytes> operator()(ByteView data) {
    Digest<kBytes> digest;
    const bool done = EVP_DigestInit_ex2(context_.get(), algorithm_.get(), nullptr) == 1 &&
                      EVP_DigestUpdate(context_.get(), data.data(), data.size()) == 1 &&
                      EVP_DigestFinal_ex(context_.get(), digest.data(), nullptr) == 1;
    PLAIT_ASSERT(done, "OpenSSL cannot hash");
    return digest;
  }

 private:
  Owned<EVP_MD, EVP_MD_free> algorithm_;
  Owned<EVP_MD_CTX, EVP_MD_CTX_free> context_;
};

class HmacSha256 {
 public:
  HmacSha256() : algorithm_(EVP_MAC_fetch(nullptr, "HMAC", nullptr)) {
    PLAIT_ASSERT(algorithm_, "OpenSSL has no HMAC");
    context_.reset(EVP_MAC_CTX_new(algorithm_.get()));
    std::array<char, 7> hash{"SHA256"};
    const std::array<OSSL_PARAM, 2> parameters{OSSL_PARAM_construct_utf8_string("digest", hash.data(), 0),
                                               OSSL_PARAM_construct_end()};
    PLAIT_ASSERT(context_ && EVP_MAC_CTX_set_params(context_.get(), parameters.data()) == 1,
                 "OpenSSL has no such HMAC");
  }
  Digest<32> operator()(ByteView key, ByteView data) {
    Digest<32> digest;
    static constexpr std::uint8_t kNoKey = 0;  // a null pointer would mean "the key of the last call"
    const std::uint8_t* key_data = key.empty() ? &kNoKey : key.data();
    const bool done = EVP_MAC_init(context_.get(), key_data, key.size(), nullptr) == 1 &&
                      EVP_MAC_update(context_.get(), data.data(), data.size()) == 1 &&
                      EVP_MAC_final(context_.get(), digest.data(), nullptr, digest.size()) == 1;
    PLAIT_ASSERT(done, "OpenSSL cannot authenticate");
    return digest;
  }

 private:
  Owned<EVP_MAC, EVP_MAC_free> algorithm_;
  Owned<EVP_MAC_CTX, EVP_MAC_CTX_free> context_;
};

}  // namespace

Digest<20> sha1(ByteView data) {
  thread_local Hasher hasher{"SHA1"};
  return hasher.operator()<20>(data);
}

Digest<32> sha256(ByteView data) {
  thread_local Hasher hasher{"SHA256"};
  return hasher.operator()<32>(data);
}

Digest<32> hmac_sha256(ByteView key, ByteView data) {
  thread_local HmacSha256 hmac;
  return hmac(key, data);
}

bool constant_time_equal(ByteView a, ByteView b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace plait::crypto
