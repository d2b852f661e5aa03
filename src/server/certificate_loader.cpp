#include "server/certificate_loader.hpp"

#include <sys/utsname.h>

#include <array>
#include <chrono>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <string>

#include "crypto/certificate.hpp"
#include "crypto/file.hpp"
#include "crypto/hash.hpp"
#include "tls/protocol_names.hpp"

namespace plait {
namespace {

// The XDG base directory specification's place for what a program keeps between runs. Nowhere else: a folder that
// others may have made could have a certificate in it whose key they know.
Result<std::filesystem::path, Error> state_folder() {
  if (const char* state = std::getenv("XDG_STATE_HOME"); state != nullptr && *state != '\0') {
    return std::filesystem::path{state} / "plait";
  }
  if (const char* home = std::getenv("HOME"); home != nullptr && *home != '\0') {
    return std::filesystem::path{home} / ".local/state/plait";
  }
  return err(Error{"there is no folder to keep the development certificate in: set XDG_STATE_HOME or HOME"});
}

Result<TlsFiles, Error> make_development_certificate() {
  const auto folder = state_folder();
  if (!folder) return err(folder.error());
  auto made = crypto::development_certificate(*folder, {}, std::chrono::system_clock::now());
  if (!made) return err(made.error());
  return TlsFiles{made->certificate_file.string(), made->private_key_file.string()};
}

void warn_unless_valid(const crypto::CertificateInfo& info, const std::string& file,
                       std::vector<std::string>& warnings) {
  const crypto::WallTime now = std::chrono::system_clock::now();
  if (now > info.not_after) {
    warnings.push_back("certificate file " + file + " expired on " + date_text(info.not_after) +
                       ": clients that verify it will refuse it; replace it");
  } else if (now < info.not_before) {
    warnings.push_back("certificate file " + file + " is valid only from " + date_text(info.not_before) +
                       ": clients that verify it will refuse it until then; is the clock right?");
  }
}

// Of each certificate in it: whom one of these has signed does not get in, and is not told why.
void warn_of_authorities(const std::string& file, std::vector<std::string>& warnings) {
  constexpr std::string_view kEnd = "-----END CERTIFICATE-----";
  const auto text = crypto::read_file(file);
  if (!text) return;
  std::string_view rest = *text;
  for (int number = 1; rest.find(kEnd) != std::string_view::npos; ++number) {
    const auto info = crypto::parse_certificate(rest);
    rest.remove_prefix(rest.find(kEnd) + kEnd.size());
    if (!info) continue;
    const std::string which = "client authority file " + file + ", certificate " + std::to_string(number) + ": ";
    if (std::chrono::system_clock::now() > info->not_after) {
      warnings.push_back(which + "expired on " + date_text(info->not_after) +
                         ": clients whose certificate it has signed are refused; replace it");
    } else if (!info->is_authority) {
      warnings.push_back(which + "is no authority's (CA); give the one that signs the clients'");
    }
  }
}

tls::ClientCheck to_tls(ClientCertificates policy) {
  if (policy == ClientCertificates::off) return tls::ClientCheck::off;
  return policy == ClientCertificates::required ? tls::ClientCheck::required : tls::ClientCheck::optional;
}

quic::ClientCheck to_quic(ClientCertificates policy) {
  if (policy == ClientCertificates::off) return quic::ClientCheck::off;
  return policy == ClientCertificates::required ? quic::ClientCheck::required : quic::ClientCheck::optional;
}

Result<quic::CertificatePair, Error> read_pair(const TlsFiles& files) {
  auto certificate = crypto::read_file(files.certificate_file);
  if (!certificate) return err(certificate.error());
  auto key = crypto::read_file(files.private_key_file);
  if (!key) return err(key.error());
  return quic::CertificatePair{std::move(*certificate), std::move(*key)};
}

Result<void, Error> check_names(const std::vector<TlsFiles>& further, std::vector<std::string>& warnings) {
  for (const TlsFiles& files : further) {
    const auto info = crypto::read_certificate(files.certificate_file);
    if (!info) return err(info.error());
    if (info->names.empty()) {
      return err(Error{"certificate file " + files.certificate_file +
                       " names no host (subjectAltName), so no client can ask for it: make it anew with its names"});
    }
    warn_unless_valid(*info, files.certificate_file, warnings);
  }
  return {};
}

}  // namespace

Result<CertificateLoader::Contexts, Error> CertificateLoader::make_contexts(const TlsFiles& files) const {
  tls::ServerConfig config{.certificate_file = files.certificate_file,
                           .private_key_file = files.private_key_file,
                           .client_check = to_tls(client_certificates_),
                           .client_authority_file = client_authority_file_};
  for (const TlsFiles& one : further_) config.further.push_back({one.certificate_file, one.private_key_file});
  auto http = tls::Context::server(config);
  if (!http) return err(http.error());
  config.alpn = {tls::kAlpnFrames};
  auto framed = tls::Context::server(config);
  if (!framed) return err(framed.error());
  return Contexts{std::make_shared<const tls::Context>(std::move(*http)),
                  std::make_shared<const tls::Context>(std::move(*framed))};
}

Result<void, Error> CertificateLoader::make_quic(const TlsFiles& files, Loaded& loaded) const {
  auto pair = read_pair(files);
  if (!pair) return err(pair.error());
  loaded.quic_secret = crypto::hmac_sha256(as_bytes(pair->private_key_pem), as_bytes("plait: QUIC tokens"));
  quic::ServerTlsConfig config{.certificate_pem = std::move(pair->certificate_pem),
                               .private_key_pem = std::move(pair->private_key_pem),
                               .alpn = {tls::kAlpnHttp3},
                               .client_check = to_quic(client_certificates_),
                               .wall_clock = [] { return std::chrono::system_clock::now(); }};
  for (const TlsFiles& one : further_) {
    auto read = read_pair(one);
    if (!read) return err(read.error());
    config.further.push_back(std::move(*read));
  }
  if (client_certificates_ != ClientCertificates::off) {
    auto authority = crypto::read_file(client_authority_file_);
    if (!authority) return err(authority.error());
    config.client_authority_pem = std::move(*authority);
  }
  auto tls = quic::ServerTls::make(config);
  if (!tls) return err(tls.error());
  loaded.quic.emplace(std::move(*tls));
  return {};
}

Result<CertificateLoader::Loaded, Error> CertificateLoader::load() const {
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
  if (client_certificates_ != ClientCertificates::off && client_authority_file_.empty()) {
    return err(Error{"client certificates cannot be verified: give a client authority file (PEM), or leave them off"});
  }
  Loaded loaded;
  loaded.files = {files.certificate_file, files.private_key_file};
  for (const TlsFiles& one : further_) {
    loaded.files.insert(loaded.files.end(), {one.certificate_file, one.private_key_file});
  }
  if (client_certificates_ != ClientCertificates::off) loaded.files.push_back(client_authority_file_);
  auto contexts = make_contexts(files);
  if (!contexts) return err(contexts.error());
  loaded.contexts = std::move(*contexts);
  if (auto named = check_names(further_, loaded.warnings); !named) return err(named.error());
  if (auto made = make_quic(files, loaded); !made) return err(made.error());
  if (client_certificates_ != ClientCertificates::off) warn_of_authorities(client_authority_file_, loaded.warnings);
  const auto info = crypto::read_certificate(files.certificate_file);
  if (!info) return err(info.error());
  warn_unless_valid(*info, files.certificate_file, loaded.warnings);
  loaded.description = {.sha256 = info->fingerprint, .not_after = info->not_after};
  return loaded;
}

std::string date_text(std::chrono::system_clock::time_point time) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(time);
  std::tm parts{};
  std::array<char, 32> text{};
  if (::gmtime_r(&seconds, &parts) == nullptr) return "?";
  return {text.data(), std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M:%S UTC", &parts)};
}

std::array<std::uint8_t, 32> quic_secret_of(const CertificateLoader::Loaded& loaded, std::string_view address) {
  utsname machine{};
  uname(&machine);
  return crypto::hmac_sha256(loaded.quic_secret, as_bytes(std::string{machine.nodename} + " " + std::string{address}));
}

std::array<std::uint8_t, 32> quic_token_secret_of(const std::array<std::uint8_t, 32>& secret, std::string_view boot) {
  return crypto::hmac_sha256(secret, as_bytes("plait: address tokens " + std::string{boot}));
}

std::string boot_name() {
  const auto name = crypto::read_file("/proc/sys/kernel/random/boot_id");
  return name ? *name : "";
}

}  // namespace plait
