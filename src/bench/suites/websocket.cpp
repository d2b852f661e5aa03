// WebSocket: echo rate and round trip by connections × payload × depth, connect rate, large messages, fan-out, memory,
// TLS and permessage-deflate, and the published rows that name a WebSocket: picows' echo table (through a Boost.Beast
// server) and curl_cffi's streaming tests, whose repository commits no figures; those in its trackers are named
// instead.
#include "bench/suite.hpp"

#include <fmt/core.h>

#include <array>
#include <cmath>
#include <utility>

namespace plait::bench {

namespace {

constexpr std::uint64_t kGibibyte = 1ULL << 30;
constexpr const char* kPicows = "picows 1.12.0, websocket_benchmark (Boost.Beast 1.90 server)";
constexpr const char* kCurlCffi = "curl_cffi, benchmark/ws_bench_1 (no figure committed)";

std::string size_text(std::uint64_t bytes) {
  if (bytes >= 1 << 20) return fmt::format("{}MB", bytes >> 20);
  return bytes >= 1 << 10 && bytes % 1024 == 0 ? fmt::format("{}KB", bytes >> 10) : fmt::format("{}B", bytes);
}

struct EchoShape {
  std::uint64_t payload;
  std::uint64_t depth;
  std::uint64_t connections;
};

Row make_echo_row(const EchoShape& shape, const std::string& prefix = "echo", const std::string& scheme = "ws") {
  const std::string size = size_text(shape.payload);
  Row row{.id = fmt::format("{}/{}/d{}/c{}", prefix, size, shape.depth, shape.connections),
          .title = fmt::format("{}: {}, depth {}, {} connections", prefix, size, shape.depth, shape.connections),
          .scheme = scheme,
          .path = "/echo"};
  row.plan.payload_bytes = shape.payload;
  row.plan.depth = shape.depth;
  row.plan.connections = shape.connections;
  row.placements = shape.depth == 1 && shape.connections == 1 ? kEverywhere : kPinned;
  const bool is_round_trip = shape.depth == 1 && shape.connections == 1;
  row.claims = {
      {is_round_trip ? Metric::latency_p50_us : Metric::messages_per_second, "", std::nullopt, "echoes read whole"}};
  return row;
}

void add_echo_rows(std::vector<Row>& rows) {
  constexpr std::array<EchoShape, 24> kShapes = {{
      {93, 1, 1},      {93, 1, 10},     {93, 1, 100},     {93, 1, 1000},  {1024, 1, 10},   {1024, 1, 100},
      {1024, 1, 1000}, {16384, 1, 10},  {16384, 1, 100},  {65536, 1, 10}, {65536, 1, 100}, {93, 64, 1},
      {93, 64, 10},    {93, 64, 100},   {93, 64, 1000},   {93, 512, 10},  {1024, 64, 10},  {1024, 64, 100},
      {16384, 16, 1},  {16384, 16, 10}, {16384, 16, 100}, {65536, 8, 1},  {65536, 8, 10},  {1 << 20, 2, 1},
  }};
  for (const EchoShape& shape : kShapes) rows.push_back(make_echo_row(shape));
}

/// One connection, one message in flight, and who may burn a core for it. On two cores only: a spinning process on a
/// shared core takes the time that its peer needs to answer.
void add_spin_rows(std::vector<Row>& rows) {
  Row server = make_echo_row({93, 1, 1}, "rtt/server-spins");
  server.placements = {Placement::two};
  server.server_options = "--busy-poll 50";
  rows.push_back(server);
  Row both = make_echo_row({93, 1, 1}, "rtt/both-spin");
  both.placements = {Placement::two};
  both.server_options = "--busy-poll 50";
  both.plan.spin = true;
  rows.push_back(both);
}

void add_picows_rows(std::vector<Row>& rows) {
  struct Published {
    std::uint64_t payload;
    double plain;
    double tls;
  };
  for (const Published& row : {Published{256, 37211, 25188}, {8192, 26049, 12981}, {100000, 11453, 3100}}) {
    for (const bool tls : {false, true}) {
      Row out = make_echo_row({row.payload, 1, 1}, tls ? "picows-tls" : "picows", tls ? "wss" : "ws");
      out.claims = {{Metric::messages_per_second, kPicows, tls ? row.tls : row.plain,
                     "round trips a second, one connection, one in flight; the fastest client's figure"}};
      rows.push_back(out);
    }
  }
}

void add_connect_rows(std::vector<Row>& rows) {
  const auto add = [&rows](const std::string& prefix, std::uint64_t concurrent, bool tls) {
    Row row{.id = fmt::format("{}/k{}", prefix, concurrent),
            .title = fmt::format("connect, {}upgrade, close; {} at a time", tls ? "TLS, " : "", concurrent),
            .scheme = tls ? "wss" : "ws",
            .path = "/echo"};
    row.plan.mode = LoadMode::connect;
    row.plan.connections = concurrent;
    row.placements = kPinned;
    row.claims = {{Metric::server_cpu_us_per_message, "", std::nullopt, "opening handshakes answered with 101"}};
    rows.push_back(row);
  };
  for (const std::uint64_t concurrent : {1U, 16U, 64U}) add("connect", concurrent, false);
  add("connect/tls", 16, true);
}

void add_fanout_rows(std::vector<Row>& rows) {
  const auto add = [&rows](const std::string& prefix, std::uint64_t burst, std::uint64_t subscribers, bool tls) {
    Row row{.id = fmt::format("{}/93B/b{}/s{}", prefix, burst, subscribers),
            .title = fmt::format("fan-out{}: 93 B, bursts of {}, {} subscribers", tls ? " under TLS" : "", burst,
                                 subscribers),
            .scheme = tls ? "wss" : "ws",
            .path = "/fanout"};
    row.plan.mode = LoadMode::fanout;
    row.plan.connections = subscribers;
    row.plan.burst = burst;
    row.plan.window = burst == 1 ? 1 : 2;
    row.placements = kPinned;
    row.claims = {{Metric::messages_per_second, "", std::nullopt, "deliveries read by subscribers"}};
    rows.push_back(row);
  };
  for (const std::uint64_t subscribers : {100U, 1000U}) {
    for (const std::uint64_t burst : {1U, 16U, 64U}) add("fanout", burst, subscribers, false);
  }
  add("fanout/tls", 16, 100, true);
}

void add_memory_rows(std::vector<Row>& rows) {
  const auto add = [&rows](const std::string& kind, const std::string& title, std::uint64_t connections) -> Row& {
    Row row{.id = "memory/" + kind,
            .title = "memory of an idle connection, " + title,
            .scheme = kind == "tls" ? "wss" : "ws",
            .path = "/echo"};
    row.plan.mode = LoadMode::idle;
    row.plan.connections = connections;
    row.plan.touch = true;
    row.placements = {Placement::two};
    row.claims = {{Metric::anonymous_bytes_per_connection, "", std::nullopt,
                   "growth of the server's anonymous memory / connections, after one echo on each"}};
    return rows.emplace_back(std::move(row));
  };
  add("plain", "10,000 open", 10000);
  add("tls", "5,000 with TLS", 5000);
  Row& deflate = add("deflate", "10,000 with permessage-deflate", 10000);
  deflate.plan.deflate = true;
  deflate.server_options = "--deflate";
}

void add_tls_and_deflate_rows(std::vector<Row>& rows) {
  constexpr std::array<EchoShape, 4> kShapes = {{{93, 1, 100}, {93, 64, 10}, {16384, 16, 10}, {65536, 8, 10}}};
  for (const EchoShape& shape : kShapes) rows.push_back(make_echo_row(shape, "tls", "wss"));
  for (const EchoShape& shape : {EchoShape{1024, 1, 100}, EchoShape{1024, 64, 10}, EchoShape{16384, 16, 10}}) {
    Row row = make_echo_row(shape, "deflate");
    row.title += ", zlib level 1";  // Plait's, and that of the peers' scripts
    row.plan.deflate = true;
    row.server_options = "--deflate";
    rows.push_back(row);
  }
}

/// Of so many Gibit, published with two decimals.
double gigabits(double gibibits) { return std::round(gibibits * 1.073741824 * 100) / 100; }

void add_stream_rows(std::vector<Row>& rows) {
  struct Published {
    StreamDirection direction;
    const char* name;
    std::optional<double> value;
    const char* counted;
  };
  const std::array<Published, 3> published_rows = {{
      {StreamDirection::download, "download", 17.44,
       "PR #650: 200 GB in 91.7 s on a Windows PC, received bytes × 8 / s / 2^30, printed as Gbps"},
      {StreamDirection::upload, "upload", 0.13,
       "issue #645 (before the rewrite): bytes queued × 8 / s / 2^30 until a flush of at most 3 s; aiohttp 0.60"},
      {StreamDirection::concurrent, "concurrent", std::nullopt, "both directions together until the first one ends"},
  }};
  for (const Published& published : published_rows) {
    Row row{
        .id = fmt::format("stream/{}", published.name),
        .title = fmt::format("curl_cffi stream: {} of 1 GiB in 64 KiB messages{}", published.name,
                             published.direction == StreamDirection::concurrent ? ", both directions together" : ""),
        .scheme = "ws",
        .path = fmt::format("/ws?test={}", published.name)};
    row.plan.mode = LoadMode::stream;
    row.plan.direction = published.direction;
    row.plan.payload_bytes = 65536;
    row.plan.total_bytes = kGibibyte;
    row.placements = kPinned;
    row.claims = {
        {Metric::gibit_per_second, kCurlCffi, published.value, published.counted},
        {Metric::gigabit_per_second, kCurlCffi,
         published.value ? std::optional{gigabits(*published.value)} : std::nullopt, "the same in 10^9 bits"}};
    rows.push_back(row);
  }
}

}  // namespace

Suite websocket_suite() {
  Suite suite{.name = "websocket", .title = "WebSocket: echo, connect, fan-out, memory, streams", .rows = {}};
  add_echo_rows(suite.rows);
  add_spin_rows(suite.rows);
  add_connect_rows(suite.rows);
  add_fanout_rows(suite.rows);
  add_memory_rows(suite.rows);
  add_tls_and_deflate_rows(suite.rows);
  add_stream_rows(suite.rows);
  add_picows_rows(suite.rows);
  return suite;
}

}  // namespace plait::bench
