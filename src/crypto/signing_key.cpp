#include "crypto/signing_key.hpp"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

#include <optional>
#include <utility>

#include "crypto/pem.hpp"

namespace plait::crypto {
namespace {

using Context = Owned<EVP_PKEY_CTX, EVP_PKEY_CTX_free>;
using TextContext = Owned<EVP_MD_CTX, EVP_MD_CTX_free>;

std::optional<SigningKeyKind> kind_of(const EVP_PKEY& key) {
  switch (EVP_PKEY_get_base_id(&key)) {
    case EVP_PKEY_RSA:
      return SigningKeyKind::rsa;
    case EVP_PKEY_RSA_PSS:
      return SigningKeyKind::rsa_pss;
    case EVP_PKEY_EC:
      return SigningKeyKind::ecdsa;
    case EVP_PKEY_ED25519:
      return SigningKeyKind::ed25519;
    case EVP_PKEY_ED448:
      return SigningKeyKind::ed448;
    default:
      return std::nullopt;
  }
}

const EVP_MD* digest_of(SigningHash hash) {
  switch (hash) {
    case SigningHash::sha256:
      return EVP_sha256();
    case SigningHash::sha384:
      return EVP_sha384();
    case SigningHash::sha512:
      return EVP_sha512();
  }
  return nullptr;
}

bool is_rsa(SigningKeyKind kind) { return kind == SigningKeyKind::rsa || kind == SigningKeyKind::rsa_pss; }

bool set_padding(EVP_PKEY_CTX* context, const EVP_MD* digest, RsaPadding padding) {
  if (EVP_PKEY_CTX_set_signature_md(context, digest) != 1) return false;
  if (padding == RsaPadding::pkcs1) return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PADDING) == 1;
  return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING) == 1 &&
         EVP_PKEY_CTX_set_rsa_pss_saltlen(context, RSA_PSS_SALTLEN_DIGEST) == 1;
}

/// Null if the key signs no digests.
Context begin_signing(EVP_PKEY* key) {
  Context context{EVP_PKEY_CTX_new(key, nullptr)};
  if (context && EVP_PKEY_sign_init(context.get()) == 1) return context;
  ERR_clear_error();
  return nullptr;
}

/// `size` bytes of `signature` if `signed_well`; else nothing, and OpenSSL's error queue empty.
std::vector<std::uint8_t> finish(std::vector<std::uint8_t> signature, std::size_t size, bool signed_well) {
  if (!signed_well) ERR_clear_error();
  signature.resize(signed_well ? size : 0);
  return signature;
}

}  // namespace

struct SigningKey::Held {
  explicit Held(Key taken) : key(std::move(taken)), begun(begin_signing(key.get())) {}

  Key key;
  // Copied for each signature: to begin one, OpenSSL searches the names of all its algorithms.
  Context begun;
};

Result<SigningKey, Error> SigningKey::parse(std::string_view pem) {
  Key key = private_key_of_pem(pem);
  if (!key) return err(Error{"the private key is no PEM text with an unencrypted key"});
  const auto kind = kind_of(*key);
  if (!kind) return err(Error{"the private key is of a kind that TLS 1.3 does not sign with: use ECDSA, RSA or EdDSA"});
  return SigningKey{std::make_shared<const Held>(std::move(key)), *kind};
}

unsigned SigningKey::bits() const { return static_cast<unsigned>(EVP_PKEY_get_bits(held_->key.get())); }

std::vector<std::uint8_t> SigningKey::sign_digest(ByteView digest, SigningHash hash, RsaPadding padding) const {
  const EVP_MD* made_by = digest_of(hash);
  if (!held_->begun || digest.size() != static_cast<std::size_t>(EVP_MD_get_size(made_by))) return {};
  const Context context{EVP_PKEY_CTX_dup(held_->begun.get())};
  std::vector<std::uint8_t> signature(static_cast<std::size_t>(EVP_PKEY_get_size(held_->key.get())));
  std::size_t size = signature.size();
  const bool signed_well = context && (!is_rsa(kind_) || set_padding(context.get(), made_by, padding)) &&
                           EVP_PKEY_sign(context.get(), signature.data(), &size, digest.data(), digest.size()) == 1;
  return finish(std::move(signature), size, signed_well);
}

std::vector<std::uint8_t> SigningKey::sign_text(ByteView text) const {
  EVP_PKEY* key = held_->key.get();
  const TextContext context{EVP_MD_CTX_new()};
  std::vector<std::uint8_t> signature(static_cast<std::size_t>(EVP_PKEY_get_size(key)));
  std::size_t size = signature.size();
  const bool signed_well = context && EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, key) == 1 &&
                           EVP_DigestSign(context.get(), signature.data(), &size, text.data(), text.size()) == 1;
  return finish(std::move(signature), size, signed_well);
}

}  // namespace plait::crypto
