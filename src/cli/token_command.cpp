// plait token: make an access token for a server that has the same secret.

#include <array>
#include <charconv>
#include <memory>
#include <system_error>

#include "cli/commands.hpp"
#include "cli/output.hpp"
#include "server/issue_token.hpp"

namespace plait::cli {
namespace {

constexpr const char* kTokenExamples = R"(Examples:
  (umask 077; head -c 32 /dev/urandom | base64 > secret)
  plait token --user alice --secret-file secret > token.txt
  plait token --user bot --secret-file secret --ttl 30d --claim role=admin --claim 'rooms=["a","b"]')";

struct TokenOptions {
  std::string secret_file;
  std::string user;
  std::int64_t ttl_seconds = 3600;
  std::vector<std::string> claims;
  bool json = false;
};

constexpr std::int64_t kTtlSecondsMax = std::int64_t{100} * 365 * 86400;

/// Makes seconds of a time with a unit; without one it is in seconds, as in the config file.
std::string to_seconds(std::string& text) {
  constexpr std::string_view kUnits = "smhd";
  constexpr std::array<std::int64_t, kUnits.size()> kSeconds{1, 60, 3600, 86400};
  constexpr const char* kHelp = "write a whole number, of seconds or with s, m, h or d, such as 90m";
  const std::size_t unit = text.empty() ? std::string_view::npos : kUnits.find(text.back());
  const std::string number = unit == std::string_view::npos ? text : text.substr(0, text.size() - 1);
  if (number.empty() || number.find_first_not_of("0123456789") != std::string::npos) return kHelp;
  std::int64_t count = 0;
  const auto read = std::from_chars(number.data(), number.data() + number.size(), count);
  const std::int64_t seconds = unit == std::string_view::npos ? 1 : kSeconds[unit];
  if (read.ec != std::errc{} || count < 1 || count > kTtlSecondsMax / seconds) return "not within 1s to 36500d";
  text = std::to_string(count * seconds);
  return {};
}

int print_token(const TokenOptions& options) {
  server::TokenOptions token{.user = options.user, .lifetime = std::chrono::seconds{options.ttl_seconds}, .claims = {}};
  for (const std::string& claim : options.claims) {
    const std::size_t equals = claim.find('=');
    if (equals == 0 || equals == std::string::npos) return fail("--claim " + claim + ": write NAME=VALUE");
    token.claims.emplace_back(claim.substr(0, equals), claim.substr(equals + 1));
  }
  const auto text = server::issue_token(options.secret_file, std::move(token));
  if (!text) return fail(text.error().message);
  // Of a token every character stands for itself in JSON (RFC 7515 §2: base64url, and dots between).
  options.json ? print("{{\"token\":\"{}\"}}\n", *text) : print("{}\n", *text);
  return 0;
}

}  // namespace

void add_token_command(CLI::App& app, Action& action) {
  CLI::App* command = app.add_subcommand("token", "Make an access token (JWT, HS256)")->group("Commands");
  command->footer(kTokenExamples);
  auto options = std::make_shared<TokenOptions>();
  command->add_option("--user", options->user, "Claim sub: who the token is for")
      ->required()
      ->check([](const std::string& user) { return user.empty() ? "a name is needed" : ""; });
  command->add_option("--secret-file", options->secret_file, "The server's --jwt-secret-file")
      ->envname("PLAIT_JWT_SECRET_FILE")
      ->type_name("PATH")
      ->required();
  command->add_option("--ttl", options->ttl_seconds, "How long it is valid, in seconds or with s, m, h or d [1h]")
      ->transform(CLI::Validator{to_seconds, ""})
      ->type_name("TIME");
  command
      ->add_option("--claim", options->claims,
                   "A further claim; VALUE is JSON (numbers: 64-bit integers and doubles) or text")
      ->type_name("NAME=VALUE");
  command->add_flag("--json", options->json, "Print it as JSON, in an object");
  command->callback([&action, options] { action = [options] { return print_token(*options); }; });
}

}  // namespace plait::cli
