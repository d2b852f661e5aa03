#include "bench/components/running_server.hpp"

#include "bench/components/loopback.hpp"
#include "bench/text_file.hpp"

#include <fmt/core.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>

namespace plait::bench {

namespace {

using std::chrono::steady_clock;

constexpr std::chrono::seconds kStartTimeout{15};
constexpr std::chrono::milliseconds kPollInterval{3};

/// A port that nobody holds at the moment: for servers that cannot choose one themselves.
std::uint16_t free_port(int type) {
  const int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
  sockaddr_in address = loopback(0);
  socklen_t length = sizeof address;
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  if (bind(fd, generic, length) == 0) getsockname(fd, generic, &length);
  close(fd);
  return ntohs(address.sin_port);
}

bool accepts_connections(std::uint16_t port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_in address = loopback(port);
  const bool accepted = connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  close(fd);
  return accepted;
}

/// Whether some process has bound the UDP port: there is no connection to try. The second word of a line is the local
/// address in hexadecimal.
bool is_bound(std::uint16_t port) {
  const std::string mark = fmt::format(":{:04X} ", port);
  for (const char* table : {"/proc/net/udp", "/proc/net/udp6"}) {
    const std::string text = read_text_file(table);
    for (std::size_t line = text.find('\n'); line != std::string::npos; line = text.find('\n', line + 1)) {
      const std::size_t address = text.find(": ", line);
      if (address == std::string::npos) break;
      const std::size_t end = text.find(' ', address + 2);
      if (end != std::string::npos && text.compare(end - mark.size() + 1, mark.size(), mark) == 0) return true;
    }
  }
  return false;
}

/// The URL of the line "listening URL", once it is there.
std::optional<Url> announced_url(const std::string& output) {
  constexpr std::string_view kMark = "listening ";
  const auto at = output.find(kMark);
  if (at == std::string::npos) return std::nullopt;
  const auto end = output.find('\n', at);
  if (end == std::string::npos) return std::nullopt;
  const std::string_view line{output.data() + at + kMark.size(), end - at - kMark.size()};
  auto url = parse_url(line.substr(0, line.find(' ')));
  return url ? std::optional{std::move(*url)} : std::nullopt;
}

std::string last_lines(const Process& process) {
  std::string text = process.errors();
  if (text.empty()) text = process.output();
  while (!text.empty() && text.back() == '\n') text.pop_back();
  constexpr std::size_t kShown = 400;
  return text.size() > kShown ? "…" + text.substr(text.size() - kShown) : text;
}

/// What a server is started with.
struct Launch {
  std::string command;
  Url url;
  std::uint16_t chosen_port = 0;  ///< 0: it chooses one itself, and says so
  bool is_udp = false;
  std::optional<TemporaryCertificate> certificate;
};

Result<Launch, Error> prepare(const ServerSpec& spec, const Row& row, std::optional<int> cpu) {
  Launch launch;
  launch.is_udp = spec.url.starts_with("https:") || spec.url.starts_with("quic:");
  const bool takes_port = spec.command.find("{port}") != std::string::npos;
  if (takes_port) launch.chosen_port = free_port(launch.is_udp ? SOCK_DGRAM : SOCK_STREAM);
  const std::string port = std::to_string(launch.chosen_port);
  launch.command = replace_all(replace_all(spec.command, "{port}", port), "{cpu}", std::to_string(cpu.value_or(-1)));
  if (spec.takes_row_options && !row.server_options.empty()) launch.command += " " + row.server_options;
  if (spec.takes_row_options && row.rsa) {
    auto made = TemporaryCertificate::make(crypto::KeyKind::rsa_2048);
    if (!made) return err(made.error());
    launch.certificate.emplace(std::move(*made));
    launch.command += launch.certificate->options();
  }
  auto url = parse_url(replace_all(spec.url, "{port}", port));
  if (!url) return err(url.error());
  launch.url = std::move(*url);
  return launch;
}

/// Whether it serves; then its URL has its port.
bool serves(const Process& process, Launch& launch) {
  if (launch.chosen_port != 0) {
    return launch.is_udp ? is_bound(launch.chosen_port) : accepts_connections(launch.chosen_port);
  }
  if (const auto announced = announced_url(process.output())) launch.url.port = announced->port;
  return launch.url.port != 0;
}

enum class Waited { until_it_serves, until_its_end, too_long };

Waited wait_for(Process& process, Launch& launch) {
  const auto deadline = steady_clock::now() + kStartTimeout;
  while (!serves(process, launch)) {
    if (process.has_ended(kPollInterval)) return Waited::until_its_end;
    if (steady_clock::now() > deadline) return Waited::too_long;
  }
  return Waited::until_it_serves;
}

}  // namespace

Result<RunningServer, Error> RunningServer::start(const ServerSpec& spec, const Row& row, std::optional<int> cpu) {
  for (bool again = false;; again = true) {
    auto launch = prepare(spec, row, cpu);
    if (!launch) return err(launch.error());
    auto process = Process::start({"sh", "-c", "exec " + launch->command}, cpu);
    if (!process) return err(process.error());
    const Waited waited = wait_for(*process, *launch);
    // Somebody else may have been given the port between its choice and the server's start.
    if (waited == Waited::until_its_end && launch->chosen_port != 0 && !again) continue;
    if (waited == Waited::until_its_end) {
      return err(Error{
          fmt::format("'{}' ended with status {}: {}", launch->command, process->exit_status(), last_lines(*process))});
    }
    if (waited == Waited::too_long) {
      return err(Error{fmt::format("'{}' did not serve within 15 s: {}", launch->command, last_lines(*process))});
    }
    if (launch->url.path.empty() || launch->url.path == "/") launch->url.path = row.path;
    RunningServer server(std::move(*process), std::move(launch->url));
    server.certificate_ = std::move(launch->certificate);
    return server;
  }
}

}  // namespace plait::bench
