// Certificates for development: self-signed, ECDSA P-256, made on first use and kept in a folder.
//
// Their life is 13 days, because browsers accept a self-signed certificate by its hash (WebTransport's
// serverCertificateHashes) only if it is ECDSA and lives at most 14.
#pragma once

#include <plait/result.hpp>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "crypto/hash.hpp"

namespace plait::crypto {

using WallTime = std::chrono::system_clock::time_point;

enum class KeyKind : std::uint8_t { ecdsa_p256, rsa_2048 };

struct CertificateOptions {
  KeyKind key = KeyKind::ecdsa_p256;
  std::string common_name = "Plait development";
  /// Host names and IP addresses that it is valid for (subjectAltName, RFC 5280 §4.2.1.6).
  std::vector<std::string> names{"localhost", "127.0.0.1", "::1"};
  std::chrono::days lifetime{13};
  std::string key_purpose = "serverAuth";  ///< extendedKeyUsage (RFC 5280 §4.2.1.12), or "clientAuth"
};

/// PEM texts (RFC 7468).
struct CertificatePem {
  std::string certificate;
  std::string private_key;  ///< PKCS #8, not encrypted
};

struct CertificateInfo {
  std::vector<std::string> names;  ///< of subjectAltName; addresses as text
  WallTime not_before;
  WallTime not_after;
  bool is_authority = false;  ///< may sign others, or is its own authority
  Digest<32> fingerprint{};   ///< SHA-256 of the DER encoding
};

/// A new key and its certificate, valid from `now` (less a minute for clocks that are behind).
Result<CertificatePem, Error> make_certificate(const CertificateOptions& options, WallTime now);

/// Whether one of a certificate's names is `host`, or "*." and all of `host` but its first label (RFC 6125 §6.4). Case
/// does not matter.
[[nodiscard]] bool names_include(const std::vector<std::string>& names, std::string_view host);

/// `host` as SNI and certificates have it: without the dot that ends an absolute name (RFC 6066 §3).
[[nodiscard]] std::string without_final_dot(std::string host);

/// What the first certificate of a PEM text says.
Result<CertificateInfo, Error> parse_certificate(std::string_view pem);
/// The same of a file; errors name it.
Result<CertificateInfo, Error> read_certificate(const std::filesystem::path& file);

struct DevelopmentCertificate {
  std::filesystem::path certificate_file;  ///< `folder`/certificate.pem
  std::filesystem::path private_key_file;  ///< `folder`/private-key.pem, mode 0600
  CertificateInfo info;
  bool is_new = false;
};

/// The certificate kept in `folder` (made if missing). It is used again while its key fits, it has all names of
/// `options` and more than a day to live; else replaced. Safe against other processes doing the same at the same time.
/// The folder must belong to this user, and not every user may write there. Waits for another process that is at it
/// about `lock_wait_max`; then it is an error.
Result<DevelopmentCertificate, Error> development_certificate(
    const std::filesystem::path& folder, const CertificateOptions& options, WallTime now,
    std::chrono::milliseconds lock_wait_max = std::chrono::seconds{5});

}  // namespace plait::crypto
