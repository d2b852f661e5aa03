// Certificates: reading the server's TLS context, at first and again when the files have changed.
#pragma once

#include <plait/result.hpp>
#include <plait/server.hpp>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "quic/tls.hpp"
#include "tls/context.hpp"

namespace plait {

/// Immutable, so that any thread may load().
class Certificates {
 public:
  explicit Certificates(const ServerOptions& options)
      : files_(options.tls),
        further_(options.further_tls),
        development_(options.development_certificate),
        client_certificates_(options.client_certificates),
        client_authority_file_(options.client_authority_file) {}

  struct Loaded {
    std::shared_ptr<const tls::Context> context;
    std::optional<quic::ServerTls> quic;  ///< the same certificate for https: and quic:
    std::vector<std::string> files;       ///< to watch
    ServerCertificate description;
  };

  /// Reads the files, or makes and reads the development certificate. Errors name the option, the file and the fix. A
  /// certificate that is not valid now is served all the same; a warning names it with the date.
  [[nodiscard]] Result<Loaded, Error> load() const;

 private:
  [[nodiscard]] Result<quic::ServerTls, Error> make_quic_tls(const TlsFiles& files) const;

  const TlsFiles files_;
  const std::vector<TlsFiles> further_;
  const bool development_;
  const ClientCertificates client_certificates_;
  const std::string client_authority_file_;
};

}  // namespace plait
