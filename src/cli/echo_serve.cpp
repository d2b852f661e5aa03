#include <csignal>
#include <cstdio>
#include <mutex>

#include "bench/components/echo/server.hpp"
#include "cli/echo_command.hpp"
#include "cli/output.hpp"
#include "net/address.hpp"
#include "net/affinity.hpp"
#include "net/file_limit.hpp"
#include "net/loop.hpp"
#include "net/signals.hpp"

namespace plait::cli {
namespace {

struct EchoServeOptions {
  EchoAddressOptions where;
  CLI::Option* port = nullptr;
  CLI::Option* threads = nullptr;
  std::string model = "thread";
  bench::EchoServerOptions server;
  std::int64_t busy_poll_us = 0;
  bool verbose = false;
};

void print_connection(const bench::EchoConnectionReport& report) {
  static std::mutex mutex;
  const std::lock_guard lock{mutex};
  print("connection {}: {} bytes in, {} bytes out, {:.3f} s\n", report.peer, report.bytes_received, report.bytes_sent,
        std::chrono::duration<double>(report.lasted).count());
  flush_output();
}

void print_totals(const bench::EchoTotals& totals) {
  print("total: {} connections, {} refused, {} bytes in, {} bytes out\n", totals.connections,
        totals.connections_refused, totals.bytes_received, totals.bytes_sent);
}

/// Tries every CPU now, while there is an option to blame; the first one is this thread's and stays.
Result<void, Error> pin_to_first(const std::vector<int>& cpus) {
  for (auto cpu = cpus.rbegin(); cpu != cpus.rend(); ++cpu) {
    if (auto pinned = net::pin_this_thread(*cpu); !pinned) return pinned;
  }
  return {};
}

bench::EchoServerOptions complete(const EchoServeOptions& options) {
  bench::EchoServerOptions server = options.server;
  server.address = options.where.address();
  server.model = options.model == "async" ? bench::EchoModel::async : bench::EchoModel::thread;
  if (options.model == "async" && options.port->empty()) server.address.port = kEchoAsyncPort;
  server.busy_poll = std::chrono::microseconds{options.busy_poll_us};
  if (options.verbose) server.on_connection_end = print_connection;
  return server;
}

void print_listening(net::Address address, std::uint16_t port) {
  address.port = port;
  print("listening {}{}\n", address.unix_path.empty() ? "tcp://" : "unix:", net::to_text(address));
  flush_output();
}

int serve(const EchoServeOptions& options) {
  if (options.model == "thread" && !options.threads->empty()) {
    return fail("--threads is for --model async: the model thread has one for each connection");
  }
  net::raise_file_limit();
  const auto server_options = complete(options);
  if (auto pinned = pin_to_first(server_options.cpus); !pinned) return fail("--cpu: " + pinned.error().message);
  auto made = net::Loop::make(bench::EchoServer::loop_options(server_options));
  if (!made) return fail(made.error().message);
  net::Loop& loop = **made;

  std::unique_ptr<bench::EchoServer> server;
  std::unique_ptr<net::SignalWatcher> watcher;
  auto watched = net::SignalWatcher::make(loop, {SIGINT, SIGTERM}, [&](int) {
    watcher.reset();  // a second signal ends the program at once
    server->stop([&](const bench::EchoTotals& totals) {
      print_totals(totals);
      loop.stop();
    });
  });
  if (!watched) return fail(watched.error().message);
  watcher = std::move(*watched);

  auto started = bench::EchoServer::start(loop, server_options);
  if (!started) return fail(started.error().message);
  server = std::move(*started);
  print_listening(server_options.address, server->port());
  loop.run();
  return 0;
}

}  // namespace

void add_echo_serve(CLI::App& echo, Action& action) {
  auto options = std::make_shared<EchoServeOptions>();
  CLI::App* command = echo.add_subcommand("serve", "Echo every byte of every connection");
  auto& server = options->server;
  command->add_option("--model", options->model, "thread: one blocking thread per connection; async: epoll loops")
      ->check(CLI::IsMember({"thread", "async"}))
      ->capture_default_str();
  options->port = options->where.add_to(*command);
  options->port->description("TCP port; 0 picks a free one; async: 5051 if not given");
  command->add_option("--bufsize", server.buffer_bytes, "Bytes per receive [64 KiB; async: 512 KiB per loop]")
      ->transform(CLI::AsSizeValue(false))
      ->check(CLI::Range(1, 1 << 30).description("1…1 GiB"))
      ->type_name("BYTES");
  options->threads = command->add_option("--threads", server.threads, "async: number of loops, each with a thread")
                         ->check(CLI::Range(1U, 1024U))
                         ->capture_default_str();
  command->add_option("--cpu", server.cpus, "CPUs for the threads, in turn: 0 or 0,1")->delimiter(',')->type_name("N");
  command->add_option("--busy-poll", options->busy_poll_us, "Spin up to this many microseconds before waiting")
      ->check(CLI::Range(0, 1'000'000))
      ->capture_default_str();
  command->add_flag("--nodelay,!--no-nodelay", server.no_delay, "TCP_NODELAY; without it large messages take 40 ms")
      ->default_str("on");
  command->add_option("--max-connections", server.connections_max, "Further connections are closed at once")
      ->check(CLI::Range(0, 1 << 30).description(""))
      ->capture_default_str();
  command->add_flag("--verbose", options->verbose, "Print each connection's counters when it ends");
  command->footer(
      "Prints 'listening tcp://HOST:PORT'. SIGINT or SIGTERM stops it: what has arrived is echoed, totals are "
      "printed.\n"
      "Examples:\n"
      "  plait echo serve\n"
      "  plait echo serve --model async --port 0 --threads 2 --cpu 0,1 --verbose");
  command->callback([options, &action] { action = [options] { return serve(*options); }; });
}

}  // namespace plait::cli
