// CertificateLoader: reading the server's TLS context, at first and again when the files have changed.
#pragma once

#include <plait/result.hpp>
#include <plait/server.hpp>

#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "quic/tls.hpp"
#include "tls/context.hpp"

namespace plait {

/// Immutable, so that any thread may load().
class CertificateLoader {
 public:
  explicit CertificateLoader(const ServerOptions& options)
      : files_(options.tls),
        further_(options.further_tls),
        development_(options.development_certificate),
        client_certificates_(options.client_certificates),
        client_authority_file_(options.client_authority_file) {}

  /// For TLS over TCP. A wire takes no client that asks for another one's protocol (ALPN, RFC 7301 §3.2).
  struct Contexts {
    std::shared_ptr<const tls::Context> http;    ///< wss:
    std::shared_ptr<const tls::Context> framed;  ///< tls:
  };
  struct Loaded {
    Contexts contexts;
    std::optional<quic::ServerTls> quic;         ///< the same certificate for https: and quic:
    std::array<std::uint8_t, 32> quic_secret{};  ///< what quic_secret_of() makes the listeners' from
    std::vector<std::string> files;              ///< to watch
    ServerCertificate description;
    std::vector<std::string> warnings;
  };

  /// Reads the files, or makes and reads the development certificate. Errors name the option, the file and the fix. A
  /// certificate that is not valid now can be served all the same; one of the `warnings` names it with the date.
  [[nodiscard]] Result<Loaded, Error> load() const;

 private:
  [[nodiscard]] Result<Contexts, Error> make_contexts(const TlsFiles& files) const;
  [[nodiscard]] Result<void, Error> make_quic(const TlsFiles& files, Loaded& loaded) const;

  const TlsFiles files_;
  const std::vector<TlsFiles> further_;
  const bool development_;
  const ClientCertificates client_certificates_;
  const std::string client_authority_file_;
};

/// "2026-01-31 12:00:00 UTC".
[[nodiscard]] std::string date_text(std::chrono::system_clock::time_point time);

/// quic::EndpointConfig::secret of the listener at `address` (host:port): the same after a restart, so that clients of
/// before are told that their connection is gone. Another one for each machine and address: no other server with this
/// certificate can be made to reset the connections of this one (RFC 9000 §21.11).
[[nodiscard]] std::array<std::uint8_t, 32> quic_secret_of(const CertificateLoader::Loaded& loaded,
                                                          std::string_view address);

/// quic::EndpointConfig::token_secret, from that. Another one after each start of the machine, of which `boot` is the
/// name: tokens are dated by the clock that begins with it.
[[nodiscard]] std::array<std::uint8_t, 32> quic_token_secret_of(const std::array<std::uint8_t, 32>& secret,
                                                                std::string_view boot);

/// The name of this start of the machine; empty where the system does not say it.
[[nodiscard]] std::string boot_name();

}  // namespace plait
