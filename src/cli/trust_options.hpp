// What every command that connects takes: whom it trusts, and the certificate that it shows.
#pragma once

#include <plait/client.hpp>

#include <string>

#include "cli/command.hpp"

namespace plait::cli {

struct TrustOptions {
  std::string authority_file;
  std::string certificate_file;
  std::string private_key_file;
  bool insecure = false;

  void add_to(CLI::App& command);
  /// Errors: a certificate without its key, or the other way round.
  [[nodiscard]] Result<void, Error> apply_to(ConnectOptions& options) const;
};

}  // namespace plait::cli
