// plait bench: the published benchmarks row by row, against any servers, in one run.
#include "bench/components/generator/generator.hpp"
#include "bench/components/raw_loop.hpp"
#include "bench/json_text.hpp"
#include "bench/peers.hpp"
#include "bench/report.hpp"
#include "bench/text_file.hpp"
#include "cli/bench_suites.hpp"
#include "cli/commands.hpp"
#include "cli/output.hpp"
#include "core/shell_word.hpp"
#include "net/affinity.hpp"
#include "net/file_limit.hpp"

#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <climits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace plait::cli {
namespace {

constexpr const char* kBenchExamples = R"(Examples:
  plait bench --list                                  suites and their rows
  plait bench websocket --rows fanout --list          the rows that would run
  plait bench websocket --quick --peer raw            a first look, in a minute
  plait bench websocket --peer raw --rows 'echo/93B'  some rows, against the raw epoll peers
  plait bench websocket --peers --json out.json --html out.html
  plait bench websocket --peer 'uws=/path/server {port},ws://127.0.0.1:{port}' --placement one
  plait bench websocket --rows '^echo/93B/' --peer raw --rounds 40 --seconds 0.1 --warmup 0.05
                                                      differences of one percent, on a machine that others use, too
  plait bench webtransport --rows 'literal|confirmed$' --markdown webtransport.md
  plait bench websocket --rows fanout --peer 'nats=nats-server -a 127.0.0.1 -p {port},nats://127.0.0.1:{port}'

The scheme of a peer's URL says which rows it is in: tcp, tls, ws, wss or https (WebTransport); quic is in those of https, and
redis and nats, message brokers spoken to in their own protocol, are in the fan-out rows.)";

constexpr const char* kQuickParts =
    "a tenth of 1,000 connections and of 10,000 streams or more, a twentieth of the openings, a sixteenth of a "
    "transfer's bytes";

std::string quick_mark() {
  return fmt::format(" --quick: a look, not a result (short samples, no retakes; {})", kQuickParts);
}

template <class Items>
std::string listed(const Items& items) {
  std::string text;
  for (const auto& item : items) text += fmt::format("{}{}", text.empty() ? "" : ", ", item);
  return text;
}

std::string own_path() {
  std::string path(PATH_MAX, '\0');
  const ssize_t length = readlink("/proc/self/exe", path.data(), path.size());
  path.resize(length > 0 ? static_cast<std::size_t>(length) : 0);
  return path;
}

struct BenchOptions {
  std::string suite;
  std::string json;
  std::string markdown;
  std::string html;
  std::string svg;
  std::string rows;
  std::string cpu;
  std::string placement;
  std::string baseline;
  std::string scripts = bench::peer_scripts_folder(own_path());
  std::vector<std::string> peers;
  std::vector<std::string> servers;
  std::size_t rounds = 0;
  double seconds = 0;
  std::optional<double> warmup;
  double rate = 0;
  bool quick = false;
  bool find_peers = false;
  bool verify = false;
  bool list = false;
};

/// As typed, quoted where a shell would need it; the executable by its name alone.
std::string own_command_line() {
  const std::string words = bench::read_text_file("/proc/self/cmdline");
  std::string out = "plait";
  for (std::size_t at = words.find('\0') + 1; at < words.size(); at = words.find('\0', at) + 1) {
    out += " " + core::shell_quoted(words.substr(at, words.find('\0', at) - at));
  }
  return out;
}

int first_other(const std::vector<int>& cpus, std::optional<int> taken) {
  const auto other = std::find_if(cpus.begin(), cpus.end(), [&](int cpu) { return cpu != taken; });
  return other == cpus.end() ? cpus.front() : *other;
}

/// "server=0,client=1", either part alone as well; what is not said is the first CPU that is left.
Result<void, Error> parse_cpus(const std::string& text, bench::RunOptions& run) {
  const std::vector<int> usable = net::available_cpus();
  std::optional<int> server;
  std::optional<int> client;
  for (const std::string& part : CLI::detail::split(text, ',')) {
    if (text.empty()) break;
    const auto equals = part.find('=');
    const std::string name = part.substr(0, equals);
    int cpu = 0;
    if (equals == std::string::npos || !CLI::detail::lexical_cast(part.substr(equals + 1), cpu) ||
        (name != "server" && name != "client")) {
      return err(Error{"--cpu '" + text + "': expected server=N,client=M"});
    }
    if (std::find(usable.begin(), usable.end(), cpu) == usable.end()) {
      return err(
          Error{fmt::format("--cpu '{}': cannot use CPU {}: this process may use {}", text, cpu, listed(usable))});
    }
    (name == "server" ? server : client) = cpu;
  }
  run.server_cpu = server.value_or(first_other(usable, client));
  run.client_cpu = client.value_or(first_other(usable, run.server_cpu));
  return {};
}

bool parse_placement(const std::string& text, bench::RunOptions& run) {
  using bench::Placement;
  if (text.empty()) return true;
  if (text == "free") run.placements = {Placement::free};
  if (text == "one") run.placements = {Placement::one};
  if (text == "two") run.placements = {Placement::two};
  if (text == "all") run.placements = {Placement::free, Placement::one, Placement::two};
  return run.placements.has_value();
}

bool has_name(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

Result<void, Error> require_known(const char* option, const std::string& name, const std::vector<std::string>& known) {
  if (has_name(known, name)) return {};
  return err(Error{fmt::format("{} '{}': no such server; there are {}", option, name, listed(known))});
}

Result<void, Error> add_servers(const BenchOptions& options, bench::RunOptions& run, bench::Report& report) {
  const auto append = [&run](std::vector<bench::ServerSpec> more) {
    run.servers.insert(run.servers.end(), more.begin(), more.end());
  };
  append(bench::plait_servers(run.self));
  for (const std::string& text : options.peers) {
    if (text == "raw") {
      append(bench::raw_servers(run.self));
      continue;
    }
    auto peer = bench::parse_peer(text);
    if (!peer) return err(peer.error());
    append({std::move(*peer)});
  }
  if (options.find_peers) {
    bench::FoundPeers found = bench::find_peers(options.scripts, run.self);
    append(std::move(found.servers));
    report.missing_peers = std::move(found.missing);
  }
  const auto known = bench::server_names(run.servers);
  for (const std::string& name : options.servers) {
    if (auto checked = require_known("--servers", name, known); !checked) return checked;
  }
  if (!options.servers.empty()) {
    std::erase_if(run.servers, [&](const bench::ServerSpec& spec) { return !has_name(options.servers, spec.name); });
  }
  return {};
}

Result<bench::RunOptions, Error> make_run_options(const BenchOptions& options, bench::Report& report) {
  bench::RunOptions run;
  run.self = own_path();
  run.quick = options.quick;
  run.verify = options.verify;
  run.rate = options.rate;
  run.rounds = options.rounds != 0 ? options.rounds : (options.quick ? 1 : 5);
  run.seconds = options.seconds > 0 ? options.seconds : (options.quick ? 0.2 : 0.6);
  run.has_seconds = options.seconds > 0;
  run.has_warmup = options.warmup.has_value();
  run.warmup_seconds = options.warmup.value_or(options.quick ? 0.05 : 0.2);
  run.retakes_max = options.quick ? 0 : 3;
  if (!options.rows.empty()) run.rows = options.rows;
  if (auto parsed = parse_cpus(options.cpu, run); !parsed) return err(parsed.error());
  if (!parse_placement(options.placement, run)) {
    return err(Error{"--placement '" + options.placement + "': expected free, one, two or all"});
  }
  if (options.placement == "two" && run.server_cpu == run.client_cpu) {
    return err(Error{fmt::format("--placement two needs a CPU for each, and has only {}", run.server_cpu)});
  }
  if (auto added = add_servers(options, run, report); !added) return err(added.error());
  const auto names = bench::server_names(run.servers);
  report.baseline = options.baseline.empty() ? names.front() : options.baseline;
  if (auto checked = require_known("--baseline", report.baseline, names); !checked) return err(checked.error());
  return run;
}

void show_progress(const bench::Progress& progress) {
  if (isatty(STDERR_FILENO) == 0) return;
  print_error("\r\033[K[{}/{}] {} · {} · round {} of {} · {}", progress.case_index + 1, progress.case_count,
              progress.row, bench::placement_name(progress.placement), progress.round + 1, progress.rounds,
              progress.server);
  const auto seconds = std::chrono::floor<std::chrono::seconds>(progress.since_begin);
  if (seconds.count() > 0) print_error(" · {} s", seconds.count());
}

void show_case(const bench::CaseResult& result, const std::string& baseline) {
  if (isatty(STDERR_FILENO) != 0) print_error("\r\033[K");
  print("{}\n", bench::to_text(result, baseline));
  flush_output();
}

/// The option of a report, its file, empty where it is not wanted, and what makes it.
struct ReportFile {
  const char* option;
  const std::string& path;
  std::string (*make)(const bench::Report&);
};

std::array<ReportFile, 4> report_files(const BenchOptions& options) {
  const auto json = [](const bench::Report& report) { return bench::json_text(bench::to_json(report), 1) + "\n"; };
  return {{{"--json", options.json, json},
           {"--markdown", options.markdown, bench::to_markdown},
           {"--html", options.html, bench::to_html},
           {"--svg", options.svg, bench::to_svg}}};
}

/// Before hours are spent on what cannot be kept.
Result<void, Error> check_report_files(const BenchOptions& options) {
  for (const ReportFile& file : report_files(options)) {
    if (file.path.empty()) continue;
    if (auto checked = bench::check_writable(file.path); !checked) {
      return err(Error{fmt::format("{} {}", file.option, checked.error().message)});
    }
  }
  return {};
}

/// All that can be written, whatever becomes of the others.
int write_reports(const BenchOptions& options, const bench::Report& report) {
  int status = 0;
  for (const ReportFile& file : report_files(options)) {
    if (file.path.empty()) continue;
    const auto written = bench::write_text_file(file.path, file.make(report));
    if (!written) status = fail(fmt::format("{} {}", file.option, written.error().message));
  }
  const bool measured = std::any_of(report.cases.begin(), report.cases.end(), [](const bench::CaseResult& result) {
    return std::any_of(result.servers.begin(), result.servers.end(),
                       [](const bench::ServerResult& server) { return !server.samples.empty(); });
  });
  return measured ? status : fail("no server could be measured");
}

int run_bench(const BenchOptions& options, const std::string& command_line) {
  const auto suites = chosen_suites(options.suite);
  if (!suites) return fail(suites.error().message);
  if (options.list) return list_suites(*suites, options.rows);
  if (auto checked = check_report_files(options); !checked) return fail(checked.error().message);
  if (options.suite.empty())
    return fail("give a suite, tcp-echo, websocket or webtransport; 'plait bench --list' shows their rows");
  const bench::Suite& suite = suites->front();
  bench::Report report{.suite = suite.name,
                       .title = suite.title + (options.quick ? quick_mark() : ""),
                       .command = command_line,
                       .baseline = {},
                       .machine = bench::describe_machine(),
                       .missing_peers = {},
                       .notes = {},
                       .cases = {}};
  net::raise_file_limit();  // for the servers, too: they inherit it, and 10,000 connections need more than the usual
                            // 1,024
  const auto run = make_run_options(options, report);
  for (const std::string& missing : report.missing_peers) print("not measured: {}\n", missing);
  if (!run) return fail(run.error().message);
  const bench::RunObserver observer{
      .on_progress = show_progress,
      .on_case = [&report](const bench::CaseResult& result) { show_case(result, report.baseline); },
      .on_note =
          [&report](const std::string& note) {
            print("{}\n", note);
            report.notes.push_back(note);
          }};
  auto cases = bench::run_suite(suite, *run, observer);
  if (!cases) return fail(cases.error().message);
  report.cases = std::move(*cases);
  if (options.quick) print("{}{}\n", suite.name, quick_mark());
  return write_reports(options, report);
}

/// The processes that a bench starts beside itself; an empty group keeps them out of --help.
void add_hidden_commands(CLI::App& app, Action& action) {
  CLI::App* generate = app.add_subcommand("bench-generate", "One run of the load generator")->group("");
  auto words = std::make_shared<std::vector<std::string>>();
  generate->add_option("PLAN", *words, "key=value words");
  generate->callback([&action, words] {
    action = [words] {
      net::raise_file_limit();  // as run_bench(), for one that is started by hand
      const auto status = bench::generate_load(*words);
      return status ? *status : fail(status.error().message);
    };
  });

  CLI::App* raw = app.add_subcommand("bench-raw", "A raw peer: tcp, ws, fanout, quic-bulk or tls-bulk")->group("");
  auto kind = std::make_shared<std::string>();
  auto port = std::make_shared<std::uint16_t>(0);
  auto packet_bytes = std::make_shared<std::size_t>(SIZE_MAX);
  raw->add_option("KIND", *kind, "tcp, ws, fanout, quic-bulk or tls-bulk")->required();
  raw->add_option("--port", *port, "0 picks a free one");
  auto busy_poll = std::make_shared<unsigned>(0);
  raw->add_option("--busy-poll", *busy_poll, "ws: never wait, however many µs");
  raw->add_option("--packet-bytes", *packet_bytes, "quic-bulk: UDP payloads are at most so large");
  raw->callback([&action, kind, port, packet_bytes, busy_poll] {
    action = [kind, port, packet_bytes, busy_poll] {
      net::raise_file_limit();
      const auto served = bench::run_raw_peer(*kind, *port, *packet_bytes, *busy_poll > 0);
      return served ? 0 : fail(served.error().message);
    };
  });
}

void add_options(CLI::App& command, BenchOptions& options) {
  command.add_option("SUITE", options.suite, "tcp-echo, websocket or webtransport");
  command.add_flag("--list", options.list, "Show the rows that would run, of SUITE or of all; run none");
  command.add_option("--rows", options.rows, "Only rows whose id matches this regular expression");
  command.add_option("--peer", options.peers, "raw, or NAME=COMMAND,URL with {port} and {cpu} in the command")
      ->type_name("PEER")
      ->take_all()
      ->allow_extra_args(false);
  command.add_flag("--peers", options.find_peers, "Every public server that is installed; the others are named");
  command.add_option("--peer-scripts", options.scripts, "Where the scripts of --peers are")->capture_default_str();
  command.add_option("--servers", options.servers, "Only these servers, by name")->delimiter(',');
  command.add_option("--baseline", options.baseline, "The numerator of every ratio [plait, or the first server]");
  command.add_option("--rounds", options.rounds, "Samples of each server in each case (default 5)")
      ->check(CLI::Range(1, 1'000'000).description("at least 1"));
  command.add_option("--seconds", options.seconds, "Length of a sample (default 0.6)")
      ->check(number_between(0.001, 86400));
  command
      .add_option("--warmup", options.warmup,
                  "Seconds before each sample that do not count (default 0.2, of --quick 0.05)")
      ->check(number_between(0, 86400));
  command.add_option("--rate", options.rate, "Echo rows in open loop: messages a second over all connections")
      ->check(number_between(0.001, 1e9));
  command.add_option("--placement", options.placement, "free, one, two or all, instead of each row's own");
  command.add_option("--cpu", options.cpu, "CPUs of the placements one and two (default: the first two there are)")
      ->type_name("server=N,client=M");
  command.add_flag("--verify", options.verify,
                   "Compare every byte of echoes and fan-out, not only lengths (costs the generator's core)");
  command.add_flag("--quick", options.quick,
                   fmt::format("One short round of each case, with {}: a look, not a result", kQuickParts));
  command.add_option("--json", options.json, "Write all samples as JSON")->type_name("FILE");
  command.add_option("--markdown", options.markdown, "Write the tables as Markdown")->type_name("FILE");
  command.add_option("--html", options.html, "Write one page with plots")->type_name("FILE");
  command.add_option("--svg", options.svg, "Write the plots alone, as one picture")->type_name("FILE");
}

}  // namespace

void add_bench_command(CLI::App& app, Action& action) {
  CLI::App* command = app.add_subcommand("bench", "Reproduce published benchmarks beside public servers");
  command->footer(kBenchExamples);
  auto options = std::make_shared<BenchOptions>();
  add_options(*command, *options);
  command->callback([&action, command, options] {
    if (!command->get_subcommands().empty()) return;  // `bench serve` sets its own action
    action = [options] { return run_bench(*options, own_command_line()); };
  });
  add_bench_serve_command(*command, action);
  add_hidden_commands(app, action);
}

}  // namespace plait::cli
