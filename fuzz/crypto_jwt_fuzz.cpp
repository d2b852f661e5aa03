// Verifies any text as a token, and any claims behind a right signature. A token that we did not sign never passes; one
// that passes has the subject of its payload.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "codec/json.hpp"
#include "crypto/jwt.hpp"

namespace {

using namespace plait;
using namespace plait::crypto;
using namespace std::chrono_literals;

void require(bool condition) {
  if (!condition) std::abort();
}

const std::chrono::system_clock::time_point kNow{1'800'000'000s};

void check_signed(const JwtKey& key, std::string_view payload, const JwtRules& rules) {
  std::string token = sign_jwt(key, payload);
  const auto claims = verify_jwt(token, key, rules, kNow);
  if (!claims) {
    require(claims.error() == JwtError::too_large || claims.error() >= JwtError::payload_not_base64url);
    return;
  }
  codec::JsonParser parser;
  const auto object = parser.parse(payload);
  require(object.has_value() && object->kind() == codec::JsonKind::object);
  require(object->find("sub").as_string().value_or("") == claims->subject);
  token[payload.size() % token.size()] ^= 1;
  require(!verify_jwt(token, key, rules, kNow));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const JwtKey key = *JwtKey::hs256(as_bytes("0123456789abcdef0123456789abcdef"));
  static const JwtRules strict{"issuer", "audience"};
  static const JwtRules loose;
  const std::string_view text = as_text({data, size});
  const auto claims = verify_jwt(text, key, loose, kNow);
  require(!claims && !describe(claims.error()).empty());
  check_signed(key, text, strict);
  check_signed(key, text, loose);
  return 0;
}
