#include "bench/components/echo/report.hpp"

#include <fmt/core.h>

#include <array>
#include <iterator>
#include <utility>

#include "bench/components/units.hpp"
#include "codec/json_writer.hpp"
#include "net/address.hpp"

namespace plait::bench {
namespace {

using Text = std::back_insert_iterator<std::string>;

struct NamedPercentile {
  const char* label;
  const char* json_name;
  double percentile;
};
constexpr std::array kPercentiles{
    NamedPercentile{"p50", "p50_ns", 50},      NamedPercentile{"p90", "p90_ns", 90},
    NamedPercentile{"p95", "p95_ns", 95},      NamedPercentile{"p99", "p99_ns", 99},
    NamedPercentile{"p99.9", "p999_ns", 99.9},
};

double mean_ms(const EchoBenchResult& result) { return result.round_trips.histogram().mean() / 1e6; }

double cpu_us_per_message(const EchoBenchResult& result) {
  if (result.messages == 0) return 0;
  return microseconds(static_cast<std::uint64_t>(result.cpu.total().count())) / static_cast<double>(result.messages);
}

std::string counted(std::uint64_t count, const char* noun) {
  return fmt::format("{} {}{}", count, noun, count == 1 ? "" : "s");
}

std::string loop_kind(const EchoBenchOptions& options) {
  const std::string depth = options.depth == 0 ? "unbounded" : std::to_string(options.depth);
  if (options.rate > 0) return fmt::format("open loop at {}/s, depth {}", options.rate, depth);
  return fmt::format("closed loop, depth {}", depth);
}

void write_head(Text out, const EchoBenchOptions& options, const EchoBenchResult& result) {
  fmt::format_to(out, "{}: {} x {} bytes, {}, {}, {}{}\n", net::to_text(options.address), result.messages,
                 options.payload.size(), counted(options.connections, "connection"), counted(options.threads, "thread"),
                 loop_kind(options), options.verify ? ", every byte verified" : "");
  fmt::format_to(out, "  {:<20}{:>12.3f}\n", "Average RTT (ms)", mean_ms(result));
  fmt::format_to(out, "  {:<20}{:>12.3f}   {}\n", "p95 RTT (ms)", milliseconds(p95_as_published(result)),
                 result.round_trips.exact_p95() ? "sorted list, index floor(0.95 n) - 1" : "from the histogram");
  fmt::format_to(out, "  {:<20}{:>12.2f}   one way, MiB (2^20 bytes)\n", "Throughput MB/s",
                 Rate(result.payload_bytes, result.rated_over).mebibytes());
}

void write_latency(Text out, const EchoBenchOptions& options, const EchoBenchResult& result) {
  const Histogram& rtt = result.round_trips.histogram();
  const auto row = [&](const char* label, double microseconds, const char* note = "") {
    fmt::format_to(out, "  {:<20}{:>12.1f}{}\n", label, microseconds, note);
  };
  fmt::format_to(out, "Round trip (us){}\n",
                 options.rate > 0 ? ", from the moment at which the message should have left" : "");
  row("min", microseconds(rtt.min()));
  for (const auto& named : kPercentiles) row(named.label, microseconds(rtt.percentile(named.percentile)));
  row("max", microseconds(rtt.max()));
  row("standard deviation", rtt.stddev() / 1e3);
  row("jitter", result.round_trips.jitter() / 1e3, "   mean difference between neighbours");
  row("first message", result.first_round_trips.mean() / 1e3,
      options.connections > 1 ? "   mean over the connections" : "");
}

void write_rates(Text out, const EchoBenchResult& result) {
  const Rate one_way{result.payload_bytes, result.rated_over};
  const Rate both_ways{2 * result.payload_bytes, result.rated_over};
  fmt::format_to(out, "Rate{:>28}{:>14}\n", "one way", "both ways");
  const double messages = per_second(result.messages, result.rated_over);
  fmt::format_to(out, "  {:<18}{:>12.{}f}\n", "messages/s", messages, messages < 100 ? 2 : 0);
  fmt::format_to(out, "  {:<18}{:>12.2f}{:>14.2f}\n", "MiB/s", one_way.mebibytes(), both_ways.mebibytes());
  fmt::format_to(out, "  {:<18}{:>12.2f}{:>14.2f}\n", "MB/s", one_way.megabytes(), both_ways.megabytes());
  fmt::format_to(out, "  {:<18}{:>12.3f}{:>14.3f}\n", "Gbit/s", one_way.gigabits(), both_ways.gigabits());
}

void write_cost(Text out, const EchoBenchResult& result) {
  const auto seconds = [](std::chrono::nanoseconds time) { return std::chrono::duration<double>(time).count(); };
  fmt::format_to(out, "This side: {:.3f} s of wall time, CPU {:.3f} s user + {:.3f} s system = {:.2f} us a message, ",
                 seconds(result.wall), seconds(result.cpu.user), seconds(result.cpu.system),
                 cpu_us_per_message(result));
  fmt::format_to(out, "{} voluntary and {} involuntary context switches\n", result.cpu.voluntary_switches,
                 result.cpu.involuntary_switches);
}

void write_json_setup(codec::JsonWriter& json, const EchoBenchOptions& options) {
  json.key("setup").begin_object();
  json.member("target", net::to_text(options.address));
  json.member("payload_bytes", options.payload.size()).member("warmup", options.warmup);
  json.member("threads", options.threads).member("connections", options.connections).member("depth", options.depth);
  json.member("rate_per_second", options.rate).member("verified", options.verify);
  json.member("no_delay", options.connect.tuning.no_delay);
  json.member("busy_poll_ns", options.connect.busy_poll.count());
  json.end_object();
}

void write_json_published(codec::JsonWriter& json, const EchoBenchResult& result) {
  json.key("published").begin_object();
  json.member("average_rtt_ms", mean_ms(result)).member("p95_rtt_ms", milliseconds(p95_as_published(result)));
  json.member("p95_is_exact", result.round_trips.exact_p95().has_value());
  json.member("throughput_one_way_mebibytes_per_second", Rate(result.payload_bytes, result.rated_over).mebibytes());
  json.end_object();
}

void write_json_latency(codec::JsonWriter& json, const EchoBenchOptions& options, const EchoBenchResult& result) {
  const Histogram& rtt = result.round_trips.histogram();
  json.key("round_trip").begin_object();
  json.member("from", options.rate > 0 ? "intended send time" : "send time");
  json.member("mean_ns", rtt.mean()).member("min_ns", rtt.min());
  for (const auto& named : kPercentiles) json.member(named.json_name, rtt.percentile(named.percentile));
  json.member("max_ns", rtt.max()).member("stddev_ns", rtt.stddev());
  json.member("jitter_ns", result.round_trips.jitter());
  json.member("first_message_mean_ns", result.first_round_trips.mean());
  json.member("first_message_max_ns", result.first_round_trips.max());
  json.end_object();
}

void write_json_rate(codec::JsonWriter& json, const char* name, Rate rate) {
  json.key(name).begin_object();
  json.member("mebibytes_per_second", rate.mebibytes()).member("megabytes_per_second", rate.megabytes());
  json.member("gigabits_per_second", rate.gigabits());
  json.end_object();
}

void write_json_cpu(codec::JsonWriter& json, const EchoBenchResult& result) {
  json.key("cpu").begin_object();
  json.member("user_ns", result.cpu.user.count()).member("system_ns", result.cpu.system.count());
  json.member("microseconds_per_message", cpu_us_per_message(result));
  json.member("voluntary_switches", result.cpu.voluntary_switches);
  json.member("involuntary_switches", result.cpu.involuntary_switches);
  json.end_object();
}

}  // namespace

std::uint64_t p95_as_published(const EchoBenchResult& result) {
  return result.round_trips.exact_p95().value_or(result.round_trips.histogram().percentile(95));
}

std::string published_echo_lines(const EchoBenchOptions& options, const EchoBenchResult& result) {
  return fmt::format(
      "[bench] repeats: {}, msg_len: {} bytes\n"
      "[bench] avg RTT: {:.3f} ms, p95 RTT: {:.3f} ms\n"
      "[bench] throughput: {:.2f} MB/s\n",
      result.messages, options.payload.size(), mean_ms(result), milliseconds(p95_as_published(result)),
      Rate(result.payload_bytes, result.rated_over).mebibytes());
}

std::string echo_report_text(const EchoBenchOptions& options, const EchoBenchResult& result) {
  std::string text = published_echo_lines(options, result) + "\n";
  const Text out{text};
  write_head(out, options, result);
  write_latency(out, options, result);
  write_rates(out, result);
  write_cost(out, result);
  return text;
}

std::string echo_report_json(const EchoBenchOptions& options, const EchoBenchResult& result) {
  std::string text;
  codec::JsonWriter json{text};
  json.begin_object();
  write_json_setup(json, options);
  json.member("messages", result.messages).member("wall_ns", result.wall.count());
  json.member("rated_over_ns", result.rated_over.count());
  json.member("messages_per_second", per_second(result.messages, result.rated_over));
  write_json_published(json, result);
  write_json_latency(json, options, result);
  write_json_rate(json, "one_way", {result.payload_bytes, result.rated_over});
  write_json_rate(json, "both_ways", {2 * result.payload_bytes, result.rated_over});
  write_json_cpu(json, result);
  json.end_object();
  return text + "\n";
}

}  // namespace plait::bench
