#include "crypto/jwt.hpp"

#include <gtest/gtest.h>

#include <array>
#include <set>

#include "codec/base64.hpp"
#include "crypto/hash.hpp"

namespace plait::crypto {
namespace {

using namespace std::chrono_literals;
using WallTime = std::chrono::system_clock::time_point;

constexpr std::string_view kSecret = "0123456789abcdef0123456789abcdef";
const WallTime kJwtNow{1'800'000'000s};
const std::string kExpiry = R"("exp":1800000060)";

std::string url(ByteView data) { return codec::encode_base64(data, codec::Base64::url); }

JwtKey key() { return *JwtKey::hs256(as_bytes(kSecret)); }

// A token with any header and payload, signed by HMAC-SHA-256 with our secret whatever the header says.
std::string token_of(std::string_view header, std::string_view payload) {
  const std::string input = url(as_bytes(header)) + "." + url(as_bytes(payload));
  return input + "." + url(hmac_sha256(as_bytes(kSecret), as_bytes(input)));
}

std::string token_of(std::string_view payload) { return token_of(R"({"alg":"HS256"})", payload); }

std::optional<JwtError> refusal(std::string_view token, const JwtRules& rules = {}, WallTime now = kJwtNow) {
  const auto claims = verify_jwt(token, key(), rules, now);
  return claims ? std::nullopt : std::optional{claims.error()};
}

// With the claims of `payload` and a good `exp`.
std::optional<JwtError> refusal_of_claims(const std::string& claims, const JwtRules& rules = {}) {
  return refusal(token_of("{" + kExpiry + "," + claims + "}"), rules);
}

TEST(JwtRfc7515, AppendixA1) {
  const auto secret = codec::decode_base64(
      "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow", codec::Base64::url);
  const std::string token =
      "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9."
      "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ."
      "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
  const JwtRules joe{.issuer = "joe", .audience = {}};
  const auto claims = verify_jwt(token, *JwtKey::hs256(*secret), joe, WallTime{1'300'819'379s});
  ASSERT_TRUE(claims);
  EXPECT_EQ(claims->expiry, std::chrono::sys_seconds{1'300'819'380s});
  EXPECT_EQ(claims->subject, "");
}

TEST(Jwt, WhatIsSignedVerifies) {
  const std::string payload = R"({"sub":"user-1","exp":1800000060,"roles":["a", "b"],"n":1.50})";
  const auto claims = verify_jwt(sign_jwt(key(), payload), key(), {}, kJwtNow);
  ASSERT_TRUE(claims);
  EXPECT_EQ(claims->subject, "user-1");
  EXPECT_EQ(claims->expiry, std::chrono::sys_seconds{1'800'000'060s});
}

TEST(Jwt, Rfc7518Section3_2ASecretHasAtLeast32Bytes) {
  const auto result = JwtKey::hs256(as_bytes(kSecret.substr(1)));
  ASSERT_FALSE(result);
  EXPECT_TRUE(result.error().message.starts_with("the HS256 secret has 31 bytes: it needs at least 32"));
  EXPECT_TRUE(JwtKey::hs256(as_bytes(kSecret)));
}

TEST(JwtRefusal, TooLarge) {
  const auto sized = [](std::size_t size) {
    std::string payload = "{" + kExpiry + R"(,"x":")";
    const std::size_t fixed = token_of(payload + "\"}").size();
    payload += std::string((size - fixed) / 4 * 3, 'x') + "\"}";
    return token_of(payload);
  };
  const std::string fits = sized(kTokenBytesMax - 2);
  ASSERT_GT(fits.size(), kTokenBytesMax - 8);
  ASSERT_LE(fits.size(), kTokenBytesMax);
  EXPECT_EQ(refusal(fits), std::nullopt);
  EXPECT_EQ(refusal(std::string(kTokenBytesMax + 1, 'x')), JwtError::too_large);
  EXPECT_EQ(refusal(std::string(kTokenBytesMax, 'x')), JwtError::not_three_parts);
}

TEST(JwtRefusal, NotThreeParts) {
  for (std::string_view token : {"", ".", "a", "a.b", "a.b.c.d", "...", "a.b.c."}) {
    EXPECT_EQ(refusal(token), JwtError::not_three_parts) << token;
  }
}

TEST(JwtRefusal, BadBase64url) {
  const std::string token = token_of("{" + kExpiry + "}");
  const std::size_t first = token.find('.');
  const std::size_t second = token.find('.', first + 1);
  ASSERT_EQ(refusal(token), std::nullopt);
  for (const std::string bad : {"=", " ", "+", "/", "\n", "\xC3"}) {
    EXPECT_EQ(refusal(bad + token), JwtError::header_not_base64url) << bad;
    EXPECT_EQ(refusal(token + bad), JwtError::signature_not_base64url) << bad;
    // A payload whose signature is right and whose encoding is not: only the key's owner can make one.
    const std::string input = token.substr(0, second) + bad;
    EXPECT_EQ(refusal(input + "." + url(hmac_sha256(as_bytes(kSecret), as_bytes(input)))),
              JwtError::payload_not_base64url)
        << bad;
  }
}

TEST(JwtRefusal, AnotherEncodingOfTheSameSignature) {
  std::string token = token_of("{" + kExpiry + "}");
  const std::string alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  token.back() = alphabet[alphabet.find(token.back()) ^ 1];  // 43 characters carry two unused bits
  EXPECT_EQ(refusal(token), JwtError::signature_not_base64url);
}

TEST(JwtRefusal, HeaderThatIsNoObject) {
  for (std::string_view header :
       {"", "[]", "1", "null", "\"HS256\"", "{", "{\"alg\":\"HS256\"}x", "{\"alg\":\"\xFF\"}"}) {
    EXPECT_EQ(refusal(token_of(header, "{" + kExpiry + "}")), JwtError::header_not_json) << header;
  }
}

TEST(JwtRefusal, Rfc7515Section4HeaderParameterTwice) {
  for (std::string_view header :
       {R"({"alg":"HS256","alg":"none"})", R"({"alg":"none","\u0061lg":"HS256"})", R"({"alg":"HS256","x":1,"x":1})"}) {
    EXPECT_EQ(refusal(token_of(header, "{" + kExpiry + "}")), JwtError::duplicate_header_parameter) << header;
  }
}

TEST(JwtRefusal, Rfc7515Section4_1_1AlgorithmMissing) {
  for (std::string_view header : {"{}", R"({"typ":"JWT"})", R"({"alg":null})", R"({"alg":["HS256"]})"}) {
    EXPECT_EQ(refusal(token_of(header, "{" + kExpiry + "}")), JwtError::algorithm_missing) << header;
  }
}

TEST(JwtRefusal, Rfc8725Section3_1AnotherAlgorithm) {
  for (std::string_view algorithm :
       {"none", "None", "NONE", "nOnE", "", "hs256", "HS384", "HS512", "RS256", "ES256", "EdDSA", "HS256 "}) {
    const std::string header = R"({"alg":")" + std::string{algorithm} + R"("})";
    EXPECT_EQ(refusal(token_of(header, "{" + kExpiry + "}")), JwtError::algorithm_not_allowed) << algorithm;
  }
}

TEST(JwtRefusal, AlgorithmNoneWithoutASignature) {
  const std::string token = url(as_bytes(R"({"alg":"none"})")) + "." + url(as_bytes("{" + kExpiry + "}")) + ".";
  EXPECT_EQ(refusal(token), JwtError::algorithm_not_allowed);
}

TEST(JwtRefusal, Rfc7515Section4_1_11CriticalExtension) {
  EXPECT_EQ(refusal(token_of(R"({"alg":"HS256","crit":["b64"],"b64":false})", "{" + kExpiry + "}")),
            JwtError::critical_header_parameter);
}

TEST(JwtRefusal, WrongSignature) {
  const std::string token = token_of("{" + kExpiry + "}");
  const std::size_t signature = token.rfind('.') + 1;
  for (std::size_t i = signature; i + 1 < token.size(); ++i) {
    std::string damaged = token;
    damaged[i] = damaged[i] == 'A' ? 'B' : 'A';
    EXPECT_EQ(refusal(damaged), JwtError::wrong_signature) << i;
  }
  EXPECT_EQ(refusal(token.substr(0, signature)), JwtError::wrong_signature);
  EXPECT_EQ(refusal(token.substr(0, token.size() - 3)), JwtError::wrong_signature);
  EXPECT_EQ(refusal(token + "AAAA"), JwtError::wrong_signature);
}

TEST(JwtRefusal, AnotherKeysSignatureAndAnotherPayload) {
  const auto other = JwtKey::hs256(as_bytes("another secret of thirty-two byte"));
  EXPECT_EQ(refusal(sign_jwt(*other, "{" + kExpiry + "}")), JwtError::wrong_signature);
  const std::string good = token_of("{" + kExpiry + "}");
  const std::string forged = token_of("{\"sub\":\"root\"," + kExpiry + "}");
  EXPECT_EQ(refusal(forged.substr(0, forged.rfind('.')) + good.substr(good.rfind('.'))), JwtError::wrong_signature);
}

TEST(JwtRefusal, ThePayloadIsNotLookedAtBeforeTheSignature) {
  const std::string input = url(as_bytes(R"({"alg":"HS256"})")) + ".!!!!";
  EXPECT_EQ(refusal(input + "." + url(Digest<32>{})), JwtError::wrong_signature);
}

TEST(JwtRefusal, PayloadThatIsNoObject) {
  for (std::string_view payload : {"", "[]", "1", "\"exp\"", "{\"exp\":1800000060", "{\"exp\":01}"}) {
    EXPECT_EQ(refusal(token_of(payload)), JwtError::payload_not_json) << payload;
  }
}

TEST(JwtRefusal, Rfc7519Section4ClaimTwice) {
  EXPECT_EQ(refusal(token_of(R"({"exp":1,"exp":1800000060})")), JwtError::duplicate_claim);
  EXPECT_EQ(refusal(token_of(R"({"exp":1800000060,"\u0065xp":1800000060})")), JwtError::duplicate_claim);
  EXPECT_EQ(refusal(token_of(R"({"exp":1800000060,"x":{"a":1,"a":2}})")), std::nullopt);  // inside a claim: not ours
}

TEST(JwtRefusal, SubjectThatIsNoString) {
  for (const std::string subject : {"1", "null", "{}", "[\"a\"]", "true"}) {
    EXPECT_EQ(refusal_of_claims("\"sub\":" + subject), JwtError::subject_not_a_string) << subject;
  }
}

TEST(JwtRefusal, ExpiryMissing) { EXPECT_EQ(refusal(token_of(R"({"sub":"a"})")), JwtError::expiry_missing); }

TEST(JwtRefusal, ExpiryThatIsNoNumber) {
  for (const std::string value : {"\"1800000060\"", "null", "true", "[]"}) {
    EXPECT_EQ(refusal(token_of("{\"exp\":" + value + "}")), JwtError::expiry_not_a_number) << value;
  }
}

// RFC 7519 §4.1.4: the time must be before `exp`; 30 s of skew are allowed.
TEST(JwtRefusal, ExpiredAtTheSkewBoundary) {
  const std::string token = token_of(R"({"exp":1800000000})");
  EXPECT_EQ(refusal(token, {}, kJwtNow + 29s), std::nullopt);
  EXPECT_EQ(refusal(token, {}, kJwtNow + 29'999ms), std::nullopt);
  EXPECT_EQ(refusal(token, {}, kJwtNow + 30s), JwtError::expired);
}

TEST(JwtRefusal, ExpiryMayHaveAFraction) {
  const std::string token = token_of(R"({"exp":1800000000.5})");
  EXPECT_EQ(refusal(token, {}, kJwtNow + 30s), std::nullopt);
  EXPECT_EQ(refusal(token, {}, kJwtNow + 30'500ms), JwtError::expired);
}

TEST(JwtRefusal, AnExpiryBeyondAllCalendarsIsClamped) {
  for (std::string_view expiry : {"1e300", "18446744073709551615", "253402300800"}) {
    const auto claims = verify_jwt(token_of("{\"exp\":" + std::string{expiry} + "}"), key(), {}, kJwtNow);
    ASSERT_TRUE(claims) << expiry;
    EXPECT_EQ(claims->expiry, std::chrono::sys_seconds{253402300799s});
  }
  EXPECT_EQ(refusal(token_of(R"({"exp":-1e300})")), JwtError::expired);
}

// RFC 7519 §4.1.5: the time must be `nbf` or after; 30 s of skew are allowed.
TEST(JwtRefusal, NotYetValidAtTheSkewBoundary) {
  EXPECT_EQ(refusal_of_claims(R"("nbf":1800000030)"), std::nullopt);
  EXPECT_EQ(refusal_of_claims(R"("nbf":1800000031)"), JwtError::not_yet_valid);
  EXPECT_EQ(refusal_of_claims(R"("nbf":"1")"), JwtError::not_before_not_a_number);
}

TEST(JwtRefusal, Issuer) {
  JwtRules rules;
  rules.issuer = "https://issuer.test";
  EXPECT_EQ(refusal_of_claims(R"("iss":"https://issuer.test")", rules), std::nullopt);
  EXPECT_EQ(refusal_of_claims(R"("iss":"https:\/\/issuer.test")", rules), std::nullopt);
  EXPECT_EQ(refusal_of_claims(R"("iss":"https://issuer.test/")", rules), JwtError::wrong_issuer);
  EXPECT_EQ(refusal_of_claims(R"("iss":["https://issuer.test"])", rules), JwtError::wrong_issuer);
  EXPECT_EQ(refusal_of_claims(R"("sub":"a")", rules), JwtError::issuer_missing);
  EXPECT_EQ(refusal_of_claims(R"("iss":"anyone")"), std::nullopt);
}

TEST(JwtRefusal, AudienceAsStringAndArray) {
  JwtRules rules;
  rules.audience = "plait";
  EXPECT_EQ(refusal_of_claims(R"("aud":"plait")", rules), std::nullopt);
  EXPECT_EQ(refusal_of_claims(R"("aud":["other","plait"])", rules), std::nullopt);
  EXPECT_EQ(refusal_of_claims(R"("aud":"Plait")", rules), JwtError::wrong_audience);
  EXPECT_EQ(refusal_of_claims(R"("aud":["other",{"plait":"plait"},1])", rules), JwtError::wrong_audience);
  EXPECT_EQ(refusal_of_claims(R"("aud":[])", rules), JwtError::wrong_audience);
  EXPECT_EQ(refusal_of_claims(R"("aud":{"plait":"plait"})", rules), JwtError::wrong_audience);
  EXPECT_EQ(refusal_of_claims(R"("sub":"a")", rules), JwtError::audience_missing);
}

TEST(JwtRefusal, Rfc7519Section4_1_3AnAudienceThatWeCannotBe) {
  EXPECT_EQ(refusal_of_claims(R"("aud":"other")"), JwtError::audience_not_configured);
}

TEST(JwtRefusal, EveryTruncationAndEveryChangedByte) {
  const std::string token = token_of("{" + kExpiry + ",\"sub\":\"a\"}");
  for (std::size_t i = 0; i < token.size(); ++i) {
    EXPECT_TRUE(refusal(token.substr(0, i))) << i;
    std::string damaged = token;
    damaged[i] = static_cast<char>(damaged[i] ^ 1);
    EXPECT_TRUE(refusal(damaged)) << i;
  }
}

TEST(JwtRefusal, EachHasASentenceOfItsOwn) {
  std::set<std::string_view> sentences;
  for (int i = 0; i <= static_cast<int>(JwtError::wrong_audience); ++i) {
    sentences.insert(describe(static_cast<JwtError>(i)));
  }
  EXPECT_EQ(sentences.size(), static_cast<std::size_t>(JwtError::wrong_audience) + 1);
  EXPECT_EQ(sentences.count("unknown token error"), 0U);
}

}  // namespace
}  // namespace plait::crypto
