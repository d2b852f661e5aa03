#include "server/certificates.hpp"

#include <plait/log.hpp>

#include <array>
#include <chrono>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <string>

#include "crypto/certificate.hpp"
#include "crypto/file.hpp"

namespace plait {
namespace {

// The XDG base directory specification's place for what a program keeps between runs.
std::filesystem::path state_folder() {
  if (const char* state = std::getenv("XDG_STATE_HOME"); state != nullptr && *state != '\0') {
    return std::filesystem::path{state} / "plait";
  }
  if (const char* home = std::getenv("HOME"); home != nullptr && *home != '\0') {
    return std::filesystem::path{home} / ".local/state/plait";
  }
  return std::filesystem::temp_directory_path() / "plait";
}

Result<TlsFiles, Error> make_development_certificate() {
  auto made = crypto::development_certificate(state_folder(), {}, std::chrono::system_clock::now());
  if (!made) return err(made.error());
  return TlsFiles{made->certificate_file.string(), made->private_key_file.string()};
}

std::string date_of(crypto::WallTime time) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(time);
  std::tm parts{};
  std::array<char, 32> text{};
  if (::gmtime_r(&seconds, &parts) == nullptr) return "?";
  return {text.data(), std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M:%S UTC", &parts)};
}

void warn_unless_valid(const crypto::CertificateInfo& info, const std::string& file, crypto::WallTime now) {
  if (now > info.not_after) {
    log(LogLevel::warning, "certificate file " + file + " expired on " + date_of(info.not_after) +
                               ": clients that verify it will refuse it; replace it");
  } else if (now < info.not_before) {
    log(LogLevel::warning, "certificate file " + file + " is valid only from " + date_of(info.not_before) +
                               ": clients that verify it will refuse it until then; is the clock right?");
  }
}

Result<quic::ServerTls, Error> make_quic_tls(const TlsFiles& files) {
  auto certificate = crypto::read_file(files.certificate_file);
  if (!certificate) return err(certificate.error());
  auto key = crypto::read_file(files.private_key_file);
  if (!key) return err(key.error());
  return quic::ServerTls::make(
      {.certificate_pem = std::move(*certificate), .private_key_pem = std::move(*key), .alpn = {"h3"}});
}

}  // namespace

Result<Certificates::Loaded, Error> Certificates::load() const {
  TlsFiles files = files_;
  if (development_) {
    auto made = make_development_certificate();
    if (!made) return err(made.error());
    files = std::move(*made);
  }
  if (files.certificate_file.empty() || files.private_key_file.empty()) {
    return err(Error{
        "tls:, wss:, https: and quic: need a certificate: give certificate and private key files (PEM), or use the "
        "development certificate"});
  }
  auto context =
      tls::Context::server({.certificate_file = files.certificate_file, .private_key_file = files.private_key_file});
  if (!context) return err(context.error());
  auto quic = make_quic_tls(files);
  if (!quic) return err(quic.error());
  const auto info = crypto::read_certificate(files.certificate_file);
  if (!info) return err(info.error());
  warn_unless_valid(*info, files.certificate_file, std::chrono::system_clock::now());
  return Loaded{std::make_shared<const tls::Context>(std::move(*context)),
                std::move(*quic),
                std::move(files),
                {.sha256 = info->fingerprint, .not_after = info->not_after}};
}

}  // namespace plait
