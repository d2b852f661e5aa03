#include <fmt/core.h>

#include <chrono>

#include "bench/components/echo/socket.hpp"
#include "cli/echo_command.hpp"
#include "cli/output.hpp"
#include "net/address.hpp"

namespace plait::cli {
namespace {

struct EchoSendOptions {
  EchoAddressOptions where;
  std::string message = "Hello, AWS!";
  double timeout_seconds = 10;
};

/// As Python prints bytes, so that the output can be compared with the published client's.
std::string python_bytes(ByteView data) {
  const bool has_single = std::find(data.begin(), data.end(), '\'') != data.end();
  const bool has_double = std::find(data.begin(), data.end(), '"') != data.end();
  const char quote = has_single && !has_double ? '"' : '\'';
  std::string text = fmt::format("b{}", quote);
  for (const std::uint8_t byte : data) {
    const char character = static_cast<char>(byte);
    if (character == quote || character == '\\') {
      text += {'\\', character};
    } else if (character == '\n' || character == '\r' || character == '\t') {
      text += {'\\', character == '\n' ? 'n' : (character == '\r' ? 'r' : 't')};
    } else if (byte < 0x20 || byte > 0x7e) {
      text += fmt::format("\\x{:02x}", byte);
    } else {
      text += character;
    }
  }
  return text + quote;
}

int send(const EchoSendOptions& options) {
  if (options.message.empty())
    return fail("an empty message is not on the wire, so no echo of it comes; give --message");
  const net::Address address = options.where.address();
  bench::BlockingOptions blocking;
  blocking.timeout = to_duration(options.timeout_seconds);
  auto stream = bench::BlockingStream::connect(address, blocking);
  if (!stream) return fail(stream.error().message);

  const ByteView message = as_bytes(options.message);
  std::vector<std::uint8_t> echo(message.size());
  const auto begin = std::chrono::steady_clock::now();
  const auto result = stream->exchange(message, echo);
  const std::chrono::duration<double, std::milli> rtt = std::chrono::steady_clock::now() - begin;
  if (result.status != net::IoStatus::ok) {
    return fail(fmt::format("{}: {}", net::to_text(address), bench::describe(result)));
  }
  print("[client] sent    : {}\n", python_bytes(message));
  print("[client] received: {}\n", python_bytes(echo));
  print("[client] RTT     : {:.3f} ms\n", rtt.count());
  if (std::equal(message.begin(), message.end(), echo.begin())) return 0;
  return fail("the echo differs from the message");
}

}  // namespace

void add_echo_send(CLI::App& echo, Action& action) {
  auto options = std::make_shared<EchoSendOptions>();
  CLI::App* command = echo.add_subcommand("send", "Send one message, print the echo and its round trip");
  options->where.add_to(*command);
  command->add_option("--message", options->message, "What to send")->capture_default_str();
  command->add_option("--timeout", options->timeout_seconds, "Seconds to wait for the peer")
      ->check(number_between(0.001, 86400))
      ->capture_default_str();
  command->footer(
      "Examples:\n"
      "  plait echo send --message hello\n"
      "  plait echo send --host ::1 --port 5051 --message hello --timeout 0.5");
  command->callback([options, &action] { action = [options] { return send(*options); }; });
}

}  // namespace plait::cli
