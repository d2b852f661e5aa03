#include "cli/hub_reach.hpp"

#include <utility>

#include "cli/command.hpp"
#include "client/token.hpp"

namespace plait::cli {
namespace {

// What the library says is for programs, too; here it is known which option helps.
std::string hint(const Error& error, bool has_token) {
  constexpr int kUnauthorized = 401;
  if (error.status == kUnauthorized) {
    return has_token ? "; give another access token with --token-file PATH or in PLAIT_TOKEN"
                     : "; give an access token with --token-file PATH or in PLAIT_TOKEN (plait token makes one)";
  }
  const auto says = [&error](const char* words) { return error.message.find(words) != std::string::npos; };
  if (says("Connection refused") || says("nobody listens"))
    return "; is plait serve running there? --url names another hub";
  return certificate_hint(error.message);
}

}  // namespace

void HubReach::add_to(CLI::App& command) {
  command.add_option("--url", url, "ws: wss: https: quic: tcp: tls: or unix: URL of the hub")->capture_default_str();
  CLI::Option* token_option =
      command.add_option("--token", token, "Access token")->envname("PLAIT_TOKEN")->type_name("JWT");
  command.add_option("--token-file", token_file, "A file with the access token; overrides --token")->type_name("PATH");
  token_option->group("Options");
  trust.add_to(command);
  command.add_option("--timeout", timeout_seconds, "Seconds to wait for the server")
      ->check(number_between(0.001, 86400))
      ->capture_default_str();
}

Duration HubReach::timeout() const { return to_duration(timeout_seconds); }

Result<ConnectOptions, Error> HubReach::connect_options() const {
  const bool is_in_file = !token_file.empty();
  const auto text = is_in_file ? client::read_token(token_file) : client::trim_token(token);
  if (!text) return err(Error{(is_in_file ? "--token-file: " : "--token or PLAIT_TOKEN: ") + text.error().message});
  ConnectOptions options;
  if (!text->empty()) options.headers.emplace_back("Authorization", "Bearer " + *text);
  if (const auto applied = trust.apply_to(options); !applied) return err(applied.error());
  options.timeout = timeout();
  return options;
}

Result<client::HubClient, Error> HubReach::connect() const {
  if (url.starts_with("http://")) return err(Error{"--url " + url + ": write ws:// instead of http://"});
  const auto options = connect_options();
  if (!options) return err(options.error());
  auto hub = client::HubClient::connect(url, *options);
  if (hub) return hub;
  Error error = hub.error();
  error.message += hint(error, !options->headers.empty());
  return err(std::move(error));
}

}  // namespace plait::cli
