#include "server/config.hpp"

#include <plait/hub.hpp>

#include <algorithm>

#include "codec/json_writer.hpp"
#include "crypto/file.hpp"
#include "http/authority.hpp"
#include "http/origin.hpp"
#include "http/uri.hpp"
#include "server/error_list.hpp"
#include "server/loopback.hpp"

namespace plait::server {
namespace {

bool has_certificate(const Config& config) { return config.development || !config.server.tls.certificate_file.empty(); }

// Not where a mistake may be all that stands in the way.
bool lacks_certificate(const Config& config) {
  return !has_certificate(config) && !config.names.has_mistake("tls.certificate") &&
         !config.names.has_mistake("development");
}

Result<void, Error> check_listener(const Config& config, const std::string& url) {
  const SettingNames& names = config.names;
  const auto wrong = [&](const std::string& why) { return err(Error{names.at("listen") + " " + url + ": " + why}); };
  const auto uri = http::parse_uri(url);
  if (!uri) return wrong(std::string{http::describe(uri.error())});
  if (uri->scheme == http::Scheme::http) {
    return wrong(
        "write ws:// or wss:// (which answer HTTP/1.1, too), https:// (HTTP/3 and WebTransport), quic://, tcp://, "
        "tls:// or unix:");
  }
  if (uri->path != "/" || !uri->query.empty()) {
    return wrong("leave out the path; the hub is at " + std::string{kHubPath} + " of every listener");
  }
  const bool local = uri->scheme == http::Scheme::unix_socket || is_loopback(uri->host);
  if (config.development && !local) {
    return wrong(names.name("development") + " listens on loopback addresses only (127.0.0.1, ::1, localhost); " +
                 "for other addresses leave it out and give " + names.wanted("jwt.secret_file"));
  }
  if (is_secure(uri->scheme) && lacks_certificate(config)) {
    return wrong("needs a certificate: give " + names.wanted("tls.certificate") + " and " +
                 names.wanted("tls.private_key"));
  }
  return {};
}

// "::" takes IPv4, too. A name is not looked up: it may be of the other kind than 0.0.0.0.
bool covers(const http::Uri& all, const http::Uri& one) {
  return all.host == "::" || (all.host == "0.0.0.0" && http::is_ipv4_address(one.host));
}

// As the server sees it: TCP, UDP and sockets' paths are apart, and port 0 is another one each time.
bool share_address(const http::Uri& a, const http::Uri& b) {
  if (!a.socket_path.empty() || !b.socket_path.empty()) return a.socket_path == b.socket_path;
  return is_quic(a.scheme) == is_quic(b.scheme) && a.port == b.port && a.port != 0 &&
         (a.host == b.host || covers(a, b) || covers(b, a));
}

// The second one would be told that its port is in use, and to stop another program.
void check_addresses(const Config& config, ErrorList& errors) {
  std::vector<http::Uri> seen;
  for (const std::string& url : config.listen) {
    const auto uri = http::parse_uri(url);
    if (!uri) continue;  // check_listener() has said so
    const std::string at = config.names.at("listen") + " " + url + ": ";
    for (const http::Uri& other : seen) {
      if (!share_address(*uri, other)) continue;
      const bool is_same = uri->host == other.host;
      if (is_same && is_quic(uri->scheme) && uri->scheme != other.scheme) continue;  // ALPN tells them apart
      errors.add(Error{at + (is_same && uri->scheme == other.scheme
                                 ? "is given twice; leave one out"
                                 : to_string(other) + " has this port already; give one of the two another")});
      break;
    }
    seen.push_back(*uri);
  }
}

// `allowed` with "*" and "?" taken by what may stand for them.
std::string example_of(std::string_view allowed) {
  if (!allowed.starts_with('*')) {
    std::string example{allowed};
    std::ranges::replace_if(
        example, [](char character) { return character == '*' || character == '?'; }, '1');
    return example;
  }
  allowed.remove_prefix(1);
  return example_of((allowed.starts_with("://") ? "https" : "https://1") + std::string{allowed});
}

// Compared with what browsers send (RFC 6454 §6.2), what is no origin would never match: better said now.
Result<void, Error> check_origin(const SettingNames& names, const std::string& allowed) {
  const std::string example = example_of(allowed);
  const auto origin = http::parse_origin(example);
  const bool has_upper = std::ranges::any_of(allowed, [](char one) { return one >= 'A' && one <= 'Z'; });
  const bool has_default_port = origin && ((origin->scheme == "https" && example.ends_with(":443")) ||
                                           (origin->scheme == "http" && example.ends_with(":80")));
  if (allowed == "null" || (origin && !has_upper && !has_default_port)) return {};
  return err(Error{names.at("allowed_origins") + " " + allowed +
                   ": not an origin as browsers send it: write https://HOST or https://HOST:PORT, in lower case, "
                   "without a path or a slash at the end, and without the scheme's default port"});
}

Result<void, Error> check_pair(const SettingNames& names, const TlsFiles& tls) {
  if (tls.certificate_file.empty() == tls.private_key_file.empty()) return {};
  if (tls.certificate_file.empty()) {
    return err(Error{names.at("tls.private_key") + " needs " + names.wanted("tls.certificate") +
                     ", the certificate chain that it belongs to"});
  }
  return err(Error{names.at("tls.certificate") + " needs " + names.wanted("tls.private_key") +
                   ", the certificate's private key"});
}

Result<void, Error> check_rate_limit(const Config& config) {
  if (config.names.has_mistake("hub.rate_limit_capacity")) return {};
  if (config.rate_limit_capacity <= 0 && config.rate_limit_refill <= 0) return {};
  const std::string capacity = config.names.at("hub.rate_limit_capacity");
  if (config.rate_limit_capacity <= 0) {
    return err(Error{config.names.at("hub.rate_limit_refill") +
                     " without hub.rate_limit_capacity limits nothing: give how many messages a connection may send "
                     "at once"});
  }
  if (config.rate_limit_capacity < 1) {
    return err(Error{capacity + " below 1 lets no message pass: give 1 or more, or 0 for no limit"});
  }
  if (config.rate_limit_refill <= 0 && !config.names.has_mistake("hub.rate_limit_refill")) {
    return err(Error{capacity + " without hub.rate_limit_refill refuses a connection for ever once it has "
                                "sent so many messages: give how many a second it may send"});
  }
  return {};
}

void check_tls(const Config& config, ErrorList& errors) {
  const SettingNames& names = config.names;
  const ServerOptions& server = config.server;
  if (!names.has_mistake("tls.certificate") && !names.has_mistake("tls.private_key")) {
    errors.add(check_pair(names, server.tls));
  }
  for (const TlsFiles& tls : server.further_tls) errors.add(check_pair(names, tls));
  if (!server.further_tls.empty() && lacks_certificate(config) && server.tls.private_key_file.empty()) {
    errors.add(Error{names.at("tls.further") + " needs " + names.wanted("tls.certificate") + " and " +
                     names.wanted("tls.private_key") + ", which clients get that ask for no name of these"});
  }
  if (names.has_mistake("tls.client_certificates") || names.has_mistake("tls.client_authority")) return;
  if ((server.client_certificates != ClientCertificates::off) != server.client_authority_file.empty()) return;
  errors.add(Error{server.client_authority_file.empty()
                       ? names.at("tls.client_certificates") + " needs " + names.wanted("tls.client_authority") +
                             ", the authorities that sign them"
                       : names.at("tls.client_authority") + " is of no use without " +
                             names.wanted("tls.client_certificates") + " optional or required"});
}

}  // namespace

Result<Config, Error> load_config(const std::filesystem::path& file) {
  const auto text = crypto::read_file(file);
  if (!text) return err(text.error());
  return parse_config(*text, file.string());
}

Result<void, Error> check_config(const Config& config) {
  const SettingNames& names = config.names;
  const bool production = !config.development && !names.has_mistake("development");
  ErrorList errors = config.mistakes;
  check_tls(config, errors);
  if (config.development && !config.server.allowed_origins.empty()) {
    errors.add(Error{names.at("allowed_origins") + ": " + names.name("development") +
                     " refuses foreign origins; leave out one of the two"});
  }
  for (const std::string& allowed : config.server.allowed_origins) errors.add(check_origin(names, allowed));
  if (production && !config.server.qlog_folder.empty()) {
    errors.add(Error{names.at("qlog") +
                     ": only in development mode, since the files have secrets of the connections and slow them "
                     "down: give " +
                     names.wanted("development") + ", too, or leave it out"});
  }
  if (production && config.jwt_secret_file.empty() && !names.has_mistake("jwt.secret_file")) {
    errors.add(Error{names.wanted("jwt.secret_file") +
                     " is required: a secret of at least 32 bytes that signs access tokens "
                     "(make one: (umask 077; head -c 32 /dev/urandom | base64 > secret)); or try " +
                     names.wanted("development")});
  }
  for (const std::string& url : config.listen) errors.add(check_listener(config, url));
  check_addresses(config, errors);
  errors.add(check_rate_limit(config));
  return errors.result();
}

std::string check_json(std::string_view errors, const std::vector<std::string>& listen) {
  std::string text;
  codec::JsonWriter json{text};
  json.begin_object().key("errors").begin_array();
  while (!errors.empty()) {
    const std::size_t end = std::min(errors.find('\n'), errors.size());
    json.value(errors.substr(0, end));
    errors.remove_prefix(std::min(end + 1, errors.size()));
  }
  json.end_array().key("listen").begin_array();
  for (const std::string& url : listen) json.value(url);
  json.end_array().end_object();
  return text;
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
