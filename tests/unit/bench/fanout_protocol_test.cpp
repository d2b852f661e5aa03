#include "bench/components/generator/fanout_protocol.hpp"
#include "bench/components/generator/replies.hpp"

#include <gtest/gtest.h>

#include <string>

namespace plait::bench {
namespace {

FrameCycle make_cycle(const FanoutProtocol& protocol, std::size_t payload_bytes, bool distinct = false) {
  return FrameCycle({.websocket = false,
                     .sent = protocol.publication,
                     .answered = protocol.delivery,
                     .distinct = distinct,
                     .payload_bytes = payload_bytes},
                    2);
}

std::string payload_text(const FrameCycle& cycle, std::size_t index) {
  return std::string{as_text(cycle.payload(index))};
}

/// One delivery of each message of the cycle.
std::string deliveries(const FanoutProtocol& protocol, const FrameCycle& cycle) {
  std::string out;
  for (std::size_t i = 0; i < cycle.period(); ++i) {
    out += protocol.delivery.before + payload_text(cycle, i) + protocol.delivery.after;
  }
  return out;
}

TEST(BenchFanoutProtocol, RedisSpeaksResp2) {
  const FanoutProtocol redis = fanout_protocol("redis", 93);
  EXPECT_EQ(redis.publisher.request, "*1\r\n$4\r\nPING\r\n*3\r\n$6\r\nCLIENT\r\n$5\r\nREPLY\r\n$3\r\nOFF\r\n");
  EXPECT_EQ(redis.publisher.answer_end, "+PONG\r\n");
  EXPECT_EQ(redis.subscriber.request, "*2\r\n$9\r\nSUBSCRIBE\r\n$6\r\nfanout\r\n");
  EXPECT_EQ(redis.subscriber.answer_end, "*3\r\n$9\r\nsubscribe\r\n$6\r\nfanout\r\n:1\r\n");
  EXPECT_EQ(redis.publication.before, "*3\r\n$7\r\nPUBLISH\r\n$6\r\nfanout\r\n$93\r\n");
  EXPECT_EQ(redis.delivery.before, "*3\r\n$7\r\nmessage\r\n$6\r\nfanout\r\n$93\r\n");
}

TEST(BenchFanoutProtocol, NatsSpeaksItsOwn) {
  const FanoutProtocol nats = fanout_protocol("nats", 1024);
  const std::string connect = "CONNECT {\"verbose\":false,\"pedantic\":false}\r\n";
  EXPECT_EQ(nats.publisher.request, connect + "PING\r\n");
  EXPECT_EQ(nats.subscriber.request, connect + "SUB fanout 1\r\nPING\r\n");
  EXPECT_EQ(nats.subscriber.answer_end, "PONG\r\n");
  EXPECT_EQ(nats.publication.before, "PUB fanout 1024\r\n");
  EXPECT_EQ(nats.delivery.before, "MSG fanout 1 1024\r\n");
  EXPECT_EQ(nats.ping, "PING\r\n");
}

TEST(BenchFanoutProtocol, WebSocketNeedsNone) {
  const FanoutProtocol none = fanout_protocol("ws", 93);
  EXPECT_TRUE(none.publisher.request.empty() && none.subscriber.request.empty());
  EXPECT_TRUE(none.publication.before.empty() && none.delivery.before.empty() && none.ping.empty());
}

class BenchBroker : public testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(Schemes, BenchBroker, testing::Values("redis", "nats"));

TEST_P(BenchBroker, PublicationIsTheEnvelopeAroundThePayload) {
  const FanoutProtocol protocol = fanout_protocol(GetParam(), 50);
  const FrameCycle cycle = make_cycle(protocol, 50);
  const std::string one = protocol.publication.before + payload_text(cycle, 0) + "\r\n";
  EXPECT_EQ(cycle.frame_bytes(), one.size());
  EXPECT_EQ(as_text(cycle.slice(0, 2 * one.size())), one + one);
}

TEST_P(BenchBroker, ADeliveryCountsWhenItsLastByteIsThere) {
  for (const std::size_t size : {1U, 9U, 10U, 99U, 100U, 65536U}) {
    const FanoutProtocol protocol = fanout_protocol(GetParam(), size);
    const FrameCycle cycle = make_cycle(protocol, size);
    const std::string delivery = deliveries(protocol, cycle);
    KnownReplies replies(cycle, false, protocol.ping);
    EXPECT_EQ(replies.count(as_bytes(delivery).first(delivery.size() - 1)), 0U) << size;
    EXPECT_EQ(replies.count(as_bytes(delivery).last(1)), 1U) << size;
    EXPECT_FALSE(replies.is_broken()) << size;
  }
}

TEST_P(BenchBroker, DeliveriesCutAnywhereCountTheSame) {
  const FanoutProtocol protocol = fanout_protocol(GetParam(), 30);
  const FrameCycle cycle = make_cycle(protocol, 30, true);
  const std::string all = deliveries(protocol, cycle);
  for (const bool verify : {false, true}) {
    for (std::size_t cut = 0; cut <= 200; ++cut) {
      KnownReplies replies(cycle, verify, protocol.ping);
      EXPECT_EQ(replies.count(as_bytes(all).first(cut)) + replies.count(as_bytes(all).subspan(cut)), cycle.period());
      ASSERT_FALSE(replies.is_broken()) << cut;
    }
  }
}

TEST_P(BenchBroker, AnErrorInsteadOfADeliveryIsSeen) {
  const FanoutProtocol protocol = fanout_protocol(GetParam(), 93);
  const FrameCycle cycle = make_cycle(protocol, 93);
  KnownReplies replies(cycle, false, protocol.ping);
  replies.count(as_bytes(deliveries(protocol, cycle)));
  ASSERT_FALSE(replies.is_broken());
  replies.count(as_bytes("-ERR 'Slow Consumer'\r\n"));
  EXPECT_TRUE(replies.is_broken());
}

TEST_P(BenchBroker, VerifySeesEverySingleByte) {
  const FanoutProtocol protocol = fanout_protocol(GetParam(), 20);
  const FrameCycle cycle = make_cycle(protocol, 20);
  const std::string good = deliveries(protocol, cycle);
  for (std::size_t index = 0; index < good.size(); ++index) {
    std::string wrong = good;
    wrong[index] ^= 0x20;
    KnownReplies replies(cycle, true, protocol.ping);
    replies.count(as_bytes(wrong));
    EXPECT_TRUE(replies.is_broken()) << index;
  }
}

TEST(BenchFanoutProtocol, PingsBetweenDeliveriesAreCountedApartWhereverTheyAreCut) {
  const FanoutProtocol nats = fanout_protocol("nats", 40);
  const FrameCycle cycle = make_cycle(nats, 40);
  const std::string one = deliveries(nats, cycle);
  const std::string mixed = one + one + "PING\r\n" + one + "PING\r\nPING\r\n" + one + one + "PING\r\n";
  for (const bool verify : {false, true}) {
    for (std::size_t cut = 0; cut <= mixed.size(); ++cut) {
      KnownReplies replies(cycle, verify, nats.ping);
      EXPECT_EQ(replies.count(as_bytes(mixed).first(cut)) + replies.count(as_bytes(mixed).subspan(cut)), 5U);
      EXPECT_EQ(replies.take_asides(), 4U) << cut;
      EXPECT_EQ(replies.take_asides(), 0U);
      ASSERT_FALSE(replies.is_broken()) << cut;
    }
  }
}

TEST(BenchFanoutProtocol, WhatOnlyBeginsLikeAPingIsNone) {
  const FanoutProtocol nats = fanout_protocol("nats", 40);
  const FrameCycle cycle = make_cycle(nats, 40);
  KnownReplies replies(cycle, false, nats.ping);
  replies.count(as_bytes("PONG\r\n"));
  EXPECT_TRUE(replies.is_broken());
}

}  // namespace
}  // namespace plait::bench
