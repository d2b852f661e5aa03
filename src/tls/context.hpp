// Context: certificates, trust and options that many connections share. Immutable; a reload makes a new one.
#pragma once

#include <plait/result.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace plait::tls {

struct CertificateFiles {
  std::string certificate_file;  ///< PEM chain, leaf first
  std::string private_key_file;
};

/// Whether clients show a certificate.
enum class ClientCheck : std::uint8_t { off, optional, required };

struct ServerConfig {
  std::string certificate_file;  ///< PEM chain, leaf first
  std::string private_key_file;
  std::vector<std::string> alpn{"http/1.1"};  ///< in order of preference
  /// A client that asks for a name (SNI, RFC 6066 §3) of one of these certificates gets it, the first that fits; all
  /// others get the one above.
  std::vector<CertificateFiles> further{};
  ClientCheck client_check = ClientCheck::off;
  std::string client_authority_file{};  ///< PEM; those that sign clients' certificates, unless `off`
};

enum class Version : std::uint8_t { tls_1_2, tls_1_3 };

struct ClientConfig {
  bool verify = true;
  std::string authority_file;  ///< PEM; empty: the system's
  std::vector<std::string> alpn{"http/1.1"};
  Version version_max = Version::tls_1_3;  ///< lower it for a peer that mishandles TLS 1.3; never below 1.2
  std::string certificate_file{};          ///< PEM chain to show to a server that asks; empty: none
  std::string private_key_file{};
};

class Context {
 public:
  /// Errors name the file and the fix (missing, unreadable, key does not match, expired is only a warning).
  static Result<Context, Error> server(const ServerConfig& config);
  static Result<Context, Error> client(const ClientConfig& config);
  Context(Context&&) noexcept;
  Context& operator=(Context&&) noexcept;
  ~Context();

 private:
  friend class Engine;
  struct State;
  explicit Context(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace plait::tls
