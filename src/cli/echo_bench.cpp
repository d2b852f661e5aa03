#include <fmt/core.h>
#include <unistd.h>

#include <cmath>
#include <fstream>
#include <iterator>
#include <random>
#include <utility>

#include "bench/components/echo/bench.hpp"
#include "bench/components/echo/report.hpp"
#include "bench/text_file.hpp"
#include "cli/echo_command.hpp"
#include "cli/output.hpp"

namespace plait::cli {
namespace {

constexpr double kMicrosecond = 1e3;  // in ns, as double: histogram files are in µs
constexpr std::chrono::seconds kQuiet{2};

struct EchoBenchOptions {
  EchoAddressOptions where;
  bench::EchoBenchOptions run;
  std::size_t size = 1024;
  std::string message;
  std::string payload_file;
  std::uint64_t seed = 1;
  double duration_seconds = 0;
  double timeout_seconds = 10;
  std::int64_t busy_poll_us = 0;
  std::string json_file;
  std::string histogram_file;
  CLI::Option* message_option = nullptr;
  CLI::Option* host_option = nullptr;
  CLI::Option* connections_option = nullptr;
  CLI::Option* depth_option = nullptr;
};

std::vector<std::uint8_t> random_payload(std::size_t size, std::uint64_t seed) {
  std::mt19937_64 random{seed};
  std::vector<std::uint8_t> payload(size);
  for (auto& byte : payload) byte = static_cast<std::uint8_t>(random());
  return payload;
}

Result<std::vector<std::uint8_t>, Error> make_payload(const EchoBenchOptions& options) {
  if (!options.message_option->empty())
    return std::vector<std::uint8_t>{options.message.begin(), options.message.end()};
  if (options.payload_file.empty()) return random_payload(options.size, options.seed);
  std::ifstream file{options.payload_file, std::ios::binary};
  std::vector<std::uint8_t> payload{std::istreambuf_iterator<char>{file}, {}};
  if (!file.good() && !file.eof()) return err(Error{"--payload-file " + options.payload_file + ": cannot be read", 0});
  return payload;
}

bench::EchoBenchOptions complete(const EchoBenchOptions& options) {
  bench::EchoBenchOptions run = options.run;
  run.address = options.where.address();
  if (run.connect.ipv6_only && options.host_option->empty()) run.address.host = "::1";
  run.connect.timeout = to_duration(options.timeout_seconds);
  run.connect.busy_poll = std::chrono::microseconds{options.busy_poll_us};
  run.duration = to_duration(options.duration_seconds);
  if (options.connections_option->empty()) run.connections = run.threads;
  if (options.depth_option->empty()) run.depth = run.rate > 0 ? 0 : 1;
  if (::isatty(STDERR_FILENO) != 0) {
    run.on_progress = [](std::uint64_t answered, Duration elapsed) {
      if (elapsed < kQuiet) return;
      print_error("\r{:.0f} s: {} messages answered ", std::chrono::duration<double>(elapsed).count(), answered);
    };
  }
  return run;
}

/// "-" is standard output.
Result<void, Error> write_file(const char* option, const std::string& path, const std::string& text) {
  if (path == "-") {
    print_text(text);
    return {};
  }
  const auto written = bench::write_text_file(path, text);
  if (!written) return err(Error{fmt::format("{} {}", option, written.error().message)});
  return {};
}

/// Before anything is measured.
Result<void, Error> check_files(const EchoBenchOptions& options) {
  for (const auto& [option, path] :
       {std::pair{"--json", options.json_file}, std::pair{"--histogram", options.histogram_file}}) {
    if (path.empty() || path == "-") continue;
    if (auto checked = bench::check_writable(path); !checked) {
      return err(Error{fmt::format("{} {}", option, checked.error().message)});
    }
  }
  return {};
}

Result<void, Error> write_results(const EchoBenchOptions& options, const bench::EchoBenchOptions& run,
                                  const bench::EchoBenchResult& result) {
  if (options.json_file != "-") print_text(bench::echo_report_text(run, result));
  if (!options.json_file.empty()) {
    auto written = write_file("--json", options.json_file, bench::echo_report_json(run, result));
    if (!written) return written;
  }
  if (options.histogram_file.empty()) return {};
  return write_file("--histogram", options.histogram_file, result.round_trips.histogram().distribution(kMicrosecond));
}

int bench_echo(const EchoBenchOptions& options) {
  bench::EchoBenchOptions run = complete(options);
  if (auto checked = check_files(options); !checked) return fail(checked.error().message);
  auto payload = make_payload(options);
  if (!payload) return fail(payload.error().message);
  run.payload = std::move(*payload);
  auto result = bench::run_echo_bench(run);
  if (run.on_progress) print_error("\r\033[K");
  if (!result) return fail(result.error().message);
  if (auto written = write_results(options, run, *result); !written) return fail(written.error().message);
  return 0;
}

void add_load_options(CLI::App& command, EchoBenchOptions& options) {
  auto& run = options.run;
  CLI::Option* size = command.add_option("--size", options.size, "Bytes of a message, random by --seed")
                          ->transform(CLI::AsSizeValue(false))
                          ->check(CLI::Range(1, 1 << 30).description("1…1 GiB"))
                          ->type_name("BYTES")
                          ->capture_default_str();
  options.message_option = command.add_option("--message", options.message, "The message itself")->excludes(size);
  command.add_option("--payload-file", options.payload_file, "A file whose contents are the message")
      ->type_name("PATH")
      ->check(CLI::ExistingFile)
      ->excludes(size)
      ->excludes(options.message_option);
  command.add_option("--seed", options.seed, "Of the random payload")->capture_default_str();
  CLI::Option* repeat = command.add_option("--repeat", run.repeat, "Messages of each connection")
                            ->check(CLI::Range(std::int64_t{1}, std::int64_t{1} << 40).description(""))
                            ->capture_default_str();
  command.add_option("--duration", options.duration_seconds, "Seconds to send for, instead of --repeat")
      ->check(number_between(0.001, 86400))
      ->excludes(repeat);
  command.add_option("--warmup", run.warmup, "Messages of each connection before the measured ones")
      ->check(CLI::Range(std::int64_t{0}, std::int64_t{1} << 40).description(""))
      ->capture_default_str();
  command.add_option("--parallel", run.threads, "Threads, each with its own connections")
      ->check(CLI::Range(1, 1024).description(""))
      ->capture_default_str();
  options.connections_option =
      command.add_option("--connections", run.connections, "Connections over all threads [one a thread]")
          ->check(CLI::Range(1, 1'000'000).description(""));
  options.depth_option =
      command.add_option("--depth", run.depth, "Messages in flight on each connection [1; with --rate no bound]")
          ->check(CLI::Range(0, 1 << 20).description(""));
  command.add_option("--rate", run.rate, "Open loop: messages a second over all connections, sent by the clock")
      ->check(number_between(0.001, 1e9));
  command.add_flag("--verify", run.verify, "Compare every byte; a difference is named and exits with 1");
}

void add_socket_options(CLI::App& command, EchoBenchOptions& options) {
  auto& run = options.run;
  auto& tuning = run.connect.tuning;
  command.add_flag("--nodelay,!--no-nodelay", tuning.no_delay, "TCP_NODELAY")->default_str("on");
  command.add_option("--sndbuf", tuning.send_buffer_bytes, "SO_SNDBUF [the kernel's]")
      ->transform(CLI::AsSizeValue(false))
      ->type_name("BYTES");
  command.add_option("--rcvbuf", tuning.receive_buffer_bytes, "SO_RCVBUF [the kernel's]")
      ->transform(CLI::AsSizeValue(false))
      ->type_name("BYTES");
  command.add_flag("--ipv6", run.connect.ipv6_only, "IPv6 only; without --host, ::1");
  command.add_option("--timeout", options.timeout_seconds, "Seconds to wait for the peer")
      ->check(number_between(0.001, 86400))
      ->capture_default_str();
  command.add_option("--cpu", run.cpus, "CPUs for the threads, in turn: 0 or 0,1")->delimiter(',')->type_name("N");
  command.add_option("--busy-poll", options.busy_poll_us, "Spin up to this many microseconds before waiting")
      ->check(CLI::Range(0, 1'000'000).description(""))
      ->capture_default_str();
}

}  // namespace

void add_echo_bench(CLI::App& echo, Action& action) {
  auto options = std::make_shared<EchoBenchOptions>();
  CLI::App* command = echo.add_subcommand("bench", "Measure round trips and throughput of an echo server");
  options->where.add_to(*command);
  options->host_option = command->get_option("--host");
  add_load_options(*command, *options);
  add_socket_options(*command, *options);
  command->add_option("--json", options->json_file, "Also write the result as JSON; '-' writes only that, to stdout")
      ->type_name("PATH");
  command->add_option("--histogram", options->histogram_file, "Write the distribution (us, HdrHistogram's text format)")
      ->type_name("PATH");
  command->footer(
      "The first three lines are those of the published client: its throughput is one way and in MiB/s.\n"
      "Examples:\n"
      "  plait echo bench --size 1024 --repeat 2000\n"
      "  plait echo bench --port 5051 --size 16K --repeat 1000 --verify\n"
      "  plait echo bench --connections 100 --depth 16 --duration 5 --json -\n"
      "  plait echo bench --rate 20000 --duration 5 --histogram echo.hgrm");
  command->callback([options, &action] { action = [options] { return bench_echo(*options); }; });
}

}  // namespace plait::cli
