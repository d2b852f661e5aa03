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

}  // namespace

Result<RunningServer, Error> RunningServer::start(const ServerSpec& spec, const Row& row, std::optional<int> cpu) {
  const bool chooses_port = spec.command.find("{port}") == std::string::npos;
  const bool is_udp = spec.url.starts_with("https:") || spec.url.starts_with("quic:");
  const std::uint16_t port = chooses_port ? 0 : free_port(is_udp ? SOCK_DGRAM : SOCK_STREAM);
  std::string command = replace_all(spec.command, "{port}", std::to_string(port));
  command = replace_all(command, "{cpu}", std::to_string(cpu.value_or(-1)));
  if (spec.takes_row_options && !row.server_options.empty()) command += " " + row.server_options;
  std::optional<TemporaryCertificate> certificate;
  if (spec.takes_row_options && row.rsa) {
    auto made = TemporaryCertificate::make(crypto::KeyKind::rsa_2048);
    if (!made) return err(made.error());
    certificate.emplace(std::move(*made));
    command += certificate->options();
  }
  auto url = parse_url(replace_all(spec.url, "{port}", std::to_string(port)));
  if (!url) return err(url.error());
  auto process = Process::start({"sh", "-c", "exec " + command}, cpu);
  if (!process) return err(process.error());

  const auto deadline = steady_clock::now() + kStartTimeout;
  bool ready = false;
  while (!ready) {
    if (chooses_port) {
      if (const auto announced = announced_url(process->output())) url->port = announced->port;
      ready = url->port != 0;
    } else {
      ready = is_udp ? is_bound(port) : accepts_connections(port);
    }
    if (!ready && process->has_ended(kPollInterval)) {
      return err(
          Error{fmt::format("'{}' ended with status {}: {}", command, process->exit_status(), last_lines(*process))});
    }
    if (!ready && steady_clock::now() > deadline) {
      return err(Error{fmt::format("'{}' did not serve within 15 s: {}", command, last_lines(*process))});
    }
  }
  if (url->path.empty() || url->path == "/") url->path = row.path;
  RunningServer server(std::move(*process), std::move(*url));
  server.certificate_ = std::move(certificate);
  return server;
}

}  // namespace plait::bench
