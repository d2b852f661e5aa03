#include "bench/components/temporary_certificate.hpp"

#include "crypto/file.hpp"

#include <fmt/core.h>

#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>

namespace plait::bench {

namespace {

constexpr const char* kCertificateFile = "certificate.pem";
constexpr const char* kKeyFile = "key.pem";
constexpr unsigned kOwnerOnly = 0600;

}  // namespace

Result<TemporaryCertificate, Error> TemporaryCertificate::make(crypto::KeyKind key) {
  const auto pem = crypto::make_certificate({.key = key}, std::chrono::system_clock::now());
  if (!pem) return err(pem.error());
  std::error_code ignored;
  std::string name = std::filesystem::temp_directory_path(ignored) / "plait-bench-XXXXXX";
  if (mkdtemp(name.data()) == nullptr) {
    return err(Error{fmt::format("cannot make the folder {}: {}", name, std::strerror(errno)), errno});
  }
  TemporaryCertificate certificate{name};
  auto written = crypto::write_file(certificate.folder_ / kCertificateFile, pem->certificate, kOwnerOnly);
  if (written) written = crypto::write_file(certificate.folder_ / kKeyFile, pem->private_key, kOwnerOnly);
  if (!written) return err(written.error());
  return certificate;
}

TemporaryCertificate::~TemporaryCertificate() {
  std::error_code ignored;
  if (!folder_.empty()) std::filesystem::remove_all(folder_, ignored);
}

std::string TemporaryCertificate::options() const {
  return fmt::format(" --cert '{}' --key '{}'", (folder_ / kCertificateFile).string(), (folder_ / kKeyFile).string());
}

}  // namespace plait::bench
