// plait pub: publish messages, and wait until the hub has given each a position.
#include <fmt/core.h>

#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <cstdio>
#include <iostream>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include "cli/commands.hpp"
#include "cli/hub_reach.hpp"
#include "cli/output.hpp"
#include "client/json_argument.hpp"
#include "net/thread.hpp"

namespace plait::cli {
namespace {

constexpr std::chrono::milliseconds kTurnInterval{100};  // far less than any server waits for the answer to a ping
constexpr std::chrono::milliseconds kRetryMargin{20};  // the server's clock stands still while a turn of its loop lasts

constexpr const char* kPubExamples =
    R"(DATA that is JSON is published as it is; anything else as a JSON string, without the line end behind it.
JSON above 16 MiB, with a number beyond 64-bit integers and doubles, or more than 64 arrays and objects in one another is
refused; in double quotes a number is text. With --lines the first line that is refused ends the command, which names its
number; if the server is asked too often, it waits as long as the server says.
Examples:
  plait pub demo hello
  plait pub sensors.kitchen '{"celsius": 21.5}' --token-file token.txt
  plait pub demo hello --url tls://127.0.0.1:8802 --insecure --json
  plait pub ids '"12345678901234567890123"'
  plait pub report - < report.json
  tail -f app.log | plait pub logs --lines
  plait pub --token-file token.txt -- demo '--what begins with a dash')";

struct PubOptions {
  HubReach hub;
  std::string topic;
  std::optional<std::string> data;
  bool lines = false;
  bool json = false;
};

Result<void, Error> publish(client::HubClient& hub, const PubOptions& options, std::string_view json) {
  const auto position = hub.publish(options.topic, json, options.hub.timeout());
  if (!position) return err(position.error());
  if (options.json) {
    print("{{\"epoch\":\"{}\",\"offset\":{}}}\n", position->epoch, position->offset);
  } else {
    print("published at {}:{}\n", position->epoch, position->offset);
  }
  return {};
}

/// Why standard input was read no further, right after that: nothing if it has ended.
std::optional<Error> input_error() {
  if (std::ferror(stdin) == 0) return std::nullopt;
  return Error{"cannot read standard input: " + std::generic_category().message(errno), errno};
}

// The lines of standard input, read on a thread of its own: the next one may be long in coming, and the session has
// pings to answer meanwhile. The thread is left behind if it still reads when the command ends.
class LineReader {
 public:
  struct Line {
    std::optional<std::string> text;  // none: the end, or an error
    std::optional<Error> error;
  };

  static Result<LineReader, Error> start() {
    LineReader reader;
    auto thread = net::start_thread([handover = reader.handover_] { read(*handover); });
    if (!thread) return err(thread.error());
    thread->detach();
    return reader;
  }
  /// None if it has not come in time.
  std::optional<Line> next(std::chrono::milliseconds timeout) {
    std::unique_lock lock{handover_->mutex};
    handover_->changed.wait_for(lock, timeout, [this] { return handover_->line.has_value(); });
    auto line = std::exchange(handover_->line, std::nullopt);
    if (line) handover_->changed.notify_all();
    return line;
  }

 private:
  struct Handover {
    std::mutex mutex;  // guards the line
    std::condition_variable changed;
    std::optional<Line> line;  // until it is taken
  };

  static Line read_one() {
    std::string text;
    errno = 0;
    if (std::getline(std::cin, text)) return {std::move(text), {}};
    return {{}, input_error()};
  }
  static void read(Handover& handover) {
    for (bool is_last = false; !is_last;) {
      Line line = read_one();
      is_last = !line.text;
      std::unique_lock lock{handover.mutex};
      handover.changed.wait(lock, [&handover] { return !handover.line; });
      handover.line = std::move(line);
      handover.changed.notify_all();
    }
  }

  std::shared_ptr<Handover> handover_ = std::make_shared<Handover>();  // the thread's, too
};

Result<void, Error> wait(client::HubClient& hub, Duration time) {
  const auto deadline = std::chrono::steady_clock::now() + time;
  for (auto left = time; left > Duration::zero(); left = deadline - std::chrono::steady_clock::now()) {
    if (const auto received = hub.receive(left); !received) return err(received.error());
  }
  return {};
}

/// Again, when the hub says so, as often as it refuses the line since there were too many.
Result<void, Error> publish_line(client::HubClient& hub, const PubOptions& options, std::string_view line) {
  const auto json = client::json_argument(line);
  if (!json) return err(json.error());
  while (true) {
    auto published = publish(hub, options, *json);
    const auto pause = hub.retry_after();
    if (published || !pause) return published;
    if (auto waited = wait(hub, *pause + kRetryMargin); !waited) return waited;
  }
}

Unexpected<Error> error_at(std::string_view where, std::uint64_t line, const Error& error) {
  return err(Error{fmt::format("{} {}: {}", where, line, error.message)});
}

// Each as soon as it has come: the input may be another command's output, without an end.
Result<void, Error> publish_lines(client::HubClient& hub, const PubOptions& options) {
  auto reader = LineReader::start();
  if (!reader) return err(reader.error());
  for (std::uint64_t number = 0;;) {
    const auto line = reader->next(kTurnInterval);
    if (!line) {
      if (const auto turned = hub.receive(Duration::zero()); !turned) {
        return error_at("after line", number, turned.error());
      }
      continue;
    }
    ++number;
    if (line->error) return error_at("line", number, *line->error);
    if (!line->text) return {};
    if (line->text->empty()) continue;
    if (const auto published = publish_line(hub, options, *line->text); !published) {
      return error_at("line", number, published.error());
    }
    if (!flush_output()) return {};  // run() of the command tells why
  }
}

Result<std::string, Error> read_input() {
  std::string text(client::kDataBytesMax + 2, '\0');  // with a line end, and one byte that makes it too large
  errno = 0;
  std::cin.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (const auto error = input_error()) return err(*error);
  text.resize(static_cast<std::size_t>(std::cin.gcount()));
  if (text.ends_with('\n')) text.pop_back();
  return text;
}

/// As JSON. It is asked for before there is a session, which nobody would look after while this reads.
Result<std::string, Error> data_of(const PubOptions& options) {
  const auto text = options.data == "-" ? read_input() : options.data.value_or("");
  if (!text) return err(text.error());
  return client::json_argument(*text);
}

int publish(const PubOptions& options) {
  if (options.lines && options.data) return fail("DATA and --lines: give one of them, not both");
  if (!options.lines && !options.data) return fail("give DATA, or --lines and the messages on standard input");
  if (const auto named = client::check_topic(options.topic); !named) return fail(named.error().message);
  const auto data = options.lines ? std::string{} : data_of(options);
  if (!data) return fail(data.error().message);
  auto hub = options.hub.connect();
  if (!hub) return fail(hub.error().message);
  const auto published = options.lines ? publish_lines(*hub, options) : publish(*hub, options, *data);
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
