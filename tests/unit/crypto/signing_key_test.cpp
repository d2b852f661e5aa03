#include "crypto/signing_key.hpp"

#include <gmock/gmock.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "crypto/hash.hpp"
#include "crypto/pem.hpp"

namespace plait::crypto {
namespace {

using testing::HasSubstr;
using Signature = std::vector<std::uint8_t>;

constexpr std::string_view kText = "a handshake's transcript";

Key generate(const char* type) { return Key{EVP_PKEY_Q_keygen(nullptr, nullptr, type)}; }
Key generate_ecdsa(const char* curve) { return Key{EVP_EC_gen(curve)}; }
Key generate_rsa() { return Key{EVP_RSA_gen(2048)}; }

SigningKey parsed(EVP_PKEY& key) { return SigningKey::parse(pem_of(key)).value(); }

/// Whether OpenSSL takes `signature` for `text` hashed by `hash` (none for EdDSA), as `key` would make it.
bool verifies(EVP_PKEY& key, const Signature& signature, ByteView text, const EVP_MD* hash, bool pss = false) {
  const Owned<EVP_MD_CTX, EVP_MD_CTX_free> context{EVP_MD_CTX_new()};
  EVP_PKEY_CTX* parameters = nullptr;
  EXPECT_EQ(EVP_DigestVerifyInit(context.get(), &parameters, hash, nullptr, &key), 1);
  if (pss) {
    EVP_PKEY_CTX_set_rsa_padding(parameters, RSA_PKCS1_PSS_PADDING);
    EVP_PKEY_CTX_set_rsa_pss_saltlen(parameters, RSA_PSS_SALTLEN_DIGEST);
  }
  return EVP_DigestVerify(context.get(), signature.data(), signature.size(), text.data(), text.size()) == 1;
}

TEST(SigningKey, Rfc8446Section4_2_3_EcdsaSignsADigest) {
  const Key key = generate_ecdsa("P-256");
  const SigningKey signing = parsed(*key);
  EXPECT_EQ(signing.kind(), SigningKeyKind::ecdsa);
  EXPECT_EQ(signing.bits(), 256U);
  const auto digest = sha256(as_bytes(kText));
  const Signature signature = signing.sign_digest(digest, SigningHash::sha256, RsaPadding::pkcs1);
  EXPECT_TRUE(verifies(*key, signature, as_bytes(kText), EVP_sha256()));
  EXPECT_FALSE(verifies(*key, signature, as_bytes("another text"), EVP_sha256()));
}

TEST(SigningKey, Rfc8446Section4_2_3_RsaSignsByBothPaddings) {
  const Key key = generate_rsa();
  const SigningKey signing = parsed(*key);
  EXPECT_EQ(signing.kind(), SigningKeyKind::rsa);
  EXPECT_EQ(signing.bits(), 2048U);
  const auto digest = sha256(as_bytes(kText));
  const Signature pkcs1 = signing.sign_digest(digest, SigningHash::sha256, RsaPadding::pkcs1);
  const Signature pss = signing.sign_digest(digest, SigningHash::sha256, RsaPadding::pss);
  EXPECT_TRUE(verifies(*key, pkcs1, as_bytes(kText), EVP_sha256()));
  EXPECT_TRUE(verifies(*key, pss, as_bytes(kText), EVP_sha256(), true));
  EXPECT_FALSE(verifies(*key, pkcs1, as_bytes(kText), EVP_sha256(), true));
}

TEST(SigningKey, SeveralThreadsSign) {
  const Key key = generate_ecdsa("P-256");
  const SigningKey signing = parsed(*key);
  const auto digest = sha256(as_bytes(kText));
  std::vector<std::thread> threads;
  std::atomic<int> good = 0;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      const Signature signature = signing.sign_digest(digest, SigningHash::sha256, RsaPadding::pkcs1);
      good += verifies(*key, signature, as_bytes(kText), EVP_sha256()) ? 1 : 0;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(good, 4);
}

TEST(SigningKey, Rfc8446Section4_2_3_EdDsaSignsTheTextItself) {
  for (const auto& [type, kind] : {std::pair{"ED25519", SigningKeyKind::ed25519}, {"ED448", SigningKeyKind::ed448}}) {
    const Key key = generate(type);
    const SigningKey signing = parsed(*key);
    EXPECT_EQ(signing.kind(), kind);
    EXPECT_TRUE(verifies(*key, signing.sign_text(as_bytes(kText)), as_bytes(kText), nullptr)) << type;
  }
}

TEST(SigningKey, WhatAKeyCannotDoGivesNoSignature) {
  const Key ecdsa = generate_ecdsa("P-384");
  const Key edwards = generate("ED25519");
  const auto digest = sha256(as_bytes(kText));
  EXPECT_TRUE(parsed(*ecdsa).sign_digest(digest, SigningHash::sha384, RsaPadding::pkcs1).empty()) << "a short digest";
  EXPECT_TRUE(parsed(*edwards).sign_digest(digest, SigningHash::sha256, RsaPadding::pkcs1).empty());
}

TEST(SigningKey, MistakesAreNamed) {
  EXPECT_THAT(SigningKey::parse("no key").error().message, HasSubstr("no PEM text"));
  const Key agreement = generate("X25519");
  EXPECT_THAT(SigningKey::parse(pem_of(*agreement)).error().message, HasSubstr("use ECDSA, RSA or EdDSA"));
}

}  // namespace
}  // namespace plait::crypto
