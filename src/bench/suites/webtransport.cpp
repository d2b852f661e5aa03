// WebTransport: the rows of PyWebTransport's document, each twice where its value did not count what a receiver
// confirmed: literal, with the published steps, and confirmed. "literal" latencies time a whole session on a fresh
// connection, as published; "confirmed" ones the exchange itself on a session that is open.
//
// The published library never sends packets above 1,200 bytes, and loopback would take 64 KiB: rows of throughput are
// measured at 1,200 bytes, too.
#include "bench/suite.hpp"

#include <fmt/core.h>

namespace plait::bench {

namespace {

constexpr const char* kPyWebTransport = "PyWebTransport 0.9.0, benchmarks";
constexpr std::uint64_t kStreamBytes = 1 << 20;
constexpr std::uint64_t kStreamsPerSession = 10;
constexpr std::uint64_t kSmallestPackets = 1200;  // as the published library
constexpr std::uint64_t kEthernetPackets = 1452;

const std::vector<Placement> kTwo = {Placement::two};

Row make_row(const std::string& id, const std::string& title, const std::string& path) {
  Row row{.id = id, .title = title, .scheme = "https", .path = path};
  row.placements = kPinned;
  return row;
}

Claim own(Metric metric, const std::string& counted) { return {metric, "", std::nullopt, counted}; }

Row as_published(Row row) {
  row.twin = row.id;
  row.id += "/literal";
  row.title += ", as published";
  row.plan.literal = true;
  return row;
}

Row as_confirmed(Row row, const std::string& confirmed) {
  row.twin = row.id;
  row.id += "/confirmed";
  row.title += ", " + confirmed;
  return row;
}

/// `row` with the published steps, and as `confirmed`.
void add_twins(std::vector<Row>& rows, const Row& row, const std::string& confirmed) {
  rows.push_back(as_published(row));
  rows.push_back(as_confirmed(row, confirmed));
}

void limit_packets(Row& row, std::uint64_t bytes) {
  row.id += fmt::format("/{}", bytes);
  row.title += fmt::format(", {}-byte packets", bytes);
  row.plan.packet_bytes = bytes;
  row.server_options = fmt::format("--packet-bytes {}", bytes);
  row.twin.clear();
  for (Claim& claim : row.claims) claim = own(claim.metric, claim.counted);
}

struct PublishedStream {
  const char* name;
  const char* path;
  StreamDirection direction;
  double mebibytes;
  const char* counted;
};

Row make_stream_row(const PublishedStream& published, const std::string& title) {
  Row row = make_row(published.name, title, published.path);
  row.plan.mode = LoadMode::stream;
  row.plan.direction = published.direction;
  row.plan.payload_bytes = kStreamBytes;
  row.plan.count = kStreamsPerSession;
  row.claims = {{Metric::mebibytes_per_second, kPyWebTransport, published.mebibytes, published.counted}};
  return row;
}

void add_throughput_rows(std::vector<Row>& rows) {
  const PublishedStream published_rows[] = {
      {"upload", "/discard", StreamDirection::upload, 32.00,
       "bytes in the sender's buffer: 10 × 1 MiB a session, streams one by one, connect and close in the time"},
      {"download", "/produce", StreamDirection::download, 9.62,
       "bytes read by the client: 10 × 1 MiB a session, streams one by one, connect and close in the time"},
      {"duplex", "/duplex", StreamDirection::concurrent, 12.16,
       "1 MiB read and 1 MiB written a stream, counted together, of which the server's half was confirmed; 10 streams "
       "a "
       "session"},
  };
  for (const PublishedStream& published : published_rows) {
    const std::string name = published.name;
    const bool is_duplex = published.direction == StreamDirection::concurrent;
    const std::string both = is_duplex ? ", both directions together" : "";
    add_twins(rows, make_stream_row(published, fmt::format("{}: 10 × 1 MiB a session, one by one{}", name, both)),
              "each stream confirmed by its receiver");
    for (const std::uint64_t depth : {1U, 10U}) {
      Row steady = make_stream_row(published,
                                   fmt::format("{}: 1 MiB streams on one session, {} at a time{}", name, depth, both));
      steady.id = fmt::format("{}/steady/d{}", name, depth);
      steady.plan.count = 0;
      steady.plan.depth = depth;
      steady.claims = {own(Metric::mebibytes_per_second, "bytes confirmed by their receiver" + both)};
      rows.push_back(steady);
      limit_packets(steady, kSmallestPackets);
      rows.push_back(steady);
    }
  }
}

/// One stream of a gigabyte, beside raw QUIC and TCP with TLS.
void add_bulk_rows(std::vector<Row>& rows) {
  constexpr std::uint64_t kTransferBytes = 1'000'000'000;
  for (const StreamDirection direction : {StreamDirection::upload, StreamDirection::download}) {
    const bool up = direction == StreamDirection::upload;
    Row row = make_row(up ? "bulk/upload" : "bulk/download", up ? "1 GB up on one stream" : "1 GB down on one stream",
                       up ? "/discard" : "/produce");
    row.placements = kTwo;
    row.plan.mode = LoadMode::bulk;
    row.plan.direction = direction;
    row.plan.total_bytes = kTransferBytes;
    const std::string counted = up ? "bytes that the server has read" : "bytes that the client has read";
    row.claims = {own(Metric::gigabytes_per_second, counted),
                  own(Metric::server_cpu_seconds_per_gigabyte, up ? "receiving" : "sending"),
                  own(Metric::client_cpu_seconds_per_gigabyte, up ? "sending" : "receiving")};
    for (const std::uint64_t bytes : {kEthernetPackets, kSmallestPackets}) {
      rows.push_back(row);
      limit_packets(rows.back(), bytes);
    }
    row.id += "/path";
    row.title += ", packets as large as the path takes";
    rows.push_back(row);
  }
}

/// One stream where a round trip takes its time, with the packets of Ethernet: what is under way, and who waits for
/// what, decides. The path is the generator's own (DelayedPath), has no rate, and one variant loses packets.
void add_path_rows(std::vector<Row>& rows) {
  struct Path {
    const char* name;
    std::uint64_t delay_ms;
    double loss_percent;
    std::uint64_t bytes;
    const char* words;
  };
  constexpr Path kPaths[] = {
      {"25ms", 25, 0, 100'000'000, "25 ms each way"},
      {"25ms-lossy", 25, 1, 4'000'000, "25 ms and 1 % of the packets lost each way"},
  };
  for (const Path& path : kPaths) {
    for (const StreamDirection direction : {StreamDirection::upload, StreamDirection::download}) {
      const bool up = direction == StreamDirection::upload;
      Row row =
          make_row(fmt::format("{}/{}", up ? "upload" : "download", path.name),
                   fmt::format("{} MB {} on one stream, {}", path.bytes / 1'000'000, up ? "up" : "down", path.words),
                   up ? "/discard" : "/produce");
      row.placements = kTwo;
      row.plan.mode = LoadMode::bulk;
      row.plan.direction = direction;
      row.plan.total_bytes = path.bytes;
      row.plan.delay_ms = path.delay_ms;
      row.plan.loss_percent = path.loss_percent;
      row.plan.packet_bytes = kEthernetPackets;
      row.server_options = fmt::format("--packet-bytes {}", kEthernetPackets);
      row.claims = {
          own(Metric::mebibytes_per_second, up ? "bytes that the server has read, the last answer's way included"
                                               : "bytes that the client has read, the request's way included")};
      rows.push_back(row);
    }
  }
}

std::vector<Claim> latency_claims(double min, double median, double max, const std::string& counted) {
  return {{Metric::latency_p50_us, kPyWebTransport, median * 1000, counted},
          {Metric::latency_min_us, kPyWebTransport, min * 1000, counted},
          {Metric::latency_max_us, kPyWebTransport, max * 1000, counted}};
}

void add_handshake_rows(std::vector<Row>& rows) {
  Row row = make_row("handshake", "connect, session, close; one after another", "/latency");
  row.plan.mode = LoadMode::connect;
  row.claims = latency_claims(16.01, 25.02, 28.86, "event loop, client, QUIC and TLS, CONNECT and 200, both closes");
  row.claims.push_back(
      {Metric::messages_per_second, kPyWebTransport, 40.92, "100 sessions, each with a client of its own"});
  add_twins(rows, row, "one client; until the session is open");
  for (const std::uint64_t concurrent : {1U, 4U, 16U, 64U, 256U}) {
    Row many = make_row(fmt::format("connect/k{}", concurrent),
                        fmt::format("connect, session, close; {} at a time, one client", concurrent), "/latency");
    many.plan.mode = LoadMode::connect;
    many.plan.connections = many.plan.count = concurrent;  // each comes to its end
    many.claims = {own(Metric::messages_per_second, "sessions that the server accepted")};
    rows.push_back(many);
  }
}

/// The parts of an opening, and what they cost the server, with either kind of certificate, and without one by a
/// session ticket.
void add_opening_rows(std::vector<Row>& rows) {
  struct Step {
    const char* name;
    OpeningStep until;
    const char* counted;
  };
  constexpr std::uint64_t kSamplesMin = 1000;
  const Step steps[] = {{"quic", OpeningStep::handshake, "from connect() to the end of QUIC's handshake"},
                        {"settings", OpeningStep::settings, "from connect() to the server's SETTINGS"},
                        {"session", OpeningStep::session, "from connect() to the server's 200"}};
  for (const std::string kind : {"ecdsa", "rsa", "resumed"}) {
    const bool resumed = kind == "resumed";
    const char* how = kind == "ecdsa" ? "certificate ECDSA P-256"
                      : resumed       ? "by session tickets"
                                      : "certificate RSA-2048";
    const auto add = [&](const std::string& name, LoadMode mode, OpeningStep until, std::vector<Claim> claims) {
      Row row =
          make_row(fmt::format("{}/{}", name, kind), fmt::format("{}, {}", claims.front().counted, how), "/latency");
      row.placements = kTwo;
      row.plan.mode = mode;
      row.plan.until = until;
      row.plan.count = kSamplesMin;
      row.rsa = kind != "ecdsa";  // of those that are resumed, the first session's
      row.plan.resume = resumed;
      row.claims = std::move(claims);
      rows.push_back(std::move(row));
    };
    for (const Step& step : steps) {
      std::vector<Claim> claims;
      for (const Metric metric : {Metric::latency_p50_us, Metric::latency_p99_us, Metric::latency_p999_us,
                                  Metric::latency_min_us, Metric::latency_max_us}) {
        claims.push_back(own(metric, step.counted));
      }
      add(std::string{"opening/"} + step.name, LoadMode::connect, step.until, std::move(claims));
    }
    if (!resumed) {  // the raw client knows nothing of tickets
      add("opening-cpu/quic", LoadMode::handshake, OpeningStep::handshake,
          {own(Metric::server_cpu_us_per_message, "QUIC handshake and close, by a raw client")});
    }
    add("opening-cpu/session", LoadMode::connect, OpeningStep::session,
        {own(Metric::server_cpu_us_per_message, "QUIC handshake, session, both closes")});
  }
}

/// The latencies are of the datagrams that came back.
Claim datagram_loss() { return own(Metric::loss_percent, "sent, and not back within 1 s: they have no latency"); }

/// As request/64B/confirmed, but neither side ever sleeps: for two cores.
Row make_spin_row() {
  Row row =
      make_row("request/64B/spin", "64 B on a bidirectional stream and back, both sides busy-polling", "/latency");
  row.placements = kTwo;
  row.plan.payload_bytes = 64;
  row.plan.spin = true;
  row.server_options = "--busy-poll 50";
  row.claims = {own(Metric::latency_p50_us, "one exchange on an open session"),
                own(Metric::server_cpu_us_per_message, "spinning included")};
  return row;
}

void add_exchange_rows(std::vector<Row>& rows) {
  const auto add = [&rows](const std::string& name, const char* path, std::uint64_t payload, bool datagrams,
                           std::vector<Claim> claims) {
    Row row = make_row(name,
                       datagrams ? fmt::format("{} B datagram and its echo", payload)
                                 : fmt::format("{} B on a bidirectional stream and back", payload),
                       path);
    row.plan.payload_bytes = payload;
    row.plan.datagrams = datagrams;
    row.claims = std::move(claims);
    if (datagrams) row.claims.push_back(datagram_loss());
    add_twins(rows, row, "on an open session");
  };
  add("request/64B", "/latency", 64, false,
      latency_claims(28.96, 29.87, 62.51, "as the handshake, and one exchange in the middle"));
  add("request/1KB", "/latency", 1024, false,
      latency_claims(26.92, 29.57, 36.71, "as the handshake, and one exchange in the middle"));
  add("datagram-rtt/64B", "/echo", 64, true,
      latency_claims(25.53, 27.66, 29.88, "as the handshake, and one datagram each way in the middle"));
  rows.push_back(make_spin_row());
  for (const bool datagrams : {false, true}) {
    Row row = make_row(datagrams ? "datagram-rtt/64B/d64" : "request/64B/d64",
                       datagrams ? "64 B datagrams and their echoes, 64 at a time on one session"
                                 : "64 B streams there and back, 64 at a time on one session",
                       datagrams ? "/echo" : "/latency");
    row.plan.payload_bytes = 64;
    row.plan.depth = 64;
    row.plan.datagrams = datagrams;
    row.claims = {own(Metric::messages_per_second, "answers read whole")};
    if (datagrams) row.claims.push_back(datagram_loss());
    rows.push_back(row);
  }
}

void add_aggregate_rows(std::vector<Row>& rows) {
  constexpr std::uint64_t kStreams = 1000;
  const PublishedStream published{
      "aggregate", "/discard", StreamDirection::upload, 24.78,
      "bytes in the sender's buffer: 1,000 tasks, each a stream of 64 KiB; connect and close in "
      "the time"};
  Row row = make_stream_row(published, "1,000 streams of 64 KiB at once, one session");
  row.plan.payload_bytes = 65536;
  row.plan.depth = row.plan.count = kStreams;
  const std::string confirmed = "each stream confirmed by the server";
  add_twins(rows, row, confirmed);
  Row small = as_confirmed(row, confirmed);
  small.claims = {own(Metric::mebibytes_per_second, "bytes confirmed by the server")};
  limit_packets(small, kSmallestPackets);
  rows.push_back(small);
  constexpr std::uint64_t kManyStreams = 10'000;
  Row many = row;
  many.id = "aggregate/10000";
  many.title = "10,000 streams of 64 KiB on one session, as many at once as its credit allows";
  many.plan.depth = many.plan.count = kManyStreams;
  many.claims = {own(Metric::mebibytes_per_second, "bytes confirmed by the server; connect and close in the time")};
  rows.push_back(many);
}

void add_datagram_rows(std::vector<Row>& rows) {
  Row row = make_row("datagram-send/64B", "64 B datagrams one way", "/discard");
  row.plan.mode = LoadMode::datagram;
  row.plan.payload_bytes = 64;
  row.plan.count = 10000;
  row.plan.burst = 64;
  row.claims = {{Metric::messages_per_second, kPyWebTransport, 13985,
                 "calls that send in a burst of 10,000, connect in the time; nobody counts arrivals"}};
  add_twins(rows, row, "as many as the server received");
  rows.back().claims.push_back(own(Metric::loss_percent, "sent, and never counted by the server"));
  constexpr double kSteadySeconds = 10;
  row.id += "/steady";
  row.title += fmt::format(", for {:.0f} s", kSteadySeconds);
  row.seconds = kSteadySeconds;
  row.claims = {own(Metric::messages_per_second, "as many as the server received"),
                own(Metric::loss_percent, "sent, and never counted by the server")};
  rows.push_back(row);
}

void add_session_memory_rows(std::vector<Row>& rows) {
  for (const std::uint64_t sessions : {1000U, 10000U}) {
    Row row = make_row(fmt::format("memory/{}", sessions),
                       fmt::format("memory of an idle session on its own connection, {} open", sessions), "/latency");
    row.plan.mode = LoadMode::idle;
    row.plan.connections = sessions;
    row.plan.touch = true;
    row.placements = kTwo;
    row.claims = {own(Metric::anonymous_bytes_per_connection,
                      "growth of the server's anonymous memory / sessions, after one exchange on each")};
    Claim client{Metric::client_rss_bytes_per_connection, "", std::nullopt, "growth of the client's RSS / sessions"};
    if (sessions == 1000) {
      client.document = kPyWebTransport;
      client.value = 139.77 * 1024;
    }
    row.claims.push_back(client);
    rows.push_back(row);
  }
}

}  // namespace

Suite webtransport_suite() {
  Suite suite{
      .name = "webtransport", .title = "WebTransport: streams, handshakes, exchanges, datagrams, memory", .rows = {}};
  add_throughput_rows(suite.rows);
  add_bulk_rows(suite.rows);
  add_path_rows(suite.rows);
  add_handshake_rows(suite.rows);
  add_opening_rows(suite.rows);
  add_exchange_rows(suite.rows);
  add_aggregate_rows(suite.rows);
  add_datagram_rows(suite.rows);
  add_session_memory_rows(suite.rows);
  return suite;
}

}  // namespace plait::bench
