#include <arpa/inet.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
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

// An IP address has many spellings, and a certificate knows one.
std::string canonical(const std::string& name) {
  in6_addr address;
  std::array<char, INET6_ADDRSTRLEN> text;
  for (const int family : {AF_INET, AF_INET6}) {
    if (::inet_pton(family, name.c_str(), &address) != 1) continue;
    if (::inet_ntop(family, &address, text.data(), text.size()) != nullptr) return text.data();
  }
  return name;
}

bool has_all_names(const CertificateInfo& info, const std::vector<std::string>& names) {
  return std::all_of(names.begin(), names.end(), [&](const std::string& name) {
    return std::find(info.names.begin(), info.names.end(), canonical(name)) != info.names.end();
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

// Whoever else can write there can put a pair in place whose key they know.
Result<void, Error> check_private(const std::filesystem::path& folder) {
  struct stat info {};
  if (::stat(folder.c_str(), &info) != 0) {
    return err(Error{"cannot use folder " + folder.string() + ": " + std::generic_category().message(errno), errno});
  }
  if (info.st_uid == ::geteuid() && (info.st_mode & S_IWOTH) == 0) return {};
  return err(Error{"folder " + folder.string() +
                   " belongs to another user, or every user may write there: the certificate's key is not safe in it"});
}

}  // namespace

Result<DevelopmentCertificate, Error> development_certificate(const std::filesystem::path& folder,
                                                              const CertificateOptions& options, WallTime now,
                                                              std::chrono::milliseconds lock_wait_max) {
  std::error_code failure;
  const bool made = std::filesystem::create_directories(folder, failure);
  if (made && !failure) std::filesystem::permissions(folder, std::filesystem::perms::owner_all, failure);
  if (failure) return err(Error{"cannot make folder " + folder.string() + ": " + failure.message(), failure.value()});
  if (auto checked = check_private(folder); !checked) return err(checked.error());
  const auto lock = FolderLock::take(folder, lock_wait_max);
  if (!lock) return err(lock.error());
  DevelopmentCertificate certificate{folder / "certificate.pem", folder / "private-key.pem", {}, false};
  if (reuse(certificate, options, now)) return certificate;
  if (auto replaced = replace(certificate, options, now); !replaced) return err(replaced.error());
  return certificate;
}

}  // namespace plait::crypto
