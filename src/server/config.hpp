// Config: all that `plait serve` can be told, by a TOML file (docs/manual/serve.md) and by its command line.
#pragma once

#include <plait/broker.hpp>
#include <plait/middleware.hpp>
#include <plait/result.hpp>
#include <plait/server.hpp>

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "server/error_list.hpp"
#include "server/setting_names.hpp"

namespace plait::server {

struct Config {
  /// Loopback only, its own secret and certificate, and explanations for clients.
  bool development = false;
  /// Without paths; empty: default_listeners().
  std::vector<std::string> listen;
  ServerOptions server;
  /// A line for each request and opening.
  bool access_log = false;
  /// Per address; `requests_max` 0: no limit.
  RateLimitOptions requests{.requests_max = 0};

  // Tokens.
  std::string jwt_secret_file;  ///< required unless `development`
  std::string jwt_issuer;       ///< `iss` must be this; empty: anything
  std::string jwt_audience;     ///< `aud` must contain this; empty: only tokens without `aud`

  // The hub; see HubOptions.
  MemoryBrokerOptions history;
  std::size_t subscriptions_max = 100;
  std::size_t patterns_max = 32;
  std::size_t patterns_total_max = 2048;
  double rate_limit_capacity = 0;
  double rate_limit_refill = 0;

  /// Where each setting of a file stands.
  SettingNames names;
  /// What is wrong with single settings of the file, which have their defaults then, and its unknown keys. One a line:
  /// the file and the line, the key and what it takes. check_config() tells of them.
  ErrorList mistakes;
};

/// The config that a TOML text describes, with its mistakes. An error only where the text is no TOML.
Result<Config, Error> parse_config(std::string_view toml, std::string_view name);
/// The same from a file of at most 1 MiB.
Result<Config, Error> load_config(const std::filesystem::path& file);

/// The mistakes of the file, and what settings demand of one another: a secret, loopback addresses in development mode,
/// no foreign origins there. Nothing is demanded of a setting that has a mistake. Errors name the key or the option to
/// change, one a line. Reads no file and binds nothing.
Result<void, Error> check_config(const Config& config);

/// {"errors":[…],"listen":[…]}: what a check found, each line of `errors` by itself, and else the config's listeners.
std::string check_json(std::string_view errors, const std::vector<std::string>& listen);

/// ws: 8800 and tcp: 8801, and where there is a certificate wss: 8443, https: and quic: 4433 and tls: 8802; on loopback
/// in development.
std::vector<std::string> default_listeners(const Config& config);

}  // namespace plait::server
