// What `plait token` does.
#pragma once

#include <plait/result.hpp>

#include <chrono>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace plait::server {

struct TokenOptions {
  std::string user;  ///< `sub`
  std::chrono::seconds lifetime{3600};
  /// Further claims: name, and JSON or a text that becomes a JSON string.
  std::vector<std::pair<std::string, std::string>> claims;
};

/// A token signed with the secret in `secret_file`, valid from now, and one that a server with that secret takes.
/// Errors name the option and the fix; `sub`, `iat` and `exp` cannot be claimed.
Result<std::string, Error> issue_token(const std::filesystem::path& secret_file, TokenOptions options);

}  // namespace plait::server
