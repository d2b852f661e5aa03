#include "bench/server_spec.hpp"

#include "bench/components/bulk/bulk.hpp"
#include "bench/url.hpp"
#include "core/shell_word.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

namespace plait::bench {

namespace {

constexpr const char* kQuicCongestionControl = "cubic";  // ngtcp2's, of Plait and of the raw program

template <class Value>
bool allows(const std::vector<Value>& list, const Value& value) {
  return list.empty() || std::find(list.begin(), list.end(), value) != list.end();
}

/// In the bulk rows (TCP only where there is no path of UDP), and raw QUIC in those of QUIC's handshake with the one
/// kind of certificate that it has.
bool is_measured_by(std::string_view yardstick, const Row& row) {
  if (row.plan.mode == LoadMode::bulk) return !has_path(row.plan) || yardstick == "quic-bulk";
  return row.plan.mode == LoadMode::handshake && yardstick == "quic-bulk" && !row.rsa;
}

/// A broker's scheme is no row's: it takes part wherever messages are fanned out in the clear; nor is a yardstick's.
/// Nor is that of the wire quic:, which has WebTransport's streams and datagrams, and so its rows, but no SETTINGS and
/// no times of an opening's parts.
bool speaks(const ServerSpec& spec, const Row& row) {
  const std::string_view scheme = std::string_view{spec.url}.substr(0, spec.url.find("://"));
  if (is_broker_scheme(scheme)) return row.plan.mode == LoadMode::fanout && row.scheme == "ws";
  // A generator of its own tells no parts of an opening, resumes none, and does not spin.
  const bool is_plain =
      row.plan.until == OpeningStep::session && !row.plan.resume && !row.plan.spin && !has_path(row.plan);
  if (!spec.generator.empty() && !is_plain) return false;
  if (is_yardstick_scheme(scheme)) return is_measured_by(scheme, row);
  if (scheme == "quic") {
    return row.scheme == "https" && row.plan.until == OpeningStep::session && row.plan.mode != LoadMode::handshake;
  }
  return scheme == row.scheme;
}

}  // namespace

std::string replace_all(std::string text, std::string_view key, std::string_view value) {
  for (std::size_t at = 0; (at = text.find(key, at)) != std::string::npos; at += value.size()) {
    text.replace(at, key.size(), value);
  }
  return text;
}

Result<ServerSpec, Error> parse_peer(std::string_view text) {
  const auto refuse = [text](const char* why) {
    return err(Error{fmt::format("--peer '{}': {}; expected NAME=COMMAND,URL", text, why)});
  };
  const auto equals = text.find('=');
  const auto comma = text.rfind(',');
  if (equals == std::string_view::npos) return refuse("the = is missing, and it is not raw");
  if (equals == 0) return refuse("the name is missing");
  if (comma == std::string_view::npos || comma < equals) return refuse("the URL is missing");
  ServerSpec spec;
  spec.name = text.substr(0, equals);
  spec.command = text.substr(equals + 1, comma - equals - 1);
  spec.url = text.substr(comma + 1);
  if (spec.command.empty()) return refuse("the command is missing");
  const auto url = parse_url(replace_all(spec.url, "{port}", "1"));
  if (!url) return err(url.error());
  if (spec.url.find("{port}") != std::string::npos && spec.command.find("{port}") == std::string::npos) {
    return refuse("the URL has {port} but the command has not");
  }
  return spec;
}

const ServerSpec* find_spec(const std::vector<ServerSpec>& specs, std::string_view name, const Row& row) {
  const std::string route = row.path.substr(0, row.path.find('?'));
  const auto found = std::find_if(specs.begin(), specs.end(), [&](const ServerSpec& spec) {
    return spec.name == name && speaks(spec, row) && allows(spec.routes, route) && allows(spec.modes, row.plan.mode) &&
           (spec.has_deflate || !row.plan.deflate);
  });
  return found == specs.end() ? nullptr : &*found;
}

std::vector<std::string> server_names(const std::vector<ServerSpec>& specs) {
  std::vector<std::string> names;
  for (const ServerSpec& spec : specs) {
    if (std::find(names.begin(), names.end(), spec.name) == names.end()) names.push_back(spec.name);
  }
  return names;
}

std::vector<ServerSpec> plait_servers(const std::string& self) {
  const std::string program = core::shell_quoted(self);
  const auto serve = [&program](const std::string& scheme) {
    return ServerSpec{.name = "plait",
                      .command = fmt::format("{} bench serve --listen {}://127.0.0.1:0/", program, scheme),
                      .url = scheme + "://127.0.0.1:0",
                      .takes_row_options = true};
  };
  // Raw bytes have no framing, so the plain TCP rows run against the echo pair.
  const ServerSpec echo{.name = "plait",
                        .command = program + " echo serve --model async --host 127.0.0.1 --port {port}",
                        .url = "tcp://127.0.0.1:{port}",
                        .takes_row_options = true};
  ServerSpec webtransport = serve("https");
  webtransport.congestion_control = kQuicCongestionControl;
  return {serve("ws"), serve("wss"), std::move(webtransport), echo};
}

std::vector<ServerSpec> raw_servers(const std::string& self) {
  const std::string program = core::shell_quoted(self);
  const auto raw = [&program](const char* kind, const char* scheme, std::vector<std::string> routes) {
    return ServerSpec{.name = "raw",
                      .command = fmt::format("{} bench-raw {}", program, kind),
                      .url = fmt::format("{}://127.0.0.1:0", scheme),
                      .routes = std::move(routes),
                      .has_deflate = false};
  };
  ServerSpec echo = raw("ws", "ws", {"/echo"});
  echo.takes_row_options = true;
  ServerSpec quic = raw("quic-bulk", "quic-bulk", {});
  quic.takes_row_options = true;
  quic.congestion_control = kQuicCongestionControl;
  ServerSpec tls = raw("tls-bulk", "tls-bulk", {});
  tls.name = "openssl";
  tls.congestion_control = tls_congestion_control();
  return {raw("tcp", "tcp", {}), std::move(echo), raw("fanout", "ws", {"/fanout"}), quic, tls};
}

}  // namespace plait::bench
