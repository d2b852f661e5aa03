// Access tokens (JWT, HS256): who may open a session, and the tokens that development and `plait token` hand out.
#pragma once

#include <plait/broker.hpp>
#include <plait/result.hpp>
#include <plait/session.hpp>

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "crypto/jwt.hpp"
#include "server/issue_token.hpp"

namespace plait::server {

/// The secret in `file`, without the white space around it. Errors name the file and the fix.
Result<crypto::JwtKey, Error> load_jwt_key(const std::filesystem::path& file);
/// A secret that nobody else has, for one run.
crypto::JwtKey make_jwt_key();

std::string issue_token(const crypto::JwtKey& key, const TokenOptions& options,
                        std::chrono::system_clock::time_point now);
/// The token of an opening handshake: Authorization: Bearer, else an offered subprotocol "bearer.TOKEN", else the
/// cookie access_token, which alone is sent without the page's doing; empty if there is none.
std::string_view find_token(const OpeningRequest& request);

/// Decides who may open a session. Any number of loops may ask at once.
class TokenGate {
 public:
  TokenGate(crypto::JwtKey key, crypto::JwtRules rules) : key_(std::move(key)), rules_(std::move(rules)) {}

  struct Admission {
    std::string user;
    std::optional<WallTime> expires;  ///< the end of the token, the clocks' skew included
  };

  /// Who it is, or a sentence that names what is missing or wrong.
  [[nodiscard]] Result<Admission, std::string> admit(const OpeningRequest& request) const;
  [[nodiscard]] const crypto::JwtKey& key() const { return key_; }

 private:
  crypto::JwtKey key_;
  crypto::JwtRules rules_;
};

}  // namespace plait::server
