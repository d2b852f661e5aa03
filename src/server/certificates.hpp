// Certificates: the server's current TLS context, and making a new one when the files have changed.
#pragma once

#include <plait/result.hpp>
#include <plait/server.hpp>

#include <memory>

#include "tls/context.hpp"

namespace plait {

/// Used on the thread that calls Server::run(), and before it.
class Certificates {
 public:
  explicit Certificates(const ServerOptions& options);

  /// Reads the files, or makes and reads the development certificate. Errors name the option, the file and the fix.
  Result<std::shared_ptr<const tls::Context>, Error> load();

  /// The files to watch; empty when nothing was loaded.
  [[nodiscard]] const TlsFiles& files() const { return files_; }

 private:
  Result<void, Error> use_development_certificate();

  TlsFiles files_;
  bool development_;
};

}  // namespace plait
