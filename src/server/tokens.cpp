#include "server/tokens.hpp"

#include <algorithm>
#include <array>

#include "codec/json_writer.hpp"
#include "crypto/file.hpp"
#include "crypto/random.hpp"
#include "http/fields.hpp"
#include "http/grammar.hpp"

namespace plait::server {
namespace {

constexpr std::string_view kCookie = "access_token";
constexpr std::string_view kSubprotocolPrefix = "bearer.";

// RFC 6265 §4.2.1: name=value pairs, separated by "; ".
std::string_view find_cookie(std::string_view cookies, std::string_view name) {
  while (!cookies.empty()) {
    std::string_view value = http::trim_whitespace(http::take_until(cookies, ';'));
    if (http::take_until(value, '=') == name) return value;
  }
  return {};
}

std::int64_t to_unix_time(std::chrono::system_clock::time_point time) {
  return std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count();
}

}  // namespace

Result<crypto::JwtKey, Error> load_jwt_key(const std::filesystem::path& file) {
  const auto text = crypto::read_file(file);
  if (!text) return err(text.error());
  constexpr std::string_view kWhiteSpace = " \t\r\n";
  const std::size_t begin = std::min(text->find_first_not_of(kWhiteSpace), text->size());
  const std::size_t end = text->find_last_not_of(kWhiteSpace) + 1;
  auto key = crypto::JwtKey::hs256(as_bytes(*text).subspan(begin, std::max(begin, end) - begin));
  if (!key) return err(Error{file.string() + ": " + key.error().message});
  return key;
}

crypto::JwtKey make_jwt_key() {
  std::array<std::uint8_t, 32> secret;
  crypto::random_bytes(secret);
  return *crypto::JwtKey::hs256(secret);
}

std::string issue_token(const crypto::JwtKey& key, const TokenOptions& options,
                        std::chrono::system_clock::time_point now) {
  std::string claims;
  codec::JsonWriter json{claims};
  json.begin_object().member("sub", options.user).member("iat", to_unix_time(now));
  json.member("exp", to_unix_time(now + options.lifetime));
  for (const auto& [name, value] : options.claims) json.key(name).raw(value);
  json.end_object();
  return crypto::sign_jwt(key, claims);
}

std::string_view find_token(const OpeningRequest& request) {
  if (const auto token = http::bearer_token(request.header("authorization")); !token.empty()) return token;
  for (const std::string_view offered : request.subprotocols()) {
    if (offered.starts_with(kSubprotocolPrefix)) return offered.substr(kSubprotocolPrefix.size());
  }
  return find_cookie(request.header("cookie"), kCookie);
}

Result<TokenGate::Admission, std::string> TokenGate::admit(const OpeningRequest& request) const {
  const std::string_view token = find_token(request);
  if (token.empty()) {
    return err(
        std::string{"there is no access token: send \"Authorization: Bearer TOKEN\", offer the subprotocols "
                    "plait.v1 and bearer.TOKEN, or send the cookie access_token"});
  }
  auto claims = crypto::verify_jwt(token, key_, rules_, std::chrono::system_clock::now());
  if (!claims) return err("the access token is refused: " + std::string{crypto::describe(claims.error())});
  if (claims->subject.empty()) return err(std::string{"the access token is refused: the token has no claim \"sub\""});
  return Admission{.user = std::move(claims->subject), .expires = claims->expiry + crypto::kClockSkew};
}

}  // namespace plait::server
