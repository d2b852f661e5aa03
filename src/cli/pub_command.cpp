// plait pub: publish messages, and wait until the hub has given each a position.
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "cli/commands.hpp"
#include "cli/hub_options.hpp"
#include "cli/output.hpp"
#include "client/json_argument.hpp"

namespace plait::cli {
namespace {

constexpr std::size_t kInputBytesMax = std::size_t{64} << 20;

constexpr const char* kPubExamples =
    R"(DATA that is JSON is published as it is; anything else as a JSON string, without the line end behind it.
Examples:
  plait pub demo hello
  plait pub sensors.kitchen '{"celsius": 21.5}' --token-file token.txt
  plait pub demo hello --url tls://127.0.0.1:8802 --insecure --json
  plait pub report - < report.json
  tail -f app.log | plait pub logs --lines
  plait pub --token-file token.txt -- demo '--what begins with a dash')";

struct PubOptions {
  HubOptions hub;
  std::string topic;
  std::optional<std::string> data;
  bool lines = false;
  bool json = false;
};

Result<void, Error> publish(client::HubClient& hub, const PubOptions& options, std::string_view data) {
  const auto json = client::json_argument(data);
  if (!json) return err(json.error());
  const auto position = hub.publish(options.topic, *json, options.hub.timeout());
  if (!position) return err(position.error());
  if (options.json) {
    print("{{\"epoch\":\"{}\",\"offset\":{}}}\n", position->epoch, position->offset);
  } else {
    print("published at {}:{}\n", position->epoch, position->offset);
  }
  return {};
}

// Each as soon as it has come: the input may be another command's output, without an end.
Result<void, Error> publish_lines(client::HubClient& hub, const PubOptions& options) {
  for (std::string line; std::getline(std::cin, line);) {
    if (line.empty()) continue;
    if (auto published = publish(hub, options, line); !published) return published;
    if (!flush_output()) break;  // run() of the command tells why
  }
  return {};
}

Result<void, Error> publish_input(client::HubClient& hub, const PubOptions& options) {
  std::string text(kInputBytesMax + 1, '\0');
  std::cin.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(std::cin.gcount()));
  if (text.size() > kInputBytesMax) return err(Error{"standard input is larger than 64 MiB, which no hub takes"});
  if (text.ends_with('\n')) text.pop_back();
  return publish(hub, options, text);
}

int publish(const PubOptions& options) {
  if (options.lines == options.data.has_value())
    return fail("give DATA, or --lines and the messages on standard input");
  auto hub = options.hub.connect();
  if (!hub) return fail(hub.error().message);
  const auto published = options.lines         ? publish_lines(*hub, options)
                         : options.data == "-" ? publish_input(*hub, options)
                                               : publish(*hub, options, *options.data);
  if (!published) return fail(published.error().message);
  hub->close();
  return 0;
}

}  // namespace

void add_pub_command(CLI::App& app, Action& action) {
  CLI::App* command = app.add_subcommand("pub", "Publish to a topic")->group("Commands");
  command->footer(kPubExamples);
  auto options = std::make_shared<PubOptions>();
  command->add_option("TOPIC", options->topic, "Name of the topic")->required();
  command->add_option("DATA", options->data, "JSON, or text; -: all of standard input");
  options->hub.add_to(*command);
  command->add_flag("--lines", options->lines, "Publish each line of standard input by itself, but empty ones");
  command->add_flag("--json", options->json, "Print positions as JSON");
  command->callback([&action, options] { action = [options] { return publish(*options); }; });
}

}  // namespace plait::cli
