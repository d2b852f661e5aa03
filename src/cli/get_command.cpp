// plait get: one request over HTTP/3, for a look at a server and for scripts.
#include <fmt/core.h>
#include <plait/client.hpp>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "cli/commands.hpp"
#include "cli/output.hpp"
#include "cli/trust_options.hpp"
#include "client/certificate_hash.hpp"
#include "client/response_json.hpp"
#include "core/printable.hpp"

namespace plait::cli {
namespace {

constexpr const char* kGetExamples =
    R"(Speaks HTTP/3 and nothing else. Follows no redirects. Exits with 1 for a status of 400 or more, too, and without
--json leaves the file of -o as it was then.
Examples:
  plait get https://127.0.0.1:4433/health --insecure
  plait get -i https://example.org/ -o page.html
  plait get https://127.0.0.1:4433/metrics --ca certificate.pem --header 'Authorization: Bearer TOKEN')";

struct GetOptions {
  std::string url;
  std::string output;
  TrustOptions trust;
  std::vector<std::string> hashes;
  std::vector<std::string> headers;
  bool fields = false;
  bool json = false;
  double timeout_seconds = 10;
};

/// Where bodies go: standard output ("" and "-"), or a file, which is not touched before there is something to write.
class Output {
 public:
  explicit Output(const std::string& file_name) : name_(file_name == "-" ? "" : file_name) {}

  /// False, and error() says why. So, too, write() and close().
  bool open() {
    if (name_.empty() || file_ != nullptr) return true;
    file_.reset(std::fopen(name_.c_str(), "wb"));
    if (file_ == nullptr) error_ = "-o " + name_ + ": cannot be written: " + std::generic_category().message(errno);
    return file_ != nullptr;
  }
  bool write(std::string_view text) {
    std::FILE* out = file_ != nullptr ? file_.get() : stdout;
    if (std::fwrite(text.data(), 1, text.size(), out) == text.size()) return true;
    return fail_writing();
  }
  bool close() { return file_ == nullptr || std::fclose(file_.release()) == 0 || fail_writing(); }
  [[nodiscard]] bool is_file() const { return !name_.empty(); }
  [[nodiscard]] const std::string& error() const { return error_; }

 private:
  bool fail_writing() {
    error_ = "cannot write to " + (name_.empty() ? std::string{"standard output"} : name_);
    return false;
  }

  const std::string name_;
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> file_{nullptr, &std::fclose};
  std::string error_;
};

bool is_failure(int status) { return status >= 400; }

// Writes a body as it comes, or keeps it for --json.
class Printer final : public ResponseHandler {
 public:
  struct Outcome {
    Response response;
    std::string error;
  };
  Printer(const GetOptions& options, Output& output, Outcome& outcome)
      : options_(options), output_(output), outcome_(outcome) {}

  void on_head(const Response& head) override {
    outcome_.response = head;
    if (!options_.json && !is_left_out()) output_.open();
    if (!options_.fields || options_.json) return;
    print("HTTP/3 {}\n", head.status);
    for (const auto& [name, value] : head.headers) print("{}: {}\n", core::printable(name), core::printable(value));
    print("\n");
  }
  bool on_body(ByteView part) override {
    if (!options_.json) return is_left_out() || (output_.open() && output_.write(as_text(part)));
    if (part.size() > kJsonBytesMax - outcome_.response.body.size()) {
      too_large_ = "the body is too large for --json: use -o FILE instead";
      return false;
    }
    outcome_.response.body += as_text(part);
    return true;
  }
  void on_end(const Result<void, Error>& result) override {
    if (!result) outcome_.error = result.error().message;
    if (!too_large_.empty()) outcome_.error = too_large_;
    if (!output_.error().empty()) outcome_.error = output_.error();
  }

 private:
  static constexpr std::size_t kJsonBytesMax = std::size_t{64} << 20;

  /// A page that explains an error is not the file that was asked for.
  [[nodiscard]] bool is_left_out() const { return output_.is_file() && is_failure(outcome_.response.status); }

  const GetOptions& options_;
  Output& output_;
  Outcome& outcome_;
  std::string too_large_;
};

Result<ConnectOptions, Error> connect_options(const GetOptions& options) {
  ConnectOptions result;
  if (const auto applied = options.trust.apply_to(result); !applied) return err(applied.error());
  result.timeout = to_duration(options.timeout_seconds);
  for (const std::string& text : options.hashes) {
    const auto hash = client::parse_certificate_hash(text);
    if (!hash) return err(Error{"--certificate-hash " + text + ": not a SHA-256 hash in hexadecimal or Base64"});
    result.certificate_hashes.push_back(*hash);
  }
  for (const std::string& header : options.headers) {
    const std::size_t colon = header.find(':');
    const std::size_t value = header.find_first_not_of(' ', colon == std::string::npos ? colon : colon + 1);
    if (colon == std::string::npos || colon == 0) return err(Error{"--header " + header + ": write NAME: VALUE"});
    result.headers.emplace_back(header.substr(0, colon), value == std::string::npos ? "" : header.substr(value));
  }
  return result;
}

// The library's advice is for all of its URLs, and those that it listens on. RFC 3986 §3.1: schemes in any case.
Result<void, Error> check_url(std::string_view url) {
  constexpr std::string_view kScheme = "https://";
  const auto to_lower = [](char one) { return one >= 'A' && one <= 'Z' ? static_cast<char>(one - 'A' + 'a') : one; };
  if (!std::ranges::equal(url.substr(0, kScheme.size()), kScheme, {}, to_lower)) {
    return err(Error{std::string{url} + ": HTTP/3 has https: URLs only; write https://HOST/PATH"});
  }
  if (url.find_first_not_of('/', kScheme.size()) == std::string_view::npos) {
    return err(Error{std::string{url} + ": the host is empty; write https://HOST/PATH"});
  }
  return {};
}

int get(const GetOptions& options) {
  if (const auto checked = check_url(options.url); !checked) return fail(checked.error().message);
  const auto connect = connect_options(options);
  if (!connect) return fail(connect.error().message);
  Output output{options.output};
  Printer::Outcome outcome;
  Client client;
  const auto started = client.get(options.url, std::make_unique<Printer>(options, output, outcome), *connect);
  if (!started) return fail(started.error().message);
  client.run();
  if (!outcome.error.empty())
    return fail(options.url + ": " + outcome.error + certificate_hint(outcome.error, "--certificate-hash HASH, "));
  const std::string json = options.json ? printable_json(client::to_json(outcome.response)) + "\n" : "";
  if (!json.empty() && !(output.open() && output.write(json))) return fail(output.error());
  if (!output.close()) return fail(output.error());
  return is_failure(outcome.response.status) ? fail(fmt::format("HTTP status {}", outcome.response.status)) : 0;
}

}  // namespace

void add_get_command(CLI::App& app, Action& action) {
  CLI::App* command = app.add_subcommand("get", "Get a page over HTTP/3")->group("Commands");
  command->footer(kGetExamples);
  auto options = std::make_shared<GetOptions>();
  command->add_option("URL", options->url, "https: URL")->required();
  command->add_flag("-i,--include", options->fields, "Print status and header fields, too");
  command->add_flag("--json", options->json, "Print status, header fields and body as JSON");
  command->add_option("-o,--output", options->output, "Write the body, or the JSON, to a file; -: standard output")
      ->type_name("FILE");
  command->add_option("--header", options->headers, "A header field of the request, NAME: VALUE; can be repeated")
      ->type_name("FIELD");
  options->trust.add_to(*command);
  command
      ->add_option("--certificate-hash", options->hashes,
                   "Accept the certificate with this SHA-256 hash and no other; can be repeated")
      ->type_name("HASH");
  command
      ->add_option("--timeout", options->timeout_seconds, "Seconds to wait for the response, and for each part of it")
      ->check(number_between(0.001, 86400))
      ->capture_default_str();
  command->callback([&action, options] { action = [options] { return get(*options); }; });
}

}  // namespace plait::cli
