#include "cli/command.hpp"
#include "cli/output.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cstdio>
#include <numeric>
#include <string>
#include <vector>

#include "core/printable.hpp"

namespace plait::cli {
namespace {

std::size_t edit_distance(std::string_view from, std::string_view to) {
  std::vector<std::size_t> row(to.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < from.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i + 1;
    for (std::size_t j = 0; j < to.size(); ++j) {
      const std::size_t replaced = diagonal + (from[i] == to[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row.back();
}

std::vector<std::string> known_words(const CLI::App& app, bool options) {
  std::vector<std::string> words;
  if (options) {
    for (const CLI::Option* option : app.get_options()) {
      for (const auto& name : option->get_lnames()) words.push_back("--" + name);
    }
  } else {
    for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; })) {
      words.push_back(command->get_name());
    }
  }
  return words;
}

std::string suggestion(const CLI::App& app, std::string_view word) {
  const auto known = known_words(app, word.starts_with("-"));
  const auto distance = [word](const std::string& candidate) { return edit_distance(word, candidate); };
  const auto nearest = std::min_element(known.begin(), known.end(),
                                        [&](const auto& a, const auto& b) { return distance(a) < distance(b); });
  if (nearest == known.end() || distance(*nearest) > std::max<std::size_t>(2, word.size() / 3)) return {};
  return fmt::format("; did you mean '{}'?", *nearest);
}

std::string full_name(const CLI::App& app) {
  return app.get_parent() == nullptr ? app.get_name() : full_name(*app.get_parent()) + " " + app.get_name();
}

/// The innermost command on the command line that was given a word it does not know; null if all are known.
const CLI::App* find_confused(const CLI::App& app) {
  for (const CLI::App* command : app.get_subcommands()) {
    if (const CLI::App* inner = find_confused(*command)) return inner;
  }
  return app.remaining().empty() ? nullptr : &app;
}

/// Help of what is no command would be another's. An option that is none it can tell of, so there it is given.
bool has_unknown_word(const CLI::App& app) {
  const CLI::App* confused = find_confused(app);
  return confused != nullptr && !confused->remaining().front().starts_with("-");
}

const CLI::App& innermost(const CLI::App& app) {
  const auto chosen = app.get_subcommands();
  return chosen.empty() ? app : innermost(*chosen.front());
}

bool missing_command(const CLI::App& app) {
  const CLI::App& last = innermost(app);
  return !last.get_subcommands([](const CLI::App*) { return true; }).empty() && last.get_subcommands().empty();
}

std::string explain(const CLI::App& app, const CLI::ParseError& error) {
  const CLI::App* confused = find_confused(app);
  if (confused == nullptr) {
    const bool required = error.get_exit_code() == static_cast<int>(CLI::ExitCodes::RequiredError);
    if (required && missing_command(app)) return "a command is required";
    const std::string said = error.what();
    const std::size_t mismatch = said.find(": At Most 1 required but received ");
    return mismatch == std::string::npos ? said : said.substr(0, mismatch) + ": given more than once";
  }
  const std::vector<std::string> words = confused->remaining();
  const bool behind_dashes = words.front() == "--" && words.size() > 1;  // all that follows them are arguments
  const std::string& word = words[behind_dashes ? 1 : 0];
  const std::string option = word.substr(0, word.find('='));
  const bool takes_commands = !confused->get_subcommands([](const CLI::App*) { return true; }).empty();
  if (behind_dashes) {
    return fmt::format("too many arguments for '{}' behind --: '{}'; options stand before it", full_name(*confused),
                       word);
  }
  return fmt::format("unknown {} '{}' for '{}'{}",
                     option.starts_with("-") ? "option" : (takes_commands ? "command" : "argument"), option,
                     full_name(*confused), suggestion(*confused, option));
}

/// CLI11's help would call them subcommands. Commands with a group of their own keep it; an empty one hides them.
void name_groups(CLI::App& app) {
  for (CLI::App* command : app.get_subcommands([](CLI::App*) { return true; })) {
    if (command->get_group() == "Subcommands") command->group("Commands");
    name_groups(*command);
  }
}

/// As CLI11 wants them, the last first. `plait help COMMAND` is `plait COMMAND --help`.
std::vector<std::string> arguments(int argc, char** argv) {
  std::vector<std::string> words{argv + std::min(argc, 1), argv + argc};
  if (!words.empty() && words.front() == "help") {
    words.erase(words.begin());
    words.emplace_back("--help");
  }
  std::ranges::reverse(words);
  return words;
}

}  // namespace

int fail(std::string_view message) {
  print_error("plait: {}\n", core::printable(message));
  return 1;
}

int fail_each(std::string_view lines) {
  for (std::size_t end = lines.find('\n'); end != std::string_view::npos; end = lines.find('\n')) {
    fail(lines.substr(0, end));
    lines.remove_prefix(end + 1);
  }
  return fail(lines);
}

CLI::Validator number_between(double min, double max) {
  const auto check = [min, max](const std::string& text) {
    double value = 0;
    const bool is_within = CLI::detail::lexical_cast(text, value) && value >= min && value <= max;
    return is_within ? std::string{} : fmt::format("{} is no number from {} to {}", text, min, max);
  };
  return {check, ""};
}

Duration to_duration(double seconds) {
  return std::chrono::duration_cast<Duration>(std::chrono::duration<double>{seconds});
}

CLI::Validator whole_number() {
  const auto check = [](const std::string& text) {
    std::int64_t value = 0;
    const bool is_whole = CLI::detail::lexical_cast(text, value) && value >= 0;
    return is_whole ? std::string{} : text + " is no whole number, 0 or more";
  };
  return {check, ""};
}

// What the library says is for programs, too; here it is known which option helps.
std::string certificate_hint(std::string_view error, std::string_view more) {
  const auto says = [error](const char* words) { return error.find(words) != std::string_view::npos; };
  if (says("asks for a client certificate")) return " (--cert PATH --key PATH)";
  if (says("does not accept our certificate")) {
    return " (--cert PATH --key PATH: one that an authority of the server's --client-authority has signed)";
  }
  if (says("verification off")) return fmt::format(" (--ca PATH, {}--insecure)", more);
  return {};
}

int run(CLI::App& app, const Action& action, int argc, char** argv) {
  name_groups(app);
  try {
    app.parse(arguments(argc, argv));
  } catch (const CLI::ParseError& error) {
    const bool asks = error.get_exit_code() == static_cast<int>(CLI::ExitCodes::Success);  // --help, --version
    if (asks && !has_unknown_word(app)) return finish_output(app.exit(error));
    fail(explain(app, error));
    print_error("Try '{} --help'.\n", full_name(innermost(app)));
    return 1;
  }
  return finish_output(action());
}

}  // namespace plait::cli
