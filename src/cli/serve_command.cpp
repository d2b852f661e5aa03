// plait serve: topics on every wire.
#include <plait/log.hpp>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/commands.hpp"
#include "cli/log_writer.hpp"
#include "cli/output.hpp"
#include "core/shell_word.hpp"
#include "net/file_limit.hpp"
#include "server/config.hpp"
#include "server/service.hpp"

namespace plait::cli {
namespace {

constexpr const char* kServeExamples =
    R"(Routes: /wse (the hub, on every wire); over HTTP: / (a page), /health, /metrics, /stats
A Unix socket's routes follow a colon: unix:/run/plait.sock:/wse
Examples:
  plait serve --dev
  plait serve --config plait.toml
  plait serve --jwt-secret-file secret --cert site.crt --key site.key --listen wss://0.0.0.0:443
  plait serve --jwt-secret-file secret --allowed-origin https://example.org
  plait serve --jwt-secret-file secret --cert a.crt --key a.key --cert b.crt --key b.key --requests-max 100 --access-log
  plait serve --jwt-secret-file secret --cert site.crt --key site.key --client-certificates required --client-authority ca.crt
  plait serve --dev --listen ws://127.0.0.1:0 --listen quic://127.0.0.1:0 --threads 1
  plait serve --dev --qlog /tmp/qlog)";

/// What was given on the command line; it overrides the config file.
struct ServeOptions {
  std::string config_file;
  bool development = false;
  std::vector<std::string> listen;
  std::optional<unsigned> threads;
  std::vector<std::string> certificates;
  std::vector<std::string> keys;
  std::string jwt_secret_file;
  std::vector<std::string> allowed_origins;
  std::optional<unsigned> busy_poll_microseconds;
  bool deflate = false;
  bool access_log = false;
  std::string qlog_folder;
  std::optional<std::size_t> requests_max;
  std::string client_certificates;
  std::string client_authority;
};

template <class T>
void override(server::Config& config, std::string_view key, T& setting, const T& given) {
  if (given.empty()) return;
  setting = given;
  config.names.override(key);
}

// One of each completes what the config file says.
Result<void, Error> check_certificates(const ServeOptions& options) {
  const std::size_t certificates = options.certificates.size();
  const std::size_t keys = options.keys.size();
  if (certificates == keys || std::max(certificates, keys) == 1) return {};
  const std::string missing = certificates > keys ? "--key for --cert " + options.certificates[keys]
                                                  : "--cert for --key " + options.keys[certificates];
  return err(Error{fmt::format("{} --cert and {} --key, which belong together in their order: there is no {}",
                               certificates, keys, missing)});
}

/// The first pair is that of all clients who ask for no name of the others.
void override_certificates(server::Config& config, const ServeOptions& options) {
  ServerOptions& server = config.server;
  const std::size_t count = std::max(options.certificates.size(), options.keys.size());
  if (!options.certificates.empty()) config.names.override("tls.certificate");
  if (!options.keys.empty()) config.names.override("tls.private_key");
  if (count > 1) {
    server.further_tls.clear();
    config.names.override("tls.further");
  }
  for (std::size_t i = 0; i < count; ++i) {
    TlsFiles& files = i == 0 ? server.tls : server.further_tls.emplace_back();
    if (i < options.certificates.size()) files.certificate_file = options.certificates[i];
    if (i < options.keys.size()) files.private_key_file = options.keys[i];
  }
}

ClientCertificates client_certificates_of(const std::string& word) {
  if (word == "required") return ClientCertificates::required;
  return word == "optional" ? ClientCertificates::optional : ClientCertificates::off;
}

Result<server::Config, Error> make_config(const ServeOptions& options) {
  if (auto paired = check_certificates(options); !paired) return err(paired.error());
  server::Config config;
  if (!options.config_file.empty()) {
    auto loaded = server::load_config(options.config_file);
    if (!loaded) return loaded;
    config = std::move(*loaded);
  }
  config.development = config.development || options.development;
  config.server.deflate = config.server.deflate || options.deflate;
  override(config, "listen", config.listen, options.listen);
  override_certificates(config, options);
  override(config, "tls.client_authority", config.server.client_authority_file, options.client_authority);
  if (!options.client_certificates.empty()) {
    config.server.client_certificates = client_certificates_of(options.client_certificates);
    config.names.override("tls.client_certificates");
    if (options.client_certificates == "off" && options.client_authority.empty()) {
      config.server.client_authority_file.clear();  // the file's, which has nothing to do now
    }
  }
  config.access_log = config.access_log || options.access_log;
  override(config, "qlog", config.server.qlog_folder, options.qlog_folder);
  if (options.requests_max) config.requests.requests_max = *options.requests_max;
  override(config, "jwt.secret_file", config.jwt_secret_file, options.jwt_secret_file);
  override(config, "allowed_origins", config.server.allowed_origins, options.allowed_origins);
  if (options.threads) config.server.threads = *options.threads;
  if (options.busy_poll_microseconds) {
    config.server.busy_poll = std::chrono::microseconds{*options.busy_poll_microseconds};
  }
  return config;
}

/// The first URL of the wires in order of convenience, and what a client needs to reach it.
struct Reach {
  std::string url;
  std::string options;
};

Reach choose_reach(const std::vector<std::string>& urls) {
  struct Wire {
    const char* scheme;
    const char* options;
  };
  constexpr const char* kInsecure = " --insecure";
  for (const Wire& wire : {Wire{"ws:", ""},
                           {"tcp:", ""},
                           {"unix:", ""},
                           {"wss:", kInsecure},
                           {"tls:", kInsecure},
                           {"https:", kInsecure},
                           {"quic:", kInsecure}}) {
    for (const std::string& url : urls) {
      if (!url.starts_with(wire.scheme)) continue;
      return {url, (url == "ws://127.0.0.1:8800" ? "" : " --url " + core::shell_quoted(url)) + wire.options};
    }
  }
  return {};
}

std::string page_url(const std::vector<std::string>& urls) {
  for (const std::string& url : urls) {
    if (url.starts_with("ws")) return "http" + url.substr(2) + "/";
  }
  return {};
}

void print_development_notice(const server::Service& service, const std::string& token) {
  const std::vector<std::string>& urls = service.urls();
  const Reach reach = choose_reach(urls);
  const std::string program = core::shell_quoted(program_invocation_name);
  print_error(
      "plait: warning: DEVELOPMENT MODE. Everyone on this machine gets a token, and certificates are not to be\n"
      "plait: warning: trusted. Loopback only. For production leave out --dev and give --jwt-secret-file.\n");
  print("\nA token for 24 hours or until the server stops:\n\n  export PLAIT_TOKEN={}\n\n", token);
  if (const auto webtransport = service.webtransport()) {
    print("Browsers' WebTransport to {} knows the certificate by its SHA-256 hash:\n\n  {}\n\n", webtransport->url,
          webtransport->certificate_hash);
  }
  print("Paste in a terminal that has it, or open the page:\n\n  {0} sub demo{1}\n", program, reach.options);
  print("  {} pub demo '{{\"hello\":\"world\"}}'{}\n", program, reach.options);
  if (const std::string page = page_url(urls); !page.empty()) print("  {}\n", page);
  print("\n");
}

int serve(const ServeOptions& options) {
  auto config = make_config(options);
  if (!config) return fail_each(config.error().message);
  net::raise_file_limit();
  outlive_readers();
  const LogWriter log_writer{config->access_log ? LogLevel::info : LogLevel::warning};
  const auto made = server::Service::make(std::move(*config));
  if (!made) return fail_each(made.error().message);
  server::Service& service = **made;
  for (const std::string& url : service.urls()) print("listening {}\n", url);
  if (const auto token = service.development_token()) print_development_notice(service, *token);
  if (!flush_output()) log(LogLevel::warning, "standard output cannot be written: the listeners' URLs are lost");
  const auto served = service.run();
  return served ? 0 : fail(served.error().message);
}

void add_listening_options(CLI::App& command, ServeOptions& options) {
  command.add_option("--config", options.config_file, "TOML file of settings; options given here override it")
      ->type_name("PATH");
  command.add_flag("--dev", options.development,
                   "Development mode: loopback only, a certificate and tokens of its own");
  command
      .add_option("--listen", options.listen,
                  "ws: wss: https: quic: tcp: tls: or unix: URL; port 0 picks a free one; may be repeated\n"
                  "[ws 8800, tcp 8801, and with a certificate wss 8443, https and quic 4433, tls 8802]")
      ->type_name("URL");
  command
      .add_option("--cert", options.certificates,
                  "Certificate chain (PEM), leaf first; again for one that clients get by its names")
      ->type_name("PATH");
  command.add_option("--key", options.keys, "Private key (PEM); as often as --cert")->type_name("PATH");
  command
      .add_option("--client-certificates", options.client_certificates,
                  "Certificates of clients: off, optional or required [off]")
      ->check(CLI::IsMember({"off", "optional", "required"}))
      ->type_name("WHEN");
  command.add_option("--client-authority", options.client_authority, "Authorities (PEM) that sign them")
      ->type_name("PATH");
  command.add_option("--jwt-secret-file", options.jwt_secret_file, "Secret (at least 32 bytes) of the access tokens")
      ->envname("PLAIT_JWT_SECRET_FILE")
      ->type_name("PATH");
  command
      .add_option("--allowed-origin", options.allowed_origins,
                  "Origin whose pages may connect, besides this server's own; \"*\": any")
      ->type_name("ORIGIN");
}

}  // namespace

void add_serve_command(CLI::App& app, Action& action) {
  CLI::App* command = app.add_subcommand("serve", "Serve topics on every wire")->group("Commands");
  command->footer(kServeExamples);
  auto options = std::make_shared<ServeOptions>();
  add_listening_options(*command, *options);
  command->add_option("--threads", options->threads, "Loops [0: one per core]")->check(CLI::Range(0, 1024));
  command->add_option("--busy-poll", options->busy_poll_microseconds, "Spin at most so many µs before blocking [0]")
      ->check(CLI::Range(0, 50));
  command->add_flag("--deflate", options->deflate, "Accept permessage-deflate");
  command
      ->add_option("--requests-max", options->requests_max,
                   "HTTP requests and openings that one address may make in a minute, or in the\nfile's "
                   "requests_window; 0: any number [0]")
      ->check(CLI::Range(0, 1'000'000'000).description(""))
      ->type_name("N");
  command->add_flag("--access-log", options->access_log, "Log each request and opening to standard error");
  command
      ->add_option("--qlog", options->qlog_folder,
                   "With --dev: a folder for a file of qlog of each https: and quic: connection")
      ->type_name("DIR");
  command->callback([&action, options] { action = [options] { return serve(*options); }; });
}

}  // namespace plait::cli
