#include <openssl/evp.h>
#include <openssl/x509.h>

#include <algorithm>
#include <string>
#include <system_error>

#include "crypto/certificate.hpp"
#include "crypto/file.hpp"
#include "crypto/pem.hpp"

namespace plait::crypto {
namespace {

constexpr std::chrono::days kRemainingMin{1};

bool key_fits(const std::string& certificate_pem, const std::string& key_pem) {
  const Certificate certificate = certificate_of_pem(certificate_pem);
  const Key key = private_key_of_pem(key_pem);
  return certificate && key && EVP_PKEY_eq(X509_get0_pubkey(certificate.get()), key.get()) == 1;
}

bool has_all_names(const CertificateInfo& info, const std::vector<std::string>& names) {
  return std::all_of(names.begin(), names.end(), [&](const std::string& name) {
    return std::find(info.names.begin(), info.names.end(), name) != info.names.end();
  });
}

// Fills `certificate.info` and says whether the files can be used as they are.
bool reuse(DevelopmentCertificate& certificate, const CertificateOptions& options, WallTime now) {
  const auto certificate_pem = read_file(certificate.certificate_file);
  const auto key_pem = read_file(certificate.private_key_file);
  if (!certificate_pem || !key_pem || !key_fits(*certificate_pem, *key_pem)) return false;
  auto info = parse_certificate(*certificate_pem);
  if (!info) return false;
  certificate.info = std::move(*info);
  return certificate.info.not_before <= now && certificate.info.not_after - now > kRemainingMin &&
         has_all_names(certificate.info, options.names);
}

Result<void, Error> replace(DevelopmentCertificate& certificate, const CertificateOptions& options, WallTime now) {
  const auto pem = make_certificate(options, now);
  if (!pem) return err(pem.error());
  // A crash between the two leaves a key that does not fit, which the next start notices.
  if (auto written = write_file(certificate.private_key_file, pem->private_key, 0600); !written) return written;
  if (auto written = write_file(certificate.certificate_file, pem->certificate, 0644); !written) return written;
  auto info = parse_certificate(pem->certificate);
  if (!info) return err(info.error());
  certificate.info = std::move(*info);
  certificate.is_new = true;
  return {};
}

}  // namespace

Result<DevelopmentCertificate, Error> development_certificate(const std::filesystem::path& folder,
                                                              const CertificateOptions& options, WallTime now) {
  std::error_code failure;
  std::filesystem::create_directories(folder, failure);
  if (failure) return err(Error{"cannot make folder " + folder.string() + ": " + failure.message(), failure.value()});
  const auto lock = FolderLock::take(folder);
  if (!lock) return err(lock.error());
  DevelopmentCertificate certificate{folder / "certificate.pem", folder / "private-key.pem", {}, false};
  if (reuse(certificate, options, now)) return certificate;
  if (auto replaced = replace(certificate, options, now); !replaced) return err(replaced.error());
  return certificate;
}

}  // namespace plait::crypto
