// plait pub: publish one message and wait until the hub has given it a position.

#include <memory>

#include "cli/commands.hpp"
#include "cli/hub_options.hpp"
#include "cli/output.hpp"
#include "client/json_argument.hpp"

namespace plait::cli {
namespace {

constexpr const char* kPubExamples = R"(DATA that is JSON is published as it is; anything else as a JSON string.
Examples:
  plait pub demo hello
  plait pub sensors.kitchen '{"celsius": 21.5}' --token-file token.txt
  plait pub demo hello --url tls://127.0.0.1:8802 --insecure --json
  plait pub --token-file token.txt -- demo '--what begins with a dash')";

struct PubOptions {
  HubOptions hub;
  std::string topic;
  std::string data;
  bool json = false;
};

int publish(const PubOptions& options) {
  auto hub = options.hub.connect();
  if (!hub) return fail(hub.error().message);
  const auto position = hub->publish(options.topic, client::json_argument(options.data), options.hub.timeout());
  if (!position) return fail(position.error().message);
  hub->close();
  if (options.json) {
    print("{{\"epoch\":\"{}\",\"offset\":{}}}\n", position->epoch, position->offset);
  } else {
    print("published at {}:{}\n", position->epoch, position->offset);
  }
  return 0;
}

}  // namespace

void add_pub_command(CLI::App& app, Action& action) {
  CLI::App* command = app.add_subcommand("pub", "Publish one message to a topic")->group("Commands");
  command->footer(kPubExamples);
  auto options = std::make_shared<PubOptions>();
  command->add_option("TOPIC", options->topic, "Name of the topic")->required();
  command->add_option("DATA", options->data, "JSON, or text")->required();
  options->hub.add_to(*command);
  command->add_flag("--json", options->json, "Print the position as JSON");
  command->callback([&action, options] { action = [options] { return publish(*options); }; });
}

}  // namespace plait::cli
