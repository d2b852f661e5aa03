#include "server/tokens.hpp"

#include <algorithm>
#include <array>
#include <set>

#include "codec/json.hpp"
#include "codec/json_writer.hpp"
#include "codec/utf8.hpp"
#include "crypto/file.hpp"
#include "crypto/random.hpp"

namespace plait::server {
namespace {

constexpr std::string_view kWhiteSpace = " \t\r\n";
constexpr std::string_view kCookie = "access_token";
constexpr std::string_view kSubprotocolPrefix = "bearer.";

std::string_view trim(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(kWhiteSpace);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kWhiteSpace) - begin + 1);
}

// RFC 6265 §4.2.1: name=value pairs, separated by "; ".
std::string_view find_cookie(std::string_view cookies, std::string_view name) {
  while (!cookies.empty()) {
    const std::size_t end = std::min(cookies.find(';'), cookies.size());
    const std::string_view pair = trim(cookies.substr(0, end));
    if (pair.starts_with(name) && pair.substr(name.size()).starts_with('=')) return pair.substr(name.size() + 1);
    cookies.remove_prefix(std::min(end + 1, cookies.size()));
  }
  return {};
}

bool begins_ignoring_case(std::string_view text, std::string_view lower_case) {
  return text.size() >= lower_case.size() &&
         std::equal(lower_case.begin(), lower_case.end(), text.begin(),
                    [](char a, char b) { return a == (b >= 'A' && b <= 'Z' ? b - 'A' + 'a' : b); });
}

std::int64_t to_unix_time(std::chrono::system_clock::time_point time) {
  return std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count();
}

Result<void, Error> complete_claims(TokenOptions& options) {
  if (!codec::is_utf8(as_bytes(options.user))) return err(Error{"--user: must be UTF-8, as all JSON"});
  codec::JsonParser parser;
  std::set<std::string_view> names;
  for (auto& [name, value] : options.claims) {
    if (!names.insert(name).second) return err(Error{"--claim " + name + ": given twice; a token has each claim once"});
    if (name == "sub" || name == "iat" || name == "exp") {
      return err(Error{"--claim " + name + ": given by --user and --ttl"});
    }
    if (!codec::is_utf8(as_bytes(name)) || !codec::is_utf8(as_bytes(value))) {
      return err(Error{"--claim: name and value must be UTF-8, as all JSON"});
    }
    if (parser.parse(value)) continue;
    std::string quoted;
    codec::append_json_string(quoted, value);
    value = std::move(quoted);
  }
  return {};
}

/// Or on the time at which it gets the token.
bool depends_on_server(crypto::JwtError error) {
  return error == crypto::JwtError::audience_not_configured || error == crypto::JwtError::not_yet_valid;
}

}  // namespace

Result<crypto::JwtKey, Error> load_jwt_key(const std::filesystem::path& file) {
  const auto text = crypto::read_file(file);
  if (!text) return err(text.error());
  auto key = crypto::JwtKey::hs256(as_bytes(trim(*text)));
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

Result<std::string, Error> issue_token(const std::filesystem::path& secret_file, TokenOptions options) {
  const auto key = load_jwt_key(secret_file);
  if (!key) return err(Error{"--secret-file: " + key.error().message});
  if (auto completed = complete_claims(options); !completed) return err(completed.error());
  const auto now = std::chrono::system_clock::now();
  std::string token = issue_token(*key, options, now);
  const auto verified = crypto::verify_jwt(token, *key, {}, now);
  if (verified || depends_on_server(verified.error())) return token;
  return err(Error{"every server would refuse this token: " + std::string{crypto::describe(verified.error())} +
                   "; change --user or --claim"});
}

std::string_view find_token(const OpeningRequest& request) {
  constexpr std::string_view kScheme = "bearer ";
  const std::string_view authorization = request.header("authorization");
  if (begins_ignoring_case(authorization, kScheme)) return trim(authorization.substr(kScheme.size()));
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
