// Certificates: reading the server's TLS context, at first and again when the files have changed.
#pragma once

#include <plait/result.hpp>
#include <plait/server.hpp>

#include <memory>
#include <optional>

#include "quic/tls.hpp"
#include "tls/context.hpp"

namespace plait {

/// Immutable, so that any thread may load().
class Certificates {
 public:
  explicit Certificates(const ServerOptions& options)
      : files_(options.tls), development_(options.development_certificate) {}

  struct Loaded {
    std::shared_ptr<const tls::Context> context;
    std::optional<quic::ServerTls> quic;  ///< the same certificate for https: and quic:
    TlsFiles files;                       ///< to watch
    ServerCertificate description;
  };

  /// Reads the files, or makes and reads the development certificate. Errors name the option, the file and the fix. A
  /// certificate that is not valid now is served all the same; a warning names it with the date.
  [[nodiscard]] Result<Loaded, Error> load() const;

 private:
  const TlsFiles files_;
  const bool development_;
};

}  // namespace plait
