// plait sub: print what is published, one message a line.
#include <fmt/core.h>

#include <cerrno>
#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>

#include "cli/commands.hpp"
#include "cli/hub_reach.hpp"
#include "cli/output.hpp"
#include "client/backoff.hpp"
#include "client/hub_client.hpp"
#include "client/json_argument.hpp"
#include "core/printable.hpp"

namespace plait::cli {
namespace {

using client::HubClient;

constexpr ReconnectPolicy kReconnectPolicy{
    .attempts_max = 0, .delay = std::chrono::milliseconds{200}, .delay_max = std::chrono::seconds{5}};
constexpr std::chrono::hours kReceiveTime{24};  // then it is waited for anew

constexpr const char* kSubExamples =
    R"(A topic may be a pattern with * and ?. With a pattern, or several topics, each line begins with the topic.
Examples:
  plait sub demo
  plait sub 'sensors.*' --json --token-file token.txt
  plait sub demo --recover --count 10 --url wss://127.0.0.1:8443 --insecure)";

struct SubOptions {
  HubReach hub;
  std::vector<std::string> topics;
  bool json = false;
  bool recover = false;
  bool reconnect = false;
  std::uint64_t count = 0;
};

/// Whether publications to more than one topic may come.
bool may_differ(const std::vector<std::string>& topics) {
  return topics.size() > 1 || topics.front().find_first_of("*?") != std::string::npos;
}

class Subscriber {
 public:
  explicit Subscriber(const SubOptions& options) : options_(options) {}

  int run() {
    for (const std::string& topic : options_.topics) {
      if (const auto named = client::check_topic(topic); !named) return fail(named.error().message);
    }
    end_with_reader();
    while (true) {
      auto ended = listen();
      if (ended) return 0;
      const bool goes_on = options_.recover || options_.reconnect;
      const bool may_succeed = was_subscribed_ || ended.error().system_errno == ENOTCONN;
      if (!goes_on || !may_succeed) return fail(ended.error().message);
      const auto delay =
          std::exchange(is_subscribed_, false) ? std::optional{backoff_.lose()} : backoff_.fail(ended.error().status);
      if (!delay) return fail(ended.error().message);
      print_error("plait: {}; connecting again\n", core::printable(ended.error().message));
      std::this_thread::sleep_for(*delay);
    }
  }

 private:
  /// One session: returns when --count messages have come, or the error that ended it.
  Result<void, Error> listen() {
    auto hub = options_.hub.connect();
    if (!hub) return err(hub.error());
    if (was_subscribed_ && options_.recover) hub->resume_from(positions_);
    if (auto subscribed = hub->subscribe(options_.topics, options_.hub.timeout()); !subscribed) return subscribed;
    print_error("subscribed\n");
    was_subscribed_ = true;
    is_subscribed_ = true;
    auto printed = print_all(*hub);
    if (options_.recover) positions_ = hub->positions();
    if (printed) hub->close();
    return printed;
  }

  Result<void, Error> print_all(HubClient& hub) {
    while (options_.count == 0 || printed_ < options_.count) {
      auto received = hub.receive(kReceiveTime);
      if (!received) return err(received.error());
      if (received->has_value() && !print_received(**received)) break;  // run() of the command tells why
    }
    return {};
  }

  /// False if standard output is lost.
  bool print_received(const HubClient::Received& received) {
    if (received.gap) print_gap(*received.gap);
    if (!received.publication) return true;
    const HubClient::Publication& publication = *received.publication;
    if (options_.json) {
      print("{}\n", printable_json(publication.envelope));
    } else if (may_differ(options_.topics)) {
      print("{} {}\n", core::printable(publication.topic), printable_json(publication.data));
    } else {
      print("{}\n", printable_json(publication.data));
    }
    ++printed_;
    return flush_output();
  }

  static void print_gap(const HubClient::Gap& gap) {
    const std::string topic = core::printable(gap.topic);
    if (gap.missed) {
      print_error("plait: {} messages of {} were missed\n", *gap.missed, topic);
    } else {
      print_error("plait: messages of {} may have been missed: what came meanwhile cannot be recovered\n", topic);
    }
  }

  const SubOptions& options_;
  std::uint64_t printed_ = 0;
  bool was_subscribed_ = false;  // ever
  bool is_subscribed_ = false;
  client::Backoff backoff_{kReconnectPolicy};
  std::map<std::string, HubClient::Position> positions_;
};

}  // namespace

void add_sub_command(CLI::App& app, Action& action) {
  CLI::App* command = app.add_subcommand("sub", "Print what is published to topics")->group("Commands");
  command->footer(kSubExamples);
  auto options = std::make_shared<SubOptions>();
  command->add_option("TOPIC", options->topics, "Names or patterns")->required();
  options->hub.add_to(*command);
  command->add_flag("--json", options->json, "Print whole envelopes, which name the topic");
  command->add_option("--count", options->count, "Exit after so many messages; 0: never")
      ->check(whole_number())
      ->capture_default_str();
  command->add_flag("--reconnect", options->reconnect,
                    "Connect again when the connection is lost, or the server is not there yet; what is published "
                    "meanwhile is not printed");
  command->add_flag(
      "--recover", options->recover,
      "As --reconnect, and print what was published while the connection was lost: all of it, or nothing if the server "
      "no longer has all, and nothing of patterns; then a line says that messages may have been missed");
  command->callback([&action, options] { action = [options] { return Subscriber{*options}.run(); }; });
}

}  // namespace plait::cli
