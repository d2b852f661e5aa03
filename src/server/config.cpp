#include "server/config.hpp"

#include <algorithm>

#include "crypto/file.hpp"
#include "http/uri.hpp"
#include "server/loopback.hpp"

namespace plait::server {
namespace {

bool has_certificate(const Config& config) { return config.development || !config.server.tls.certificate_file.empty(); }

Result<void, Error> check_listener(const Config& config, const std::string& url) {
  const auto uri = http::parse_uri(url);
  if (!uri) return err(Error{"--listen " + url + ": " + std::string{http::describe(uri.error())}});
  if (uri->scheme == http::Scheme::http) {
    return err(
        Error{"--listen " + url +
              ": write ws:// or wss:// (which answer HTTP/1.1, too), https:// (HTTP/3 and WebTransport), quic://, "
              "tcp://, tls:// or unix:"});
  }
  if (uri->path != "/" || !uri->query.empty()) {
    return err(Error{"--listen " + url + ": leave out the path; the hub is at " + std::string{kHubPath} +
                     " of every listener"});
  }
  const bool local = uri->scheme == http::Scheme::unix_socket || is_loopback(uri->host);
  if (config.development && !local) {
    return err(Error{"--listen " + url + ": --dev listens on loopback addresses only (127.0.0.1, ::1, localhost); " +
                     "for other addresses leave out --dev and give --jwt-secret-file"});
  }
  const bool secure = uri->scheme == http::Scheme::tls || uri->scheme == http::Scheme::wss ||
                      uri->scheme == http::Scheme::https || uri->scheme == http::Scheme::quic;
  if (secure && !has_certificate(config)) {
    return err(Error{"--listen " + url + ": needs a certificate: give --cert FILE and --key FILE"});
  }
  return {};
}

Result<void, Error> check_rate_limit(const Config& config) {
  if (config.rate_limit_capacity <= 0) return {};
  if (config.rate_limit_capacity < 1) {
    return err(Error{"hub.rate_limit_capacity below 1 lets no message pass: give 1 or more, or 0 for no limit"});
  }
  if (config.rate_limit_refill <= 0) {
    return err(
        Error{"hub.rate_limit_capacity without hub.rate_limit_refill refuses a connection for ever once it has "
              "sent so many messages: give how many a second it may send"});
  }
  return {};
}

}  // namespace

Result<Config, Error> load_config(const std::filesystem::path& file) {
  const auto text = crypto::read_file(file);
  if (!text) return err(Error{"--config: " + text.error().message, text.error().system_errno});
  return parse_config(*text, file.string());
}

Result<void, Error> check_config(const Config& config) {
  std::vector<TlsFiles> pairs{config.server.tls};
  pairs.insert(pairs.end(), config.server.further_tls.begin(), config.server.further_tls.end());
  for (const TlsFiles& tls : pairs) {
    if (tls.certificate_file.empty() == tls.private_key_file.empty()) continue;
    return err(Error{tls.certificate_file.empty() ? "--key needs --cert FILE, the certificate chain that it belongs to"
                                                  : "--cert needs --key FILE, the certificate's private key"});
  }
  if ((config.server.client_certificates != ClientCertificates::off) == config.server.client_authority_file.empty()) {
    return err(Error{config.server.client_authority_file.empty()
                         ? "--client-certificates needs --client-authority FILE, the authorities that sign them"
                         : "--client-authority is of no use without --client-certificates optional or required"});
  }
  if (config.development && !config.server.allowed_origins.empty()) {
    return err(Error{"--allowed-origin: --dev refuses foreign origins; leave out one of the two"});
  }
  if (!config.development && !config.server.qlog_folder.empty()) {
    return err(
        Error{"--qlog: only in development mode, since the files have secrets of the connections and slow them down: "
              "give --dev, too, or leave it out"});
  }
  if (!config.development && config.jwt_secret_file.empty()) {
    return err(
        Error{"--jwt-secret-file FILE is required: a secret of at least 32 bytes that signs access tokens "
              "(make one: head -c 32 /dev/urandom | base64 > secret); or try --dev"});
  }
  for (const std::string& url : config.listen) {
    if (auto checked = check_listener(config, url); !checked) return checked;
  }
  return check_rate_limit(config);
}

std::vector<std::string> default_listeners(const Config& config) {
  const std::string host = config.development ? "127.0.0.1" : "0.0.0.0";
  std::vector<std::string> urls{"ws://" + host + ":8800", "tcp://" + host + ":8801"};
  if (has_certificate(config)) {
    urls.insert(urls.begin() + 1, "wss://" + host + ":8443");
    urls.insert(urls.begin() + 2, {"https://" + host + ":4433", "quic://" + host + ":4433"});
    urls.push_back("tls://" + host + ":8802");
  }
  return urls;
}

}  // namespace plait::server
