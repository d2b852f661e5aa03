#include "server/service.hpp"

#include <plait/config.hpp>
#include <plait/log.hpp>
#include <plait/middleware.hpp>

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <mutex>
#include <system_error>

#include "codec/json_writer.hpp"
#include "crypto/certificate.hpp"
#include "http/uri.hpp"
#include "net/affinity.hpp"
#include "server/certificate_loader.hpp"
#include "server/development.hpp"
#include "server/error_list.hpp"
#include "server/metrics.hpp"
#include "server/pages.hpp"
#include "server/session_log.hpp"
#include "server/tokens.hpp"
#include "transport/rare_warning.hpp"

namespace plait::server {
namespace {

Result<crypto::JwtKey, Error> choose_key(const Config& config) {
  if (config.jwt_secret_file.empty()) return make_jwt_key();
  auto key = load_jwt_key(config.jwt_secret_file);
  if (!key) return err(Error{config.names.at("jwt.secret_file") + ": " + key.error().message});
  return key;
}

using Warnings = std::vector<std::string>;

// As a listener would: what TLS over TCP takes, QUIC may refuse.
Result<void, Error> check_loading(const std::string& names, const ServerOptions& options, Warnings& warnings) {
  if (options.tls.certificate_file.empty() || options.tls.private_key_file.empty()) return {};
  const auto loaded = CertificateLoader{options}.load();
  if (!loaded) return err(Error{names + ": " + loaded.error().message, loaded.error().system_errno});
  for (const std::string& warning : loaded->warnings) {
    if (std::ranges::find(warnings, warning) == warnings.end()) warnings.push_back(warning);
  }
  return {};
}

// Also where no listener needs it yet, and before one is blamed for it. What is not there is check_config()'s.
void check_files(const Config& config, ErrorList& errors, Warnings& warnings) {
  const ServerOptions& server = config.server;
  ServerOptions first;
  first.tls = server.tls;
  if (server.client_certificates != ClientCertificates::off && !server.client_authority_file.empty()) {
    if (const auto authority = crypto::read_certificate(server.client_authority_file); authority) {
      first.client_certificates = server.client_certificates;
      first.client_authority_file = server.client_authority_file;
    } else {
      errors.add(Error{config.names.at("tls.client_authority") + ": " + authority.error().message});
    }
  }
  const std::string pair = config.names.at("tls.certificate") + ", " + config.names.name("tls.private_key");
  errors.add(check_loading(pair, first, warnings));
  const std::string further = config.names.gave("tls.further") ? config.names.at("tls.further") : pair;
  for (const TlsFiles& files : server.further_tls) {
    ServerOptions options;
    options.tls = files;
    options.further_tls = {files};
    errors.add(check_loading(further, options, warnings));
  }
}

Result<void, Error> check_qlog(const Config& config) {
  const std::string& folder = config.server.qlog_folder;
  std::error_code ignored;
  if (folder.empty() || std::filesystem::is_directory(folder, ignored)) return {};
  return err(Error{config.names.at("qlog") + ": there is no folder \"" + folder + "\": make it first"});
}

void check_socket_folders(const Config& config, ErrorList& errors) {
  for (const std::string& url : config.listen) {
    const auto uri = http::parse_uri(url);
    if (!uri || uri->socket_path.empty()) continue;
    const auto folder = std::filesystem::path{uri->socket_path}.parent_path();
    std::error_code failed;
    if (std::filesystem::status(folder, failed).type() != std::filesystem::file_type::not_found) continue;
    errors.add(Error{config.names.at("listen") + " " + url + ": the directory " + folder.string() +
                     " does not exist: make it, or use another path"});
  }
}

// Whoever reads a secret makes tokens, and whoever reads a key is this server.
void warn_of_readers(const std::string& setting, const std::string& file) {
  std::error_code failed;
  const auto permissions = std::filesystem::status(file, failed).permissions();
  if (file.empty() || failed || (permissions & std::filesystem::perms::others_read) == std::filesystem::perms::none) {
    return;
  }
  log(LogLevel::warning, setting + ": every user of this machine can read it; chmod o= '" + file + "'");
}

// Who gives a certificate may think that nothing is in the clear.
void warn_of_open_doors(const Config& config) {
  if (!config.listen.empty() || config.names.has_mistake("listen")) return;
  const char* setting = "tls.certificate";
  std::string what = "encrypt nothing, on every address of this machine";
  if (config.server.client_certificates == ClientCertificates::required) {
    setting = "tls.client_certificates";
    what = "ask for no certificate";
  } else if (config.development || config.server.tls.certificate_file.empty()) {
    return;
  }
  log(LogLevel::warning, config.names.at(setting) + ": ws: and tcp: are listened on by default and " + what +
                             "; give " + config.names.wanted("listen") + " for each listener that there shall be");
}

// What the queue cannot hold is left out, unless it is empty.
void warn_of_small_queue(const Config& config) {
  const Limits& limits = config.server.limits;
  if (limits.send_queue_bytes_max >= limits.message_bytes_max) return;
  for (const char* key : {"limits.send_queue_bytes_max", "limits.message_bytes_max"}) {
    if (config.names.has_mistake(key)) return;
  }
  log(LogLevel::warning, config.names.at("limits.send_queue_bytes_max") +
                             ": below limits.message_bytes_max: a larger message than this reaches only sessions "
                             "for which nothing waits");
}

// `warnings` are those of certificates; the others are logged.
Result<void, Error> examine(const Config& config, Warnings& warnings) {
  ErrorList errors;
  errors.add(check_config(config));
  check_files(config, errors, warnings);
  check_socket_folders(config, errors);
  errors.add(check_qlog(config));
  errors.add(choose_key(config));
  warn_of_readers(config.names.at("jwt.secret_file"), config.jwt_secret_file);
  warn_of_readers(config.names.at("tls.private_key"), config.server.tls.private_key_file);
  const char* further = config.names.gave("tls.further") ? "tls.further" : "tls.private_key";
  for (const TlsFiles& files : config.server.further_tls) {
    warn_of_readers(config.names.at(further), files.private_key_file);
  }
  warn_of_open_doors(config);
  warn_of_small_queue(config);
  return errors.result();
}

Config complete(Config config) {
  if (config.listen.empty()) config.listen = default_listeners(config);
  if (config.server.threads == 0) config.server.threads = static_cast<unsigned>(net::available_cpus().size());
  config.server.development_certificate = config.development && config.server.tls.certificate_file.empty();
  config.server.handle_signals = true;
  return config;
}

}  // namespace

// Whoever reaches a listener may be refused as often as they like: that must not push other warnings out of the log.
class Service::RefusalLog {
 public:
  /// On any loop.
  void add(const std::string& line) {
    const std::scoped_lock lock{mutex_};
    if (!warning_.give(std::chrono::steady_clock::now(), line)) log(LogLevel::info, line);
  }

 private:
  std::mutex mutex_;  // guards warning_
  transport::RareWarning warning_;
};

Result<void, Error> Service::check(const Config& config) {
  Warnings warnings;
  auto checked = examine(config, warnings);
  for (const std::string& warning : warnings) log(LogLevel::warning, warning);
  return checked;
}

// The warnings come again with the first listener that needs a certificate.
Result<std::unique_ptr<Service>, Error> Service::make(Config config) {
  Warnings warnings;
  if (auto checked = examine(config, warnings); !checked) return err(checked.error());
  auto key = choose_key(config);
  if (!key) return err(key.error());
  crypto::JwtRules rules;
  rules.issuer = config.jwt_issuer;
  rules.audience = config.jwt_audience;
  std::unique_ptr<Service> service{
      new Service{complete(std::move(config)), std::make_unique<TokenGate>(std::move(*key), std::move(rules))}};
  if (auto listening = service->listen(); !listening) return err(listening.error());
  service->add_middleware();
  service->add_endpoints();
  return service;
}

Service::Service(Config config, std::unique_ptr<const TokenGate> gate)
    : config_(std::move(config)),
      gate_(std::move(gate)),
      refusals_(std::make_unique<RefusalLog>()),
      hub_(hub_options()),
      server_(config_.server) {}

Service::~Service() = default;

HubOptions Service::hub_options() {
  HubOptions options;
  options.broker = memory_broker(config_.history);
  options.authenticate = [this](const OpeningRequest& request) { return authenticate(request); };
  options.subscriptions_max = config_.subscriptions_max;
  options.patterns_max = config_.patterns_max;
  options.patterns_total_max = config_.patterns_total_max;
  options.rate_limit_capacity = config_.rate_limit_capacity;
  options.rate_limit_refill = config_.rate_limit_refill;
  options.message_bytes_max = config_.server.limits.message_bytes_max;
  options.recovery = config_.history.history_count_max > 0;
  return options;
}

Identity Service::authenticate(const OpeningRequest& request) const {
  auto admitted = gate_->admit(request);
  if (admitted) return {.user = std::move(admitted->user), .reason = {}, .expires = admitted->expires};
  refusals_->add("refused a session from " + request.peer() + ": " + admitted.error());
  return {.authenticated = false,
          .user = {},
          .reason = config_.development ? admitted.error() : "unauthorized",
          .refusal_status = 401};
}

Result<void, Error> Service::listen() {
  for (const std::string& url : config_.listen) {
    http::Uri uri = *http::parse_uri(url);  // check() has refused what is none
    uri.path = kHubPath;
    auto handlers = config_.access_log ? log_ends(hub_.handler()) : hub_.handler();
    const auto bound = server_.listen(to_string(uri), std::move(handlers));
    if (!bound) {
      return err(
          Error{config_.names.at("listen") + " " + url + ": " + bound.error().message, bound.error().system_errno});
    }
    urls_.push_back(bound->substr(0, bound->rfind(uri.scheme == http::Scheme::unix_socket ? ':' : '/')));
  }
  server_.attach(hub_);
  return {};
}

// The log hears of what the limit refuses, too.
void Service::add_middleware() {
  if (config_.access_log) server_.use(access_log());
  if (config_.requests.requests_max > 0) server_.use(limit_rate(config_.requests));
}

void Service::add_endpoints() {
  const std::vector<std::string> webtransport_urls = https_urls();
  add_pages(server_, webtransport_urls);
  server_.http("/health", [this](const HttpRequest& request) { return answer_health(request); });
  server_.http("/metrics", [this](const HttpRequest& request) { return answer_metrics(request, false); });
  server_.http("/stats", [this](const HttpRequest& request) { return answer_metrics(request, true); });
  if (!config_.development) return;
  server_.http("/dev/token",
               [this](const HttpRequest& request) { return answer_token_request(request, gate_->key()); });
  if (webtransport_urls.empty()) return;
  server_.http("/dev/certificate", [this, url = webtransport()->url](const HttpRequest& request) {
    return answer_certificate_request(request, url, server_.certificates());
  });
}

// The page's own way to them needs the development certificate's hash.
std::vector<std::string> Service::https_urls() const {
  std::vector<std::string> urls;
  if (!config_.development) return urls;
  std::ranges::copy_if(urls_, std::back_inserter(urls),
                       [](const std::string& url) { return url.starts_with("https:"); });
  return urls;
}

std::optional<Service::WebTransportReach> Service::webtransport() const {
  const std::vector<std::string> urls = https_urls();
  const std::vector<ServerCertificate> certificates = server_.certificates();
  if (urls.empty() || certificates.empty()) return std::nullopt;
  return WebTransportReach{urls.front() + std::string{kHubPath}, hash_text(certificates.front())};
}

HttpResponse Service::answer_health(const HttpRequest& request) const {
  std::string body;
  codec::JsonWriter{body}.begin_object().member("status", "ok").member("version", kVersion).end_object();
  return page_response(request, "application/json", body);
}

HttpResponse Service::answer_metrics(const HttpRequest& request, bool as_json) const {
  const std::chrono::duration<double> uptime = std::chrono::steady_clock::now() - started_;
  const Snapshot snapshot{server_.stats(), hub_.stats(), config_.server.threads, uptime.count()};
  if (as_json) return page_response(request, "application/json", to_json(snapshot));
  return page_response(request, kPrometheusContentType, to_prometheus(snapshot));
}

std::optional<std::string> Service::development_token() const {
  if (!config_.development) return std::nullopt;
  return server::development_token(gate_->key());
}

Result<void, Error> Service::run() { return server_.run(); }

}  // namespace plait::server
