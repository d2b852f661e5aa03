#include "server/certificates.hpp"

#include <chrono>
#include <cstdlib>
#include <filesystem>

#include "crypto/certificate.hpp"

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

}  // namespace

Certificates::Certificates(const ServerOptions& options)
    : files_(options.tls), development_(options.development_certificate) {}

Result<void, Error> Certificates::use_development_certificate() {
  auto made = crypto::development_certificate(state_folder(), {}, std::chrono::system_clock::now());
  if (!made) return err(made.error());
  files_ = {.certificate_file = made->certificate_file.string(), .private_key_file = made->private_key_file.string()};
  return {};
}

Result<std::shared_ptr<const tls::Context>, Error> Certificates::load() {
  if (development_) {
    if (auto used = use_development_certificate(); !used) return err(used.error());
  }
  if (files_.certificate_file.empty() || files_.private_key_file.empty()) {
    return err(
        Error{"tls: and wss: need a certificate: give certificate and private key files (PEM), or use the "
              "development certificate"});
  }
  auto context =
      tls::Context::server({.certificate_file = files_.certificate_file, .private_key_file = files_.private_key_file});
  if (!context) return err(context.error());
  return std::make_shared<const tls::Context>(std::move(*context));
}

}  // namespace plait
