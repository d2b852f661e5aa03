// What `plait pub` and `plait sub` share: how the hub is reached.
#pragma once

#include <plait/client.hpp>
#include <plait/hub.hpp>

#include <string>

#include "cli/command.hpp"
#include "cli/trust_options.hpp"
#include "client/hub_client.hpp"

namespace plait::cli {

struct HubReach {
  std::string url = "ws://127.0.0.1:8800" + std::string{kHubPath};
  std::string token;
  std::string token_file;
  TrustOptions trust;
  double timeout_seconds = 10;

  void add_to(CLI::App& command);
  [[nodiscard]] Duration timeout() const;
  /// Errors: a token file that cannot be read, or what is no token; see TrustOptions.
  [[nodiscard]] Result<ConnectOptions, Error> connect_options() const;
  /// A session with the hub. Errors name the option that helps.
  [[nodiscard]] Result<client::HubClient, Error> connect() const;
};

}  // namespace plait::cli
