#include "crypto/jwt.hpp"

#include <algorithm>
#include <cmath>
#include <optional>

#include "codec/base64.hpp"
#include "codec/json.hpp"
#include "crypto/hash.hpp"

namespace plait::crypto {
namespace {

using codec::JsonKind;
using codec::JsonValue;

constexpr std::size_t kSecretBytesMin = 32;
constexpr double kExpiryMax = 253402300799.0;  // 9999-12-31T23:59:59Z

struct Parts {
  std::string_view header;
  std::string_view payload;
  std::string_view signature;
  std::string_view signing_input;  // header.payload
};

std::optional<Parts> split(std::string_view token) {
  const std::size_t first = token.find('.');
  const std::size_t second = first == token.npos ? token.npos : token.find('.', first + 1);
  if (second == token.npos || token.find('.', second + 1) != token.npos) return std::nullopt;
  return Parts{token.substr(0, first), token.substr(first + 1, second - first - 1), token.substr(second + 1),
               token.substr(0, second)};
}

// The object that `text` is; absent if it is none.
JsonValue parse_object(std::string_view text) {
  thread_local codec::JsonParser parser{kTokenBytesMax};
  const auto value = parser.parse(text);
  return value && value->kind() == JsonKind::object ? *value : JsonValue{};
}

bool has_duplicate_names(const JsonValue& object) {
  std::vector<std::string_view> names;
  for (const codec::JsonMember member : object.members()) names.push_back(member.name);
  std::sort(names.begin(), names.end());
  return std::adjacent_find(names.begin(), names.end()) != names.end();
}

Result<void, JwtError> check_header(std::string_view encoded, const JwtKey& key) {
  const auto text = codec::decode_base64(encoded, codec::Base64::url);
  if (!text) return err(JwtError::header_not_base64url);
  const JsonValue header = parse_object(as_text(*text));
  if (!header) return err(JwtError::header_not_json);
  if (has_duplicate_names(header)) return err(JwtError::duplicate_header_parameter);
  const auto algorithm = header.find("alg").as_string();
  if (!algorithm) return err(JwtError::algorithm_missing);
  if (*algorithm != key.algorithm()) return err(JwtError::algorithm_not_allowed);
  if (header.find("crit")) return err(JwtError::critical_header_parameter);
  return {};
}

Result<void, JwtError> check_signature(const Parts& parts, const JwtKey& key) {
  const auto signature = codec::decode_base64(parts.signature, codec::Base64::url);
  if (!signature) return err(JwtError::signature_not_base64url);
  if (!key.verify(as_bytes(parts.signing_input), *signature)) return err(JwtError::wrong_signature);
  return {};
}

// NumericDate (RFC 7519 §2): seconds since 1970, perhaps with a fraction.
Result<void, JwtError> check_times(const JsonValue& claims, double now) {
  const auto skew = static_cast<double>(kClockSkew.count());
  const JsonValue expiry = claims.find("exp");
  if (!expiry) return err(JwtError::expiry_missing);
  if (!expiry.as_double()) return err(JwtError::expiry_not_a_number);
  if (now - skew >= *expiry.as_double()) return err(JwtError::expired);
  const JsonValue not_before = claims.find("nbf");
  if (not_before && !not_before.as_double()) return err(JwtError::not_before_not_a_number);
  if (not_before && now + skew < *not_before.as_double()) return err(JwtError::not_yet_valid);
  return {};
}

Result<void, JwtError> check_issuer(const JsonValue& issuer, const std::string& expected) {
  if (expected.empty()) return {};
  if (!issuer) return err(JwtError::issuer_missing);
  if (issuer.as_string() != expected) return err(JwtError::wrong_issuer);
  return {};
}

Result<void, JwtError> check_audience(const JsonValue& audience, const std::string& expected) {
  if (!audience && expected.empty()) return {};
  if (!audience) return err(JwtError::audience_missing);
  if (expected.empty()) return err(JwtError::audience_not_configured);
  if (audience.as_string() == expected) return {};
  for (const JsonValue element : audience.elements()) {
    if (element.as_string() == expected) return {};
  }
  return err(JwtError::wrong_audience);
}

std::chrono::sys_seconds to_time(double expiry) {
  const double seconds = std::clamp(std::floor(expiry), -kExpiryMax, kExpiryMax);
  return std::chrono::sys_seconds{std::chrono::seconds{static_cast<std::int64_t>(seconds)}};
}

Result<Claims, JwtError> check_payload(std::string_view encoded, const JwtRules& rules, double now) {
  const auto text = codec::decode_base64(encoded, codec::Base64::url);
  if (!text) return err(JwtError::payload_not_base64url);
  const JsonValue claims = parse_object(as_text(*text));
  if (!claims) return err(JwtError::payload_not_json);
  if (has_duplicate_names(claims)) return err(JwtError::duplicate_claim);
  const JsonValue subject = claims.find("sub");
  if (subject && !subject.as_string()) return err(JwtError::subject_not_a_string);
  if (auto checked = check_times(claims, now); !checked) return err(checked.error());
  if (auto checked = check_issuer(claims.find("iss"), rules.issuer); !checked) return err(checked.error());
  if (auto checked = check_audience(claims.find("aud"), rules.audience); !checked) return err(checked.error());
  return Claims{std::string{subject.as_string().value_or("")}, to_time(*claims.find("exp").as_double())};
}

}  // namespace

std::string_view describe(JwtError error) {
  switch (error) {
    case JwtError::too_large:
      return "the token is larger than 8 KiB";
    case JwtError::not_three_parts:
      return "the token is not of the form header.payload.signature";
    case JwtError::header_not_base64url:
      return "the token's header is not base64url";
    case JwtError::header_not_json:
      return "the token's header is not a JSON object";
    case JwtError::duplicate_header_parameter:
      return "the token's header has a parameter twice";
    case JwtError::algorithm_missing:
      return "the token's header has no \"alg\"";
    case JwtError::algorithm_not_allowed:
      return "the token's \"alg\" is not the algorithm of the configured key";
    case JwtError::critical_header_parameter:
      return "the token's \"crit\" asks for extensions that are not supported";
    case JwtError::signature_not_base64url:
      return "the token's signature is not base64url";
    case JwtError::wrong_signature:
      return "the token's signature was not made with the configured key";
    case JwtError::payload_not_base64url:
      return "the token's payload is not base64url";
    case JwtError::payload_not_json:
      return "the token's payload is not a JSON object";
    case JwtError::duplicate_claim:
      return "the token has a claim twice";
    case JwtError::subject_not_a_string:
      return "the token's claim \"sub\" is not a string";
    case JwtError::expiry_missing:
      return "the token has no claim \"exp\"";
    case JwtError::expiry_not_a_number:
      return "the token's claim \"exp\" is not a number";
    case JwtError::expired:
      return "the token has expired (claim \"exp\")";
    case JwtError::not_before_not_a_number:
      return "the token's claim \"nbf\" is not a number";
    case JwtError::not_yet_valid:
      return "the token is not valid yet (claim \"nbf\")";
    case JwtError::issuer_missing:
      return "the token has no claim \"iss\", and an issuer is configured";
    case JwtError::wrong_issuer:
      return "the token's claim \"iss\" is not the configured issuer";
    case JwtError::audience_missing:
      return "the token has no claim \"aud\", and an audience is configured";
    case JwtError::audience_not_configured:
      return "the token has a claim \"aud\", and no audience is configured";
    case JwtError::wrong_audience:
      return "the token's claim \"aud\" does not contain the configured audience";
  }
  return "unknown token error";
}

Result<JwtKey, Error> JwtKey::hs256(ByteView secret) {
  if (secret.size() >= kSecretBytesMin) return JwtKey{secret};
  return err(Error{"the HS256 secret has " + std::to_string(secret.size()) +
                       " bytes: it needs at least 32 (RFC 7518 §3.2), for example from `openssl rand -base64 32`",
                   0});
}

std::vector<std::uint8_t> JwtKey::sign(ByteView signing_input) const {
  const auto signature = hmac_sha256(secret_, signing_input);
  return {signature.begin(), signature.end()};
}

bool JwtKey::verify(ByteView signing_input, ByteView signature) const {
  return constant_time_equal(hmac_sha256(secret_, signing_input), signature);
}

std::string sign_jwt(const JwtKey& key, std::string_view claims) {
  const auto encode = [](ByteView data) { return codec::encode_base64(data, codec::Base64::url); };
  const std::string header = R"({"alg":")" + std::string{key.algorithm()} + R"(","typ":"JWT"})";
  std::string token = encode(as_bytes(header)) + "." + encode(as_bytes(claims));
  const auto signature = key.sign(as_bytes(token));
  return token + "." + encode(signature);
}

Result<Claims, JwtError> verify_jwt(std::string_view token, const JwtKey& key, const JwtRules& rules,
                                    std::chrono::system_clock::time_point now) {
  if (token.size() > kTokenBytesMax) return err(JwtError::too_large);
  const auto parts = split(token);
  if (!parts) return err(JwtError::not_three_parts);
  if (auto checked = check_header(parts->header, key); !checked) return err(checked.error());
  if (auto checked = check_signature(*parts, key); !checked) return err(checked.error());
  return check_payload(parts->payload, rules, std::chrono::duration<double>{now.time_since_epoch()}.count());
}

}  // namespace plait::crypto
