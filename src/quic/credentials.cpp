#include "quic/credentials.hpp"

#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>
#include <vector>

#include "crypto/signing_key.hpp"
#include "quic/datum.hpp"

namespace plait::quic {
namespace {

using crypto::RsaPadding;
using crypto::SigningHash;
using crypto::SigningKey;
using crypto::SigningKeyKind;
using PrivateKey = std::unique_ptr<gnutls_privkey_st, GnutlsFree<gnutls_privkey_deinit>>;

constexpr unsigned kChainMax = 16;

/// Certificates that GnuTLS has read, freed with it.
struct Chain {
  std::array<gnutls_pcert_st, kChainMax> certificates{};
  unsigned count = kChainMax;

  Chain() = default;
  Chain(const Chain&) = delete;
  Chain& operator=(const Chain&) = delete;
  ~Chain() {
    for (unsigned i = 0; i < count; ++i) gnutls_pcert_deinit(&certificates[i]);
  }
};

struct SigningMethod {
  SigningHash hash;
  RsaPadding padding = RsaPadding::pkcs1;
};

// RFC 8446 §4.2.3, and what GnuTLS signs with once to see that key and certificate belong together.
std::optional<SigningMethod> method_of(gnutls_sign_algorithm_t algorithm) {
  switch (algorithm) {
    case GNUTLS_SIGN_ECDSA_SHA256:
    case GNUTLS_SIGN_ECDSA_SECP256R1_SHA256:
    case GNUTLS_SIGN_RSA_SHA256:
      return SigningMethod{SigningHash::sha256};
    case GNUTLS_SIGN_ECDSA_SHA384:
    case GNUTLS_SIGN_ECDSA_SECP384R1_SHA384:
    case GNUTLS_SIGN_RSA_SHA384:
      return SigningMethod{SigningHash::sha384};
    case GNUTLS_SIGN_ECDSA_SHA512:
    case GNUTLS_SIGN_ECDSA_SECP521R1_SHA512:
    case GNUTLS_SIGN_RSA_SHA512:
      return SigningMethod{SigningHash::sha512};
    case GNUTLS_SIGN_RSA_PSS_RSAE_SHA256:
    case GNUTLS_SIGN_RSA_PSS_SHA256:
      return SigningMethod{SigningHash::sha256, RsaPadding::pss};
    case GNUTLS_SIGN_RSA_PSS_RSAE_SHA384:
    case GNUTLS_SIGN_RSA_PSS_SHA384:
      return SigningMethod{SigningHash::sha384, RsaPadding::pss};
    case GNUTLS_SIGN_RSA_PSS_RSAE_SHA512:
    case GNUTLS_SIGN_RSA_PSS_SHA512:
      return SigningMethod{SigningHash::sha512, RsaPadding::pss};
    default:
      return std::nullopt;
  }
}

gnutls_pk_algorithm_t algorithm_of(SigningKeyKind kind) {
  switch (kind) {
    case SigningKeyKind::rsa:
      return GNUTLS_PK_RSA;
    case SigningKeyKind::rsa_pss:
      return GNUTLS_PK_RSA_PSS;
    case SigningKeyKind::ecdsa:
      return GNUTLS_PK_ECDSA;
    case SigningKeyKind::ed25519:
      return GNUTLS_PK_EDDSA_ED25519;
    case SigningKeyKind::ed448:
      return GNUTLS_PK_EDDSA_ED448;
  }
  return GNUTLS_PK_UNKNOWN;
}

// --- GnuTLS's callbacks; `user` is the SigningKey that release_key() frees ------------------------------------------

int give(const std::vector<std::uint8_t>& made, gnutls_datum_t& signature) {
  if (made.empty()) return GNUTLS_E_PK_SIGN_FAILED;
  signature.data = static_cast<unsigned char*>(gnutls_malloc(made.size()));  // GnuTLS frees it
  if (signature.data == nullptr) return GNUTLS_E_MEMORY_ERROR;
  std::ranges::copy(made, signature.data);
  signature.size = static_cast<unsigned>(made.size());
  return 0;
}

int sign_digest(gnutls_privkey_t /*key*/, gnutls_sign_algorithm_t algorithm, void* user, unsigned /*flags*/,
                const gnutls_datum_t* digest, gnutls_datum_t* signature) {
  const auto method = method_of(algorithm);
  if (!method) return GNUTLS_E_UNSUPPORTED_SIGNATURE_ALGORITHM;
  const auto& key = *static_cast<const SigningKey*>(user);
  return give(key.sign_digest({digest->data, digest->size}, method->hash, method->padding), *signature);
}

// GnuTLS asks it of keys that hash by themselves.
int sign_text(gnutls_privkey_t /*key*/, gnutls_sign_algorithm_t /*algorithm*/, void* user, unsigned /*flags*/,
              const gnutls_datum_t* text, gnutls_datum_t* signature) {
  return give(static_cast<const SigningKey*>(user)->sign_text({text->data, text->size}), *signature);
}

bool signs_by(const SigningKey& key, gnutls_sign_algorithm_t algorithm) {
  const bool hashes_itself = key.kind() == SigningKeyKind::ed25519 || key.kind() == SigningKeyKind::ed448;
  return hashes_itself ? gnutls_sign_supports_pk_algorithm(algorithm, algorithm_of(key.kind())) != 0
                       : method_of(algorithm).has_value();
}

int describe_key(gnutls_privkey_t /*key*/, unsigned flags, void* user) {
  const auto& key = *static_cast<const SigningKey*>(user);
  if ((flags & GNUTLS_PRIVKEY_INFO_PK_ALGO_BITS) != 0) return static_cast<int>(key.bits());
  if ((flags & GNUTLS_PRIVKEY_INFO_HAVE_SIGN_ALGO) != 0) {
    return signs_by(key, static_cast<gnutls_sign_algorithm_t>(GNUTLS_FLAGS_TO_SIGN_ALGO(flags))) ? 1 : 0;
  }
  return (flags & GNUTLS_PRIVKEY_INFO_PK_ALGO) != 0 ? algorithm_of(key.kind()) : -1;
}

void release_key(gnutls_privkey_t /*key*/, void* user) { delete static_cast<SigningKey*>(user); }

PrivateKey make_private_key(SigningKey key) {
  gnutls_privkey_t raw = nullptr;
  if (gnutls_privkey_init(&raw) != 0) return nullptr;
  PrivateKey made{raw};
  auto held = std::make_unique<SigningKey>(std::move(key));
  if (gnutls_privkey_import_ext4(raw, held.get(), sign_text, sign_digest, nullptr, release_key, describe_key,
                                 GNUTLS_PRIVKEY_IMPORT_AUTO_RELEASE) != 0) {
    return nullptr;
  }
  static_cast<void>(held.release());
  return made;
}

}  // namespace

std::string add_certificate(const std::string& certificate_pem, const std::string& key_pem,
                            const Credentials& credentials) {
  auto key = SigningKey::parse(key_pem);
  if (!key) return key.error().message;
  PrivateKey private_key = make_private_key(std::move(*key));
  if (!private_key) return "GnuTLS is out of memory";
  Chain chain;
  const gnutls_datum_t text = datum(as_bytes(certificate_pem));
  int status =
      gnutls_pcert_list_import_x509_raw(chain.certificates.data(), &chain.count, &text, GNUTLS_X509_FMT_PEM, 0);
  if (status < 0) {
    chain.count = 0;
    return std::string{"the certificate is no PEM text that GnuTLS reads: "} + gnutls_strerror(status);
  }
  status = gnutls_certificate_set_key(credentials.get(), nullptr, 0, chain.certificates.data(),
                                      static_cast<int>(chain.count), private_key.get());
  if (status >= 0) {  // only then are they the credentials'
    static_cast<void>(private_key.release());
    chain.count = 0;
    return "";
  }
  if (status == GNUTLS_E_CERTIFICATE_KEY_MISMATCH) {
    return "the private key does not belong to the certificate: give the pair that was made together";
  }
  return std::string{"the certificate and its private key do not work together: "} + gnutls_strerror(status);
}

}  // namespace plait::quic
