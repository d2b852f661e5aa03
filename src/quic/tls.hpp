// TLS 1.3 of QUIC (RFC 9001) over GnuTLS: what a server presents, what a client demands. Made once, shared by the
// connections of all endpoints on all threads, and immutable; a reload makes a new one.
#pragma once

#include <plait/result.hpp>

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace plait::quic {

using WallTime = std::chrono::system_clock::time_point;
using CertificateHash = std::array<std::uint8_t, 32>;  ///< SHA-256 of the DER encoding

struct CertificatePair {
  std::string certificate_pem;  ///< the chain, leaf first
  std::string private_key_pem;
};

/// Whether clients show a certificate.
enum class ClientCheck : std::uint8_t { off, optional, required };

struct ServerTlsConfig {
  std::string certificate_pem;  ///< the chain, leaf first
  std::string private_key_pem;
  /// In order of preference; at least one. A client that offers none of them is refused (RFC 9001 §8.1).
  std::vector<std::string> alpn;
  /// A client that asks for a name (SNI, RFC 6066 §3) of one of these certificates gets it, the first that fits; all
  /// others get the one above.
  std::vector<CertificatePair> further{};
  ClientCheck client_check = ClientCheck::off;
  std::string client_authority_pem{};  ///< those that sign clients' certificates, unless `off`
  /// The time that clients' certificates are checked against.
  std::function<WallTime()> wall_clock{};
};

struct ClientTlsConfig {
  enum class Verify : std::uint8_t {
    authorities,  ///< by `authority_pem`, or the system's authorities, and the host name
    hashes,       ///< by `certificate_hashes` alone, as browsers' serverCertificateHashes
    off,          ///< anybody may answer: for development
  };
  Verify verify = Verify::authorities;
  std::string authority_pem;  ///< empty: the system's
  /// The certificate must be one of these, ECDSA P-256, valid now, and for at most 14 days.
  std::vector<CertificateHash> certificate_hashes;
  std::vector<std::string> alpn;  ///< offered, at least one
  std::string certificate_pem{};  ///< chain to show to a server that asks; empty: none
  std::string private_key_pem{};
  /// Use session tickets and address validation tokens of earlier connections of the same Endpoint with this ClientTls.
  bool resume = true;
  /// The time that certificates are checked against.
  std::function<WallTime()> wall_clock;
};

class ServerTls {
 public:
  /// Errors say which text is wrong and what to do.
  static Result<ServerTls, Error> make(const ServerTlsConfig& config);
  /// The same certificate for other protocols; at least one, each of 1 to 255 bytes.
  [[nodiscard]] ServerTls with_alpn(std::vector<std::string> alpn) const;
  struct State;
  [[nodiscard]] const std::shared_ptr<const State>& state() const { return state_; }

 private:
  explicit ServerTls(std::shared_ptr<const State> state) : state_(std::move(state)) {}
  std::shared_ptr<const State> state_;
};

class ClientTls {
 public:
  static Result<ClientTls, Error> make(ClientTlsConfig config);
  struct State;
  [[nodiscard]] const std::shared_ptr<const State>& state() const { return state_; }

 private:
  explicit ClientTls(std::shared_ptr<const State> state) : state_(std::move(state)) {}
  std::shared_ptr<const State> state_;
};

}  // namespace plait::quic
