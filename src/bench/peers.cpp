#include "bench/peers.hpp"

#include "bench/components/process.hpp"
#include "core/shell_word.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <optional>

namespace plait::bench {

namespace {

constexpr std::chrono::seconds kPeerProbeTimeout{10};
constexpr const char* kPythonsVariable = "PLAIT_PYWEBTRANSPORT";

/// A peer script, how to see that what it needs is there, and what it serves.
struct PeerScript {
  const char* name;
  const char* probe;    ///< shell command; success means installed
  const char* command;  ///< {scripts} and {port}
  const char* url;
  std::vector<std::string> routes;
  const char* install;
};

const std::vector<PeerScript>& peer_scripts() {
  static const std::vector<PeerScript> kPeers = {
      {"websockets",
       "/usr/bin/python3 -c 'import websockets, uvloop'",
       "/usr/bin/python3 {scripts}/websockets_server.py {port}",
       "ws://127.0.0.1:{port}",
       {"/echo", "/fanout"},
       "apt install python3-websockets python3-uvloop"},
      {"aiohttp",
       "/usr/bin/python3 -c 'import aiohttp, uvloop'",
       "/usr/bin/python3 {scripts}/aiohttp_server.py {port}",
       "ws://127.0.0.1:{port}",
       {"/echo", "/fanout", "/ws"},
       "apt install python3-aiohttp python3-uvloop"},
      {"node-ws",
       "NODE_PATH=$NODE_PATH:/usr/share/nodejs node -e 'require(\"ws\")'",
       "env NODE_PATH=$NODE_PATH:/usr/share/nodejs node {scripts}/node_ws_server.js {port}",
       "ws://127.0.0.1:{port}",
       {"/echo", "/fanout"},
       "apt install nodejs node-ws"},
      {"socket.io",
       "NODE_PATH=$NODE_PATH:/usr/share/nodejs node -e 'require(\"socket.io\")'",
       "env NODE_PATH=$NODE_PATH:/usr/share/nodejs node {scripts}/socket_io_server.js {port}",
       "ws://127.0.0.1:{port}/socket.io/?EIO=4&transport=websocket",
       {"/echo"},
       "npm install -g socket.io, and NODE_PATH set to npm's global folder"},
      {"redis",
       "command -v redis-server",
       "redis-server --bind 127.0.0.1 --port {port} --save \"\" --appendonly no",
       "redis://127.0.0.1:{port}",
       {},
       "apt install redis-server"},
      {"nats",  // Debian has it where only root's PATH looks
       "env PATH=$PATH:/usr/sbin nats-server --version",
       "env PATH=$PATH:/usr/sbin nats-server -a 127.0.0.1 -p {port}",
       "nats://127.0.0.1:{port}",
       {},
       "apt install nats-server"},
      {"python-threads",
       "python3 -c 'import socketserver'",
       "python3 {scripts}/tcp_threads_server.py {port}",
       "tcp://127.0.0.1:{port}",
       {},
       "apt install python3"},
      {"python-asyncio",
       "python3 -c 'import asyncio'",
       "python3 {scripts}/tcp_asyncio_server.py {port}",
       "tcp://127.0.0.1:{port}",
       {},
       "apt install python3"},
  };
  return kPeers;
}

/// What a command prints, or nothing when it fails.
std::optional<std::string> answer_of(const std::string& command) {
  auto process = Process::start({"sh", "-c", command}, std::nullopt);
  if (!process || !process->has_ended(kPeerProbeTimeout) || process->exit_status() != 0) return std::nullopt;
  std::string answer = process->output();
  answer.erase(answer.find_last_not_of('\n') + 1);
  return answer;
}

/// What is missing where a file of `scripts` is not there; empty where it is.
std::string missing_script(const std::string& scripts, const std::string& file) {
  const auto path = std::filesystem::path(scripts) / file;
  if (std::filesystem::exists(path)) return {};
  return fmt::format("{} is not there; --peer-scripts names the folder of the peers' scripts", path.string());
}

/// The file behind {scripts}/ in a command; empty when the peer is no script of ours.
std::string script_of(std::string_view command) {
  constexpr std::string_view kFolder = "{scripts}/";
  const auto at = command.find(kFolder);
  if (at == std::string_view::npos) return {};
  const std::string_view rest = command.substr(at + kFolder.size());
  return std::string{rest.substr(0, rest.find(' '))};
}

void find_script_peers(const std::string& scripts, FoundPeers& found) {
  for (const PeerScript& peer : peer_scripts()) {
    const std::string script = script_of(peer.command);
    std::string missing = script.empty() ? "" : missing_script(scripts, script);
    if (missing.empty() && !answer_of(peer.probe)) missing = peer.install;
    if (!missing.empty()) {
      found.missing.push_back(fmt::format("{}: {}", peer.name, missing));
      continue;
    }
    found.servers.push_back({.name = peer.name,
                             .command = replace_all(peer.command, "{scripts}", core::shell_quoted(scripts)),
                             .url = peer.url,
                             .routes = peer.routes});
  }
}

/// PyWebTransport wants an environment for each version, so the user names their interpreters. Its published rows are
/// of its client and its server together.
void find_pywebtransport(const std::string& scripts, FoundPeers& found) {
  const char* value = std::getenv(kPythonsVariable);
  std::string_view pythons = value == nullptr ? "" : value;
  if (pythons.empty()) {
    found.missing.push_back(
        fmt::format("pywebtransport: python3 -m venv DIR, DIR/bin/pip install pywebtransport uvloop, and {0} set to "
                    "DIR/bin/python, several with colons between them",
                    kPythonsVariable));
  }
  const std::string missing = missing_script(scripts, "pywebtransport_server.py");
  if (!pythons.empty() && !missing.empty()) {
    found.missing.push_back("pywebtransport: " + missing);
    return;
  }
  while (!pythons.empty()) {
    const std::string python{pythons.substr(0, pythons.find(':'))};
    pythons.remove_prefix(std::min(pythons.size(), python.size() + 1));
    const auto version = answer_of(core::shell_quoted(python) +
                                   " -c 'import uvloop, pywebtransport; print(pywebtransport.__version__)'");
    if (!version) {
      found.missing.push_back(fmt::format("pywebtransport: {} has no pywebtransport and uvloop", python));
      continue;
    }
    const std::string script =
        fmt::format("{} -B -O {}/pywebtransport_", core::shell_quoted(python), core::shell_quoted(scripts));
    found.servers.push_back(
        {.name = "pywebtransport-" + *version,
         .command = script + "server.py {port}",
         .url = "https://127.0.0.1:{port}",
         .modes = {LoadMode::stream, LoadMode::echo, LoadMode::connect, LoadMode::datagram, LoadMode::idle},
         .generator = script + "client.py"});
  }
}

}  // namespace

std::string peer_scripts_folder(const std::string& self) {
  const auto installed = std::filesystem::path(self).parent_path().parent_path() / "share/plait/peers";
  return std::filesystem::exists(installed) ? installed.string() : PLAIT_PEER_SCRIPTS;
}

FoundPeers find_peers(const std::string& scripts, const std::string& self) {
  FoundPeers found;
  find_script_peers(scripts, found);
  find_pywebtransport(scripts, found);
  const auto beast = std::filesystem::path(self).parent_path() / "plait-peer-beast";
  if (std::filesystem::exists(beast)) {
    found.servers.push_back({.name = "beast",
                             .command = core::shell_quoted(beast.string()) + " {port}",
                             .url = "ws://127.0.0.1:{port}",
                             .routes = {"/echo"}});
  } else {
    found.missing.push_back("beast: apt install libboost-dev, then build the target plait_peer_beast");
  }
  return found;
}

}  // namespace plait::bench
