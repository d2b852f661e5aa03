// JSON Web Tokens (RFC 7519) in the compact form of a signed JWS (RFC 7515 §7.1), by the rules of RFC 8725.
//
// A key belongs to one algorithm, and a token must name that one: what the token says never chooses how it is verified.
// Nothing of the payload is looked at before the signature is known to be right.
#pragma once

#include <plait/bytes.hpp>
#include <plait/result.hpp>

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace plait::crypto {

/// Why a token was refused; one per rule, in the order in which they are checked.
enum class JwtError : std::uint8_t {
  too_large,                   ///< above kTokenBytesMax
  not_three_parts,             ///< header.payload.signature
  header_not_base64url,        ///< also with padding, white space or unused bits set (RFC 7515 §2)
  header_not_json,             ///< no JSON object
  duplicate_header_parameter,  ///< RFC 7515 §4
  algorithm_missing,           ///< RFC 7515 §4.1.1
  algorithm_not_allowed,       ///< another than the key's, "none" included (RFC 8725 §3.1)
  critical_header_parameter,   ///< "crit" names extensions, and we have none (RFC 7515 §4.1.11)
  signature_not_base64url,
  wrong_signature,
  payload_not_base64url,
  payload_not_json,
  duplicate_claim,  ///< RFC 7519 §4
  subject_not_a_string,
  expiry_missing,
  expiry_not_a_number,
  expired,
  not_before_not_a_number,
  not_yet_valid,
  issuer_missing,
  wrong_issuer,
  audience_missing,
  audience_not_configured,  ///< the token is meant for someone, and we have no name (RFC 7519 §4.1.3)
  wrong_audience,
};
/// A sentence for a log that names the claim or parameter.
[[nodiscard]] std::string_view describe(JwtError error);

inline constexpr std::size_t kTokenBytesMax = 8 << 10;

/// A secret and the algorithm that it is for.
class JwtKey {
 public:
  /// HMAC with SHA-256. At least 32 bytes (RFC 7518 §3.2); the error is a sentence for a person.
  static Result<JwtKey, Error> hs256(ByteView secret);

  [[nodiscard]] std::string_view algorithm() const { return "HS256"; }
  [[nodiscard]] std::vector<std::uint8_t> sign(ByteView signing_input) const;
  [[nodiscard]] bool verify(ByteView signing_input, ByteView signature) const;

 private:
  explicit JwtKey(ByteView secret) : secret_(secret.begin(), secret.end()) {}
  std::vector<std::uint8_t> secret_;
};

/// What a token must claim besides being signed.
struct JwtRules {
  std::string issuer;    ///< `iss` must be this; empty: anything
  std::string audience;  ///< `aud` must be or contain this; empty: only tokens without `aud` are accepted
};

/// How far our clock and the issuer's may be apart.
inline constexpr std::chrono::seconds kClockSkew{30};

/// What a verified token says.
struct Claims {
  std::string subject;              ///< `sub`, empty if there is none
  std::chrono::sys_seconds expiry;  ///< `exp`, rounded down, at most the end of the year 9999
};

/// `claims` is the JSON text of an object.
[[nodiscard]] std::string sign_jwt(const JwtKey& key, std::string_view claims);

/// The claims of `token` if it is signed by `key` and keeps `rules` at the time `now`. From any thread.
Result<Claims, JwtError> verify_jwt(std::string_view token, const JwtKey& key, const JwtRules& rules,
                                    std::chrono::system_clock::time_point now);

}  // namespace plait::crypto
