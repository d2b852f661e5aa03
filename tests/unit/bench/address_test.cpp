#include "bench/server_spec.hpp"
#include "bench/url.hpp"

#include <gtest/gtest.h>

namespace plait::bench {
namespace {

TEST(BenchUrl, PartsAndBack) {
  const auto url = parse_url("wss://localhost:8443/ws?test=upload");
  ASSERT_TRUE(url);
  EXPECT_EQ(url->scheme, "wss");
  EXPECT_EQ(url->host, "localhost");
  EXPECT_EQ(url->port, 8443);
  EXPECT_EQ(url->path, "/ws?test=upload");
  EXPECT_TRUE(url->is_tls());
  EXPECT_TRUE(url->is_websocket());
  EXPECT_EQ(url->text(), "wss://localhost:8443/ws?test=upload");
}

TEST(BenchUrl, HttpsIsWebTransport) {
  const auto url = parse_url("https://127.0.0.1:4433/echo");
  ASSERT_TRUE(url);
  EXPECT_TRUE(url->has_streams());
  EXPECT_FALSE(url->is_tls()) << "QUIC brings its own";
  EXPECT_FALSE(url->is_websocket());
}

TEST(BenchUrl, Ipv6KeepsItsBrackets) {
  const auto url = parse_url("tcp://[::1]:7");
  ASSERT_TRUE(url);
  EXPECT_EQ(url->host, "::1");
  EXPECT_EQ(url->text(), "tcp://[::1]:7");
}

TEST(BenchUrl, ErrorsNameTheUrlAndWhatIsWrong) {
  for (const auto& [text, why] : {std::pair{"127.0.0.1:80", "scheme://"},
                                  {"http://h:80", "tcp, tls, ws, wss, https, quic, redis or nats"},
                                  {"ws://host/path", "port is missing"},
                                  {"ws://host:99999", "0 to 65535"},
                                  {"ws://host:80x/", "0 to 65535"},
                                  {"ws://:80/", "host is missing"}}) {
    const auto url = parse_url(text);
    ASSERT_FALSE(url) << text;
    EXPECT_NE(url.error().message.find(text), std::string::npos);
    EXPECT_NE(url.error().message.find(why), std::string::npos) << url.error().message;
  }
}

TEST(BenchPeer, CommandMayHoldCommasAndEqualsSigns) {
  const auto spec = parse_peer("uws=env A=b server {port} --list 1,2,ws://127.0.0.1:{port}/chat");
  ASSERT_TRUE(spec);
  EXPECT_EQ(spec->name, "uws");
  EXPECT_EQ(spec->command, "env A=b server {port} --list 1,2");
  EXPECT_EQ(spec->url, "ws://127.0.0.1:{port}/chat");
}

TEST(BenchPeer, ErrorsSayWhatIsMissing) {
  for (const auto& [text, why] : {std::pair{"server,ws://h:1", "= is missing"},
                                  {"=server,ws://h:1", "name"},
                                  {"a=server", "URL"},
                                  {"a=,ws://h:1", "command"},
                                  {"a=server,ftp://h:1", "tcp, tls, ws, wss, https, quic, redis or nats"},
                                  {"a=server,ws://h:{port}", "{port}"}}) {
    const auto spec = parse_peer(text);
    ASSERT_FALSE(spec) << text;
    EXPECT_NE(spec.error().message.find(why), std::string::npos) << spec.error().message;
  }
}

TEST(BenchPeer, EveryPlaceholderIsReplaced) {
  EXPECT_EQ(replace_all("{port} -p {port}{port}", "{port}", "80"), "80 -p 8080");
  EXPECT_EQ(replace_all("none", "{port}", "80"), "none");
}

TEST(BenchPeer, BrokersTakePartInTheFanoutRowsOnly) {
  for (const std::string scheme : {"redis", "nats"}) {
    const auto spec = parse_peer("broker=server --save \"\" {port}," + scheme + "://127.0.0.1:{port}");
    ASSERT_TRUE(spec) << scheme;
    std::size_t rows = 0;
    for (const Suite& suite : all_suites()) {
      for (const Row& row : suite.rows) {
        const bool is_fanout = row.id.starts_with("fanout/") && row.scheme == "ws";
        EXPECT_EQ(find_spec({*spec}, "broker", row) != nullptr, is_fanout) << row.id;
        rows += is_fanout ? 1 : 0;
      }
    }
    EXPECT_EQ(rows, 6U);
    Row secured{.scheme = "wss"};
    secured.plan.mode = LoadMode::fanout;
    EXPECT_EQ(find_spec({*spec}, "broker", secured), nullptr);
  }
}

TEST(BenchPeer, RawQuicTellsNoPartsOfAnOpening) {
  const auto spec = parse_peer("bare=server {port},quic://127.0.0.1:{port}");
  ASSERT_TRUE(spec);
  std::size_t left_out = 0;
  for (const Suite& suite : all_suites()) {
    for (const Row& row : suite.rows) {
      if (row.scheme != "https") continue;
      const bool tells = !row.id.starts_with("opening/quic/") && !row.id.starts_with("opening/settings/") &&
                         !row.id.starts_with("opening-cpu/quic");
      EXPECT_EQ(find_spec({*spec}, "bare", row) != nullptr, tells) << row.id;
      left_out += tells ? 0 : 1;
    }
  }
  EXPECT_GE(left_out, 3U);
}

TEST(BenchPeer, AGeneratorOfItsOwnResumesNothingAndTellsNoPartsOfAnOpening) {
  const ServerSpec spec{.name = "own", .command = "server", .url = "https://127.0.0.1:0", .generator = "client"};
  std::vector<std::string> openings;
  for (const Suite& suite : all_suites()) {
    for (const Row& row : suite.rows) {
      if (row.id.starts_with("opening") && find_spec({spec}, "own", row) != nullptr) openings.push_back(row.id);
    }
  }
  EXPECT_EQ(openings, (std::vector<std::string>{"opening/session/ecdsa", "opening-cpu/session/ecdsa",
                                                "opening/session/rsa", "opening-cpu/session/rsa"}));
}

TEST(BenchPeer, RowsChooseBySchemeRouteAndDeflate) {
  const std::vector<ServerSpec> raw = raw_servers("plait");
  Row row{.scheme = "ws", .path = "/fanout"};
  ASSERT_NE(find_spec(raw, "raw", row), nullptr);
  EXPECT_EQ(find_spec(raw, "raw", row)->command, "plait bench-raw fanout");
  row.path = "/echo";
  EXPECT_EQ(find_spec(raw, "raw", row)->command, "plait bench-raw ws");
  EXPECT_TRUE(find_spec(raw, "raw", row)->takes_row_options) << "it spins where the row's server does";
  row.plan.deflate = true;
  EXPECT_EQ(find_spec(raw, "raw", row), nullptr);
  row = {.scheme = "ws", .path = "/ws?test=upload"};
  EXPECT_EQ(find_spec(raw, "raw", row), nullptr);
  row = {.scheme = "wss", .path = "/echo"};
  EXPECT_EQ(find_spec(raw, "raw", row), nullptr);
  EXPECT_EQ(find_spec(raw, "other", {.scheme = "tcp"}), nullptr);
  EXPECT_EQ(server_names(raw), (std::vector<std::string>{"raw", "openssl"}));
  Row bulk{.scheme = "https", .path = "/discard"};
  EXPECT_EQ(find_spec(raw, "raw", bulk), nullptr) << "its raw peers speak nothing but transfers";
  bulk.plan.mode = LoadMode::bulk;
  ASSERT_NE(find_spec(raw, "raw", bulk), nullptr);
  EXPECT_EQ(find_spec(raw, "raw", bulk)->command, "plait bench-raw quic-bulk");
  EXPECT_EQ(find_spec(raw, "openssl", bulk)->command, "plait bench-raw tls-bulk");
  Row delayed = bulk;
  delayed.plan.delay_ms = 25;
  EXPECT_NE(find_spec(raw, "raw", delayed), nullptr);
  EXPECT_EQ(find_spec(raw, "openssl", delayed), nullptr) << "the path is one of UDP";
  Row handshake{.scheme = "https", .path = "/latency"};
  handshake.plan.mode = LoadMode::handshake;
  handshake.plan.until = OpeningStep::handshake;
  ASSERT_NE(find_spec(raw, "raw", handshake), nullptr);
  EXPECT_EQ(find_spec(raw, "raw", handshake)->command, "plait bench-raw quic-bulk");
  EXPECT_EQ(find_spec(raw, "openssl", handshake), nullptr) << "it speaks no QUIC";
  handshake.rsa = true;
  EXPECT_EQ(find_spec(raw, "raw", handshake), nullptr) << "its certificate is of the other kind";
}

}  // namespace
}  // namespace plait::bench
