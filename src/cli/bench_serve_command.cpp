// plait bench serve: the server that the benchmarks measure.
#include <plait/server.hpp>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "bench/routes.hpp"
#include "cli/commands.hpp"
#include "cli/log_writer.hpp"
#include "cli/output.hpp"
#include "net/affinity.hpp"
#include "net/file_limit.hpp"

namespace plait::cli {
namespace {

constexpr const char* kBenchServeExamples = R"(Routes: /echo /discard /produce /duplex /latency /fanout /ws
Of https: and quic: URLs, all but /fanout are for streams and datagrams, and there is no /ws.
A Unix socket's routes follow a colon: unix:/run/bench.sock:/echo
Examples:
  plait bench serve --listen ws://127.0.0.1:9001
  plait bench serve --listen wss://127.0.0.1:4443 --cert localhost.crt --key localhost.key --ws-mode download
  plait bench serve --listen https://127.0.0.1:4433
  plait bench serve --listen ws://127.0.0.1:0 --listen tcp://127.0.0.1:0 --threads 1 --busy-poll 50)";

struct BenchServeOptions {
  std::vector<std::string> urls{"ws://127.0.0.1:9001"};
  std::string certificate;
  std::string key;
  std::string ws_mode = "download";
  unsigned threads = 1;
  unsigned busy_poll_microseconds = 0;
  std::vector<int> cpus;
  bool deflate = false;
  std::size_t packet_bytes = Limits{}.udp_payload_bytes_max;
};

bench::WsMode ws_mode_of(const std::string& text) {
  if (text == "upload") return bench::WsMode::upload;
  return text == "concurrent" ? bench::WsMode::concurrent : bench::WsMode::download;
}

int serve(const BenchServeOptions& options) {
  if (auto checked = net::check_cpus(options.cpus); !checked) return fail("--cpu: " + checked.error().message);
  ServerOptions server_options;
  server_options.threads = options.threads;
  server_options.tls = {.certificate_file = options.certificate, .private_key_file = options.key};
  server_options.development_certificate = options.certificate.empty();
  server_options.deflate = options.deflate;
  server_options.busy_poll = std::chrono::microseconds{options.busy_poll_microseconds};
  server_options.handle_signals = true;
  server_options.cpus = options.cpus;
  server_options.limits.message_bytes_max = std::size_t{128} << 20;
  server_options.limits.udp_payload_bytes_max = options.packet_bytes;
  net::raise_file_limit();
  outlive_readers();
  const LogWriter log_writer{LogLevel::warning};
  Server server{server_options};
  for (const std::string& url : options.urls) {
    const auto bound = bench::listen_on_routes(server, url, {.ws_mode = ws_mode_of(options.ws_mode)});
    if (!bound) return fail(bound.error().message);
    print("listening {}\n", *bound);
  }
  flush_output();
  const auto served = server.run();
  return served ? 0 : fail(served.error().message);
}

}  // namespace

void add_bench_serve_command(CLI::App& bench, Action& action) {
  CLI::App* command = bench.add_subcommand("serve", "Serve the benchmark routes on every wire");
  command->footer(kBenchServeExamples);
  auto options = std::make_shared<BenchServeOptions>();
  command
      ->add_option("--listen", options->urls,
                   "ws: wss: tcp: tls: https: quic: or unix: URL; port 0 picks a free one; may be repeated")
      ->capture_default_str();
  auto* certificate = command->add_option("--cert", options->certificate,
                                          "Certificate chain (PEM); default: a development certificate");
  auto* key = command->add_option("--key", options->key, "Private key (PEM)");
  certificate->type_name("PATH")->needs(key);
  key->type_name("PATH")->needs(certificate);
  command->add_option("--ws-mode", options->ws_mode, "What /ws does without ?test=")
      ->check(CLI::IsMember({"download", "upload", "concurrent"}))
      ->capture_default_str();
  command->add_option("--threads", options->threads, "Loops; 0: one per core")
      ->check(CLI::Range(0, 1024))
      ->capture_default_str();
  command->add_option("--busy-poll", options->busy_poll_microseconds, "Spin at most so many µs before blocking")
      ->check(CLI::Range(0, 50))
      ->capture_default_str();
  command->add_option("--cpu", options->cpus, "CPUs to pin the loops to");
  command->add_flag("--deflate", options->deflate, "Accept permessage-deflate");
  command->add_option("--packet-bytes", options->packet_bytes, "https: and quic: UDP payloads are at most so large")
      ->check(CLI::Range(1200, 65507))
      ->capture_default_str();
  command->callback([&action, options] { action = [options] { return serve(*options); }; });
}

}  // namespace plait::cli
