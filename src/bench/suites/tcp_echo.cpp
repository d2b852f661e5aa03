// The published rows of the TCP echo pair (network-echo, benchmarks.md) and the rates behind them.
//
// Its figures are those of a blocking client with one message in flight on a 2-core-or-more laptop: the average is the
// placement's and the scheduler's more than the server's. "MB/s" there is payload × repeats / time / 2^20, one way:
// MiB/s. The literal rows repeat its definition: so many messages, no warm-up, the first one included. The steady rows
// measure the same message for a fixed time after a warm-up, every byte compared.
#include "bench/suite.hpp"

#include <fmt/core.h>

namespace plait::bench {

namespace {

constexpr const char* kDocument = "network-echo, BENCHMARKS.md (Apple M2, Python 3.11)";

Row make_row(std::string id, std::string title, std::uint64_t payload, std::vector<Placement> placements) {
  Row row{.id = std::move(id), .title = std::move(title), .scheme = "tcp", .placements = std::move(placements)};
  row.plan.payload_bytes = payload;
  return row;
}

struct PublishedEcho {
  std::uint64_t payload;
  std::uint64_t repeats;
  const char* model;
  double mean_us;
  double p95_us;
  double mebibytes;
};

std::vector<Claim> claims_of(const PublishedEcho& published) {
  const std::string counted = fmt::format("{} server, one connection, {} messages one at a time, first included; ",
                                          published.model, published.repeats);
  return {
      {Metric::latency_mean_us, kDocument, published.mean_us, counted + "arithmetic mean of send + exact receive"},
      {Metric::latency_p95_us, kDocument, published.p95_us, counted + "sorted[floor(0.95 n) - 1]"},
      {Metric::mebibytes_per_second_one_way, kDocument, published.mebibytes,
       counted + "payload × repeats / wall time / 2^20, one way, printed as MB/s"},
  };
}

void add_published(std::vector<Row>& rows, const PublishedEcho& published) {
  const std::string size = fmt::format("{}KB", published.payload / 1024);
  Row literal = make_row("literal/" + size, size + ", as published", published.payload, kEverywhere);
  literal.plan.count = published.repeats;
  literal.claims = claims_of(published);
  rows.push_back(literal);
  Row steady =
      make_row("steady/" + size, size + ", for a fixed time, every byte compared", published.payload, kEverywhere);
  steady.plan.verify = true;
  steady.claims = claims_of(published);
  rows.push_back(steady);
}

}  // namespace

Suite tcp_echo_suite() {
  Suite suite{.name = "tcp-echo", .title = "TCP echo: the published pair, and the rates behind it", .rows = {}};
  add_published(suite.rows, {1024, 2000, "threaded", 30, 53, 32.34});
  add_published(suite.rows, {16384, 1000, "asyncio", 89, 122, 172.61});
  Row single = make_row("literal/single", "one message, 'hello-async'", 11, kEverywhere);
  single.plan.count = 1;
  single.claims = {{Metric::latency_mean_us, kDocument, 5543, "asyncio server, one message of 11 bytes"}};
  suite.rows.push_back(single);
  for (const std::uint64_t connections : {1U, 10U, 100U, 1000U}) {
    for (const std::uint64_t payload : {1024U, 16384U}) {
      Row row = make_row(fmt::format("echo/{}KB/d1/c{}", payload / 1024, connections),
                         fmt::format("{} KB, depth 1, {} connections", payload / 1024, connections), payload, kPinned);
      row.plan.connections = connections;
      row.claims = {{Metric::messages_per_second, "", std::nullopt, "echoes read whole"}};
      suite.rows.push_back(row);
    }
  }
  Row pipelined = make_row("echo/1KB/d64/c10", "1 KB, depth 64, 10 connections", 1024, kPinned);
  pipelined.plan.connections = 10;
  pipelined.plan.depth = 64;
  pipelined.claims = {{Metric::messages_per_second, "", std::nullopt, "echoes read whole"}};
  suite.rows.push_back(pipelined);
  return suite;
}

}  // namespace plait::bench
