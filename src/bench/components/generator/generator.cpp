// The load generator measures the engine, so it shares no code with it: plain system calls, its own frame builder, zlib
// and OpenSSL as they are. A defect common to both sides would cancel out and be invisible; an improvement of the
// engine must not improve its client.
//
// It has two cores at most to live on, one of them the server's, so its cost per message decides what can be seen:
//   - frames are built and masked once; sending is one system call for all that a read has answered;
//   - answers are counted by bytes; only their headers are looked at (--verify compares every byte, and costs a core);
//   - one 1 MB read buffer: with 64 KB, 16 KB messages pipelined 16 deep ran at a third of the rate;
//   - one clock reading and one histogram entry a read, not a message;
//   - one thread, edge-triggered epoll, no change of interest ever.
// That is 0.014 to 0.09 µs a message when batched. At depth 1 it pays what the server pays, a send and a receive of the
// kernel's (4.4 µs against 4.4 µs): no design avoids that, which is why CPU times are reported beside every rate.
//
// WebTransport is the exception: there the generator is plait::Client, as a second QUIC stack would have to be built
// and kept fast for nothing else. So its rows show both halves of one engine, and a peer's rows show that peer's server
// with our client: compare the server's CPU, which the client does not enter into.
#include "bench/components/generator/generator.hpp"

#include "bench/components/bulk/bulk.hpp"
#include "bench/components/bulk/delayed_path.hpp"
#include "bench/components/generator/loads.hpp"
#include "bench/json_text.hpp"
#include "bench/text_file.hpp"

namespace plait::bench {

namespace {

Result<void, Error> run(LoadContext& context) {
  switch (context.plan.mode) {
    case LoadMode::echo:
      return run_echo_load(context);
    case LoadMode::connect:
      return run_connect_load(context);
    case LoadMode::fanout:
      return run_fanout_load(context);
    case LoadMode::idle:
      return run_idle_load(context);
    case LoadMode::stream:
      return run_stream_load(context);
    case LoadMode::bulk:
      return context.plan.url.scheme == "quic-bulk" ? run_quic_bulk_load(context) : run_tls_bulk_load(context);
    case LoadMode::handshake:
      return run_quic_handshake_load(context);
    case LoadMode::datagram:
      break;
  }
  return err(Error{"generator: no such mode"});
}

Result<void, Error> run_webtransport(LoadContext& context) {
  switch (context.plan.mode) {
    case LoadMode::echo:
      return run_wt_echo_load(context);
    case LoadMode::connect:
      return run_wt_connect_load(context);
    case LoadMode::idle:
      return run_wt_idle_load(context);
    case LoadMode::stream:
    case LoadMode::bulk:
      return run_wt_stream_load(context);
    case LoadMode::datagram:
      return run_wt_datagram_load(context);
    case LoadMode::handshake:
      return run_quic_handshake_load(context);
    case LoadMode::fanout:
      break;
  }
  return err(Error{"generator: no such mode on https: URLs"});
}

Result<int, Error> print_outcome(const Value& outcome, int status) {
  if (auto printed = print_line(json_text(outcome)); !printed) return err(printed.error());
  return status;
}

Result<int, Error> fail(const std::string& why) {
  Value out;
  out.add("ok", false);
  out.add("error", why);
  return print_outcome(out, 1);
}

}  // namespace

Result<int, Error> generate_load(std::span<const std::string> arguments) {
  auto plan = parse_plan(arguments);
  if (!plan) return fail(plan.error().message);
  std::unique_ptr<DelayedPath> path;
  if (has_path(*plan)) {
    auto started = DelayedPath::start(plan->url.port, {plan->delay_ms, plan->loss_percent});
    if (!started) return fail(started.error().message);
    path = std::move(*started);
    plan->url.port = path->port();
  }
  LoadContext context(*plan);
  if (auto done = plan->url.has_streams() ? run_webtransport(context) : run(context); !done)
    return fail(done.error().message);
  Value out = context.meter.report();
  out.add("ok", true);
  if (!context.extra.is_null()) out.add("memory", context.extra);
  return print_outcome(out, 0);
}

}  // namespace plait::bench
