// SigningKey: a private key that signs the handshakes of a TLS implementation which is not OpenSSL.
#pragma once

#include <plait/bytes.hpp>
#include <plait/result.hpp>

#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

namespace plait::crypto {

/// The families of RFC 8446 §4.2.3. `rsa_pss` is a key that may sign by RSASSA-PSS only (rsa_pss_pss_*).
enum class SigningKeyKind : std::uint8_t { rsa, rsa_pss, ecdsa, ed25519, ed448 };

enum class SigningHash : std::uint8_t { sha256, sha384, sha512 };

/// How an RSA key signs. An ECDSA key has one way.
enum class RsaPadding : std::uint8_t { pkcs1, pss };  ///< pss: with a salt as long as the hash

/// Any thread may sign, several at the same time. Copies share the key.
class SigningKey {
 public:
  /// Of a PEM text, not encrypted. The error says what is wrong with it.
  static Result<SigningKey, Error> parse(std::string_view pem);

  [[nodiscard]] SigningKeyKind kind() const { return kind_; }
  [[nodiscard]] unsigned bits() const;

  // The signature in the form that TLS sends (RFC 8446 §4.2.3). Empty if the key does not sign that way, or out of
  // memory.

  /// By RSA or ECDSA: of a digest that `hash` made.
  [[nodiscard]] std::vector<std::uint8_t> sign_digest(ByteView digest, SigningHash hash, RsaPadding padding) const;
  /// By Ed25519 or Ed448, which hash by themselves.
  [[nodiscard]] std::vector<std::uint8_t> sign_text(ByteView text) const;

 private:
  struct Held;
  SigningKey(std::shared_ptr<const Held> held, SigningKeyKind kind) : held_(std::move(held)), kind_(kind) {}

  std::shared_ptr<const Held> held_;
  SigningKeyKind kind_;
};

}  // namespace plait::crypto
