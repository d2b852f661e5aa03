#include "server/issue_token.hpp"

#include <set>
#include <string_view>

#include "codec/json_argument.hpp"
#include "codec/utf8.hpp"
#include "server/tokens.hpp"

namespace plait::server {
namespace {

Result<void, Error> complete_claims(TokenOptions& options) {
  if (!codec::is_utf8(as_bytes(options.user))) return err(Error{"--user: must be UTF-8, as all JSON"});
  std::set<std::string_view> names;
  for (auto& [name, value] : options.claims) {
    if (!names.insert(name).second) return err(Error{"--claim " + name + ": given twice; a token has each claim once"});
    if (name == "sub" || name == "iat" || name == "exp") {
      return err(Error{"--claim " + name + ": given by --user and --ttl"});
    }
    if (!codec::is_utf8(as_bytes(name)) || !codec::is_utf8(as_bytes(value))) {
      return err(Error{"--claim: name and value must be UTF-8, as all JSON"});
    }
    auto json = codec::json_argument(value, "--claim " + name + ": the value");
    if (!json) return err(json.error());
    value = std::move(*json);
  }
  return {};
}

/// Or on the time at which it gets the token.
bool depends_on_server(crypto::JwtError error) {
  return error == crypto::JwtError::audience_not_configured || error == crypto::JwtError::not_yet_valid;
}

}  // namespace

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

}  // namespace plait::server
