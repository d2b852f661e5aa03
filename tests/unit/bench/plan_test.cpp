#include "bench/components/generator/plan.hpp"

#include <gtest/gtest.h>

namespace plait::bench {
namespace {

TEST(BenchPlan, ArgumentsRoundTrip) {
  Plan plan;
  plan.mode = LoadMode::stream;
  plan.direction = StreamDirection::concurrent;
  plan.url = parse_url("https://127.0.0.1:4443/ws?test=upload").value();
  plan.connections = 7;
  plan.payload_bytes = 65536;
  plan.depth = 512;
  plan.rate = 1234.5;
  plan.count = 2000;
  plan.warmup_seconds = 0.05;
  plan.seconds = 0.6;
  plan.burst = 16;
  plan.window = 2;
  plan.total_bytes = 1ULL << 33;
  plan.verify = plan.deflate = plan.spin = plan.touch = true;
  plan.literal = plan.datagrams = plan.resume = true;
  plan.packet_bytes = 1452;
  plan.delay_ms = 25;
  plan.loss_percent = 0.5;
  plan.until = OpeningStep::settings;
  plan.server_pid = 4711;
  const auto read = parse_plan(to_arguments(plan));
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(to_arguments(*read), to_arguments(plan));
  EXPECT_EQ(read->mode, LoadMode::stream);
  EXPECT_EQ(read->total_bytes, 1ULL << 33);
  EXPECT_DOUBLE_EQ(read->rate, 1234.5);
  EXPECT_TRUE(read->spin);
  EXPECT_TRUE(read->literal && read->datagrams && read->resume);
  EXPECT_EQ(read->until, OpeningStep::settings);
}

TEST(BenchPlan, WebTransportHasItsOwnModes) {
  EXPECT_TRUE(parse_plan(std::vector<std::string>{"url=https://h:1", "mode=stream"})) << "its length is the payload's";
  EXPECT_TRUE(parse_plan(std::vector<std::string>{"url=https://h:1", "mode=datagram"}));
  EXPECT_FALSE(parse_plan(std::vector<std::string>{"url=ws://h:1", "mode=datagram"}));
  EXPECT_TRUE(parse_plan(std::vector<std::string>{"url=https://h:1", "mode=handshake"}));
  EXPECT_TRUE(parse_plan(std::vector<std::string>{"url=quic-bulk://h:1", "mode=handshake"}));
  EXPECT_FALSE(parse_plan(std::vector<std::string>{"url=tls-bulk://h:1", "mode=handshake"}));
  EXPECT_FALSE(parse_plan(std::vector<std::string>{"url=wss://h:1", "mode=handshake"}));
}

TEST(BenchPlan, BulkIsForStreamsAndTheirYardsticks) {
  for (const std::string scheme : {"https", "quic-bulk", "tls-bulk"}) {
    EXPECT_TRUE(parse_plan(std::vector<std::string>{"url=" + scheme + "://h:1", "mode=bulk", "total=1"})) << scheme;
    EXPECT_FALSE(parse_plan(std::vector<std::string>{"url=" + scheme + "://h:1", "mode=bulk"})) << "no length";
  }
  EXPECT_FALSE(parse_plan(std::vector<std::string>{"url=ws://h:1", "mode=bulk", "total=1"}));
  EXPECT_FALSE(parse_plan(std::vector<std::string>{"url=tls-bulk://h:1", "mode=connect"})) << "it knows nothing else";
}

TEST(BenchPlan, APathIsOfUdp) {
  for (const std::string scheme : {"https", "quic", "quic-bulk"}) {
    EXPECT_TRUE(parse_plan(std::vector<std::string>{"url=" + scheme + "://h:1", "mode=bulk", "total=1", "delay-ms=25"}))
        << scheme;
  }
  for (const std::string word : {"delay-ms=25", "loss-percent=1"}) {
    EXPECT_FALSE(parse_plan(std::vector<std::string>{"url=ws://h:1", word})) << word;
    EXPECT_FALSE(parse_plan(std::vector<std::string>{"url=tls-bulk://h:1", "mode=bulk", "total=1", word})) << word;
  }
  for (const std::string word : {"loss-percent=100", "loss-percent=-1"}) {
    EXPECT_FALSE(parse_plan(std::vector<std::string>{"url=https://h:1", word})) << word;
  }
}

TEST(BenchPlan, UnknownWordsAreNamed) {
  for (const std::string word :
       {"depth", "depth=x", "depth=1x", "colour=red", "mode=dance", "verify=2", "url=ws://h"}) {
    const auto plan = parse_plan(std::vector<std::string>{"url=ws://h:1", word});
    ASSERT_FALSE(plan) << word;
    EXPECT_NE(plan.error().message.find(word), std::string::npos);
  }
}

TEST(BenchPlan, UselessPlansAreRefused) {
  EXPECT_FALSE(parse_plan({}));
  for (const std::string word : {"connections=0", "depth=0", "payload=0", "seconds=0", "mode=stream"}) {
    EXPECT_FALSE(parse_plan(std::vector<std::string>{"url=ws://h:1", word})) << word;
  }
  EXPECT_EQ(parse_plan({}).error().message, "generator: url= is required, with a port");
  EXPECT_EQ(parse_plan(std::vector<std::string>{"url=ws://h:1", "mode=stream"}).error().message,
            "generator: mode=stream needs total= but for https: and quic:");
  EXPECT_FALSE(parse_plan(std::vector<std::string>{"url=redis://h:1"})) << "a broker echoes nothing";
  EXPECT_TRUE(parse_plan(std::vector<std::string>{"url=redis://h:1", "mode=fanout"}));
}

}  // namespace
}  // namespace plait::bench
