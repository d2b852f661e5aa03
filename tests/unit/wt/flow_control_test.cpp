// Streams and the credit of a session (draft-ietf-webtrans-http3 §4, §5.6), as giver and as taker.
#include <gtest/gtest.h>

#include <random>

#include "support/allocations.hpp"
#include "unit/wt/wt_testing.hpp"

namespace plait::wt {
namespace {

const Buffer kHeader1 = bytes_of({0x40, 0x41, 0});

std::size_t limit_of(const Capsules& capsules, std::uint64_t type) {
  std::uint64_t limit = 0;
  for (const auto& [sent, value] : capsules) {
    if (sent == type) limit = core::decode_varint(value).value;
  }
  return limit;
}
std::size_t count_of(const Capsules& capsules, std::uint64_t type) {
  return static_cast<std::size_t>(
      std::count_if(capsules.begin(), capsules.end(), [type](const auto& sent) { return sent.first == type; }));
}
StreamId opened(Endpoint& server, Direction direction = Direction::bidirectional) {
  return server.session().open_stream(direction).value_or(-1);
}
void write(Endpoint& server, StreamId id, std::string_view text, bool fin = false) {
  EXPECT_TRUE(server.session().write(id, Bytes::copy_of(text), fin));
}

// --- The peer's credit ----------------------------------------------------------------------------------------------

TEST(WtSending, WithoutFlowControlEverythingLeaves) {
  auto server = make_server(chromium());
  const StreamId id = opened(*server);
  write(*server, id, std::string(100'000, 'x'));
  EXPECT_EQ(server->out(id).bytes.size(), kHeader1.size() + 100'000);
  EXPECT_EQ(server->session().buffered_bytes(), 0U);
  EXPECT_EQ(server->sent_capsules(), Capsules{});
}

TEST(WtSending, HeadersDoNotCountAndWhatExceedsTheCreditWaits) {
  auto server = make_limited_server(limits(10, 4, 4));
  const StreamId id = opened(*server);
  write(*server, id, "0123456789");
  EXPECT_EQ(server->out(id).bytes, kHeader1 + to_buffer("0123456789"));
  write(*server, id, "abc");
  write(*server, id, "defg", true);
  EXPECT_EQ(server->session().buffered_bytes(), 7U);
  EXPECT_EQ(server->session().buffered_bytes(id), 7U);
  EXPECT_FALSE(server->session().write(id, Bytes::copy_of("after FIN"), false));
  EXPECT_EQ(server->sent_capsules(), (Capsules{{capsule_type::kDataBlocked, varint(10)}})) << "once";

  server->feed_capsule(capsule(capsule_type::kMaxData, varint(15)));
  EXPECT_EQ(server->out(id).bytes, kHeader1 + to_buffer("0123456789abcde"));
  EXPECT_EQ(server->session().buffered_bytes(), 2U);
  EXPECT_FALSE(server->out(id).fin);
  EXPECT_EQ(server->log().log, Log{});
  EXPECT_EQ(server->sent_capsules().back(), (Capsules::value_type{capsule_type::kDataBlocked, varint(15)}));

  server->feed_capsule(capsule(capsule_type::kMaxData, varint(17)));
  EXPECT_EQ(server->out(id).bytes, kHeader1 + to_buffer("0123456789abcdefg"));
  EXPECT_TRUE(server->out(id).fin);
  EXPECT_EQ(server->log().log, (Log{"writable 1"}));
}

TEST(WtSending, AWriteIsSplitAtTheCredit) {
  auto server = make_limited_server(limits(4, 4, 4));
  const StreamId id = opened(*server);
  write(*server, id, "0123456789", true);
  EXPECT_EQ(server->out(id).bytes, kHeader1 + to_buffer("0123"));
  server->feed_capsule(capsule(capsule_type::kMaxData, varint(10)));
  EXPECT_EQ(server->out(id).bytes, kHeader1 + to_buffer("0123456789"));
  EXPECT_TRUE(server->out(id).fin);
}

TEST(WtSending, TinyWritesThatWaitCostLittleMoreThanTheyCarry) {
  constexpr std::size_t kWrites = 500'000;
  auto server = make_limited_server(limits(0, 4, 4));
  const StreamId id = opened(*server);
  const Bytes pong = Bytes::copy_of("xx");
  test::start_counting();
  for (std::size_t i = 0; i < kWrites; ++i) server->session().write(id, pong, false);
  EXPECT_LE(test::stop_counting().bytes, 2 * kWrites * 11 / 10);
  const std::size_t before = server->streams.write_count;
  server->feed_capsule(capsule(capsule_type::kMaxData, varint(2 * kWrites)));
  EXPECT_EQ(server->out(id).bytes.size(), kHeader1.size() + 2 * kWrites);
  EXPECT_LE(server->streams.write_count - before, 2 * kWrites / 512);
}

TEST(WtSending, WhateverWaitsLeavesInOrder) {
  std::mt19937 random{5};
  auto server = make_limited_server(limits(0, 4, 4));
  const StreamId id = opened(*server);
  std::string written;
  std::size_t limit = 0;
  for (int round = 0; round < 5000; ++round) {
    const std::string text(1 + random() % (random() % 10 == 0 ? 2000 : 40), static_cast<char>('a' + round % 26));
    write(*server, id, text);
    written += text;
    if (random() % 3 != 0) continue;
    limit += random() % (written.size() - limit + 1);
    server->feed_capsule(capsule(capsule_type::kMaxData, varint(limit)));
  }
  server->feed_capsule(capsule(capsule_type::kMaxData, varint(written.size())));
  EXPECT_EQ(server->out(id).bytes, kHeader1 + to_buffer(written));
}

TEST(WtSending, FinNeedsNoCredit) {
  auto server = make_limited_server(limits(4, 4, 4));
  const StreamId id = opened(*server);
  write(*server, id, "0123");
  write(*server, id, "", true);
  EXPECT_TRUE(server->out(id).fin);
  const StreamId other = opened(*server);
  write(*server, other, "x");
  write(*server, other, "", true);
  EXPECT_FALSE(server->out(other).fin) << "it stays behind what waits";
  server->feed_capsule(capsule(capsule_type::kMaxData, varint(5)));
  EXPECT_TRUE(server->out(other).fin);
}

TEST(WtSending, StreamsTakeTurns) {
  auto server = make_limited_server(limits(1, 4, 4));
  const StreamId first = opened(*server);
  const StreamId second = opened(*server);
  write(*server, first, std::string(100'001, 'a'));
  write(*server, second, std::string(10, 'b'));
  server->feed_capsule(capsule(capsule_type::kMaxData, varint(20'000)));
  EXPECT_EQ(server->out(second).bytes.size(), kHeader1.size() + 10);
  EXPECT_EQ(server->log().log, (Log{"writable 5"}));
  server->feed_capsule(capsule(capsule_type::kMaxData, varint(1'000'000)));
  EXPECT_EQ(server->out(first).bytes.size(), kHeader1.size() + 100'001);
  EXPECT_EQ(server->session().buffered_bytes(), 0U);
}

TEST(WtSending, AResetDropsWhatWaits) {
  auto server = make_limited_server(limits(4, 4, 4));
  const StreamId id = opened(*server);
  const StreamId stopped = opened(*server);
  write(*server, id, "0123456789");
  write(*server, stopped, "abc");
  server->session().reset(id, 77);
  EXPECT_EQ(server->out(id).reset, 0x52E4A40FA92AU);
  EXPECT_EQ(server->session().buffered_bytes(), 3U);
  server->connection.handle_stop_sending(stopped, 0x52E4A40FA92B);
  EXPECT_EQ(server->session().buffered_bytes(), 0U);
  EXPECT_EQ(server->log().log, (Log{"stop 5 78"}));
  EXPECT_FALSE(server->session().write(stopped, Bytes::copy_of("x"), false));
  server->feed_capsule(capsule(capsule_type::kMaxData, varint(100)));
  EXPECT_EQ(server->out(id).bytes, kHeader1 + to_buffer("0123"));
}

TEST(WtSending, WhatWasDroppedUnsentIsCreditAgain) {
  auto server = make_limited_server(limits(4, 4, 4));
  const StreamId id = opened(*server);
  const StreamId other = opened(*server);
  write(*server, id, "0123");
  write(*server, other, "abc");
  server->session().reset(id, 1);
  server->sessions.handle_unsent(id, 3);
  EXPECT_EQ(server->out(other).bytes, kHeader1 + to_buffer("abc"));
  EXPECT_EQ(server->log().log, (Log{"writable 5"}));
  server->sessions.handle_unsent(id, 3);
  write(*server, other, "def");
  EXPECT_EQ(server->session().buffered_bytes(), 2U) << "no more than was sent";
}

TEST(WtSending, TheStreamLimitIsPerDirectionAndCumulative) {
  auto server = make_limited_server(limits(100, 1, 2));
  const StreamId id = opened(*server);
  EXPECT_NE(opened(*server), -1);
  EXPECT_FALSE(server->streams.awaits_bidirectional);
  EXPECT_EQ(server->session().open_stream(Direction::bidirectional).error(), OpenError::session_limit);
  EXPECT_EQ(server->session().open_stream(Direction::bidirectional).error(), OpenError::session_limit);
  EXPECT_TRUE(server->streams.awaits_bidirectional) << "so what ends the others is acknowledged without delay";
  EXPECT_FALSE(server->streams.awaits_unidirectional);
  EXPECT_EQ(server->sent_capsules(), (Capsules{{capsule_type::kStreamsBlockedBidi, varint(2)}}));
  EXPECT_NE(opened(*server, Direction::unidirectional), -1);
  EXPECT_EQ(server->session().open_stream(Direction::unidirectional).error(), OpenError::session_limit);
  EXPECT_EQ(server->sent_capsules().back(), (Capsules::value_type{capsule_type::kStreamsBlockedUni, varint(1)}));
  server->connection.handle_stream_closed(id);
  EXPECT_EQ(server->session().open_stream(Direction::bidirectional).error(), OpenError::session_limit)
      << "closed counts";
  server->log().log.clear();
  server->feed_capsule(capsule(capsule_type::kMaxStreamsBidi, varint(3)));
  EXPECT_EQ(server->log().log, (Log{"bidirectional available"}));
  EXPECT_NE(opened(*server), -1);
}

TEST(WtSending, TheConnectionsStreamLimit) {
  auto server = make_server(chromium());
  server->streams.bidirectional_left = 0;
  EXPECT_EQ(server->session().open_stream(Direction::bidirectional).error(), OpenError::connection_limit);
  server->connection.handle_streams_available(Direction::bidirectional);
  EXPECT_EQ(server->log().log, (Log{"bidirectional available"}));
}

TEST(WtSending, CapsulesThatSayBlockedAreBounded) {
  auto server = make_limited_server(limits(1, 4, 4));
  const StreamId id = opened(*server);
  write(*server, id, std::string(10'000, 'x'));
  for (std::uint64_t limit = 2; limit < 5000; ++limit) {
    server->feed_capsule(capsule(capsule_type::kMaxData, varint(limit)));
  }
  EXPECT_EQ(count_of(server->sent_capsules(), capsule_type::kDataBlocked), kBlockedCapsulesMax);
}

TEST(WtSending, OnlyOursCanBeWritten) {
  auto server = make_server(chromium());
  server->feed(6, stream_header(6));
  EXPECT_FALSE(server->session().write(6, Bytes::copy_of("x"), false)) << "unidirectional, the peer's";
  EXPECT_FALSE(server->session().write(99, Bytes::copy_of("x"), false));
  EXPECT_FALSE(server->session().write(0, Bytes::copy_of("x"), false)) << "the CONNECT stream";
}

// --- Our credit -----------------------------------------------------------------------------------------------------

TEST(WtReceiving, DataFinAndTheEnd) {
  auto server = make_server(chromium());
  server->feed(4, stream_header(4) + to_buffer("hello"));
  server->feed(6, stream_header(6), true);
  server->feed(4, {}, true);
  server->connection.handle_stream_closed(6);
  EXPECT_EQ(server->log().log, (Log{"bidirectional 4", "data 4", "unidirectional 6", "fin 6", "fin 4", "closed 6"}));
  EXPECT_EQ(server->log().received[4], "hello");
}

TEST(WtReceiving, CreditReturnsWhenHalfIsUsed) {
  auto server = make_limited_server();
  server->feed(4, stream_header(4) + Buffer(49, 'x'));
  EXPECT_EQ(server->sent_capsules(), Capsules{});
  server->feed(4, Buffer(1, 'x'));
  EXPECT_EQ(server->sent_capsules(), (Capsules{{capsule_type::kMaxData, varint(150)}}));
  EXPECT_EQ(server->out(4).consumed, stream_header(4).size() + 50) << "QUIC's returns at once";
  server->feed(4, Buffer(100, 'x'));
  EXPECT_EQ(limit_of(server->sent_capsules(), capsule_type::kMaxData), 250U);
  EXPECT_EQ(server->error(), std::nullopt);
}

TEST(WtReceiving, CreditIsOfWhatWasConsumed) {
  auto server = make_limited_server();
  server->log().consumes = false;
  server->feed(4, stream_header(4) + Buffer(100, 'x'));
  EXPECT_EQ(server->sent_capsules(), Capsules{});
  EXPECT_EQ(server->out(4).consumed, stream_header(4).size());
  server->session().consume(4, 60);
  EXPECT_EQ(server->sent_capsules(), (Capsules{{capsule_type::kMaxData, varint(160)}}));
  server->session().consume(4, 1000);
  EXPECT_EQ(server->out(4).consumed, stream_header(4).size() + 100) << "no more than was reported";
  server->session().consume(99, 1000);
}

TEST(WtReceiving, MoreThanTheCreditIsAnError) {
  auto server = make_limited_server();
  server->log().consumes = false;
  server->feed(4, stream_header(4) + Buffer(60, 'x'));
  server->feed(6, stream_header(6) + Buffer(40, 'x'));
  EXPECT_EQ(server->error(), std::nullopt) << "exactly";
  server->feed(6, Buffer(1, 'x'));
  EXPECT_EQ(server->error(), Error::data_limit_exceeded);
  EXPECT_EQ(server->out(0).reset, code::kFlowControlError);
  EXPECT_EQ(server->out(6).stopped, code::kSessionGone);
  EXPECT_EQ(server->out(6).consumed, stream_header(6).size() + 41) << "all of QUIC's credit returns";
  EXPECT_EQ(server->out(4).consumed, stream_header(4).size() + 60);
}

TEST(WtReceiving, AResetStreamCountsWithItsFinalSize) {
  auto server = make_limited_server();
  server->log().consumes = false;
  server->feed(4, stream_header(4) + Buffer(10, 'x'));
  server->final_size = stream_header(4).size() + 100;
  server->connection.handle_stream_reset(4, to_http_code(31));
  EXPECT_EQ(server->log().log, (Log{"bidirectional 4", "data 4", "reset 4 31"}));
  EXPECT_EQ(limit_of(server->sent_capsules(), capsule_type::kMaxData), 200U) << "nobody has to consume it";
  EXPECT_EQ(server->out(4).consumed, stream_header(4).size() + 10) << "of QUIC's, what had arrived";
  server->feed(8, stream_header(8));
  server->final_size = stream_header(8).size() + 101;
  server->connection.handle_stream_reset(8, 0x100);
  EXPECT_EQ(server->error(), Error::data_limit_exceeded);
}

TEST(WtReceiving, ACodeThatIsNoApplications) {
  auto server = make_server(chromium());
  server->feed(4, stream_header(4));
  server->connection.handle_stop_sending(4, 0x100);
  server->connection.handle_stream_reset(4, 0x52E4A40FA8F9);
  EXPECT_EQ(server->log().log, (Log{"bidirectional 4", "stop 4 without code", "reset 4 without code"}));
}

TEST(WtReceiving, StreamsWithinTheLimitAndOneMore) {
  auto server = make_limited_server();
  for (const StreamId id : {2 + 4 * 1, 2 + 4 * 2, 2 + 4 * 3, 2 + 4 * 4}) server->feed(id, stream_header(id));
  EXPECT_EQ(server->error(), std::nullopt);
  server->feed(2 + 4 * 5, stream_header(22));
  EXPECT_EQ(server->error(), Error::stream_limit_exceeded);
  EXPECT_EQ(server->out(0).reset, code::kFlowControlError);
  EXPECT_EQ(server->out(22).stopped, code::kSessionGone);
}

TEST(WtReceiving, ClosedStreamsMakePlaceForOthers) {
  auto server = make_limited_server();
  for (StreamId id = 4; id < 4 + 4 * 20; id += 4) {
    server->feed(id, stream_header(id) + to_buffer("x"), true);
    server->connection.handle_stream_closed(id);
  }
  EXPECT_EQ(server->error(), std::nullopt);
  EXPECT_EQ(limit_of(server->sent_capsules(), capsule_type::kMaxStreamsBidi), 24U);
  EXPECT_EQ(count_of(server->sent_capsules(), capsule_type::kMaxStreamsBidi), 10U) << "every second";
  EXPECT_EQ(count_of(server->sent_capsules(), capsule_type::kMaxStreamsUni), 0U);
}

TEST(WtReceiving, AClosedStreamCountsUntilItIsConsumed) {
  auto server = make_limited_server();
  server->log().consumes = false;
  for (const StreamId id : {4, 8}) {
    server->feed(id, stream_header(id) + to_buffer("x"), true);
    server->connection.handle_stream_closed(id);
  }
  EXPECT_EQ(server->log().log.back(), "closed 8");
  EXPECT_EQ(server->sent_capsules(), Capsules{});
  server->session().consume(4, 1);
  server->session().consume(8, 1);
  EXPECT_EQ(server->sent_capsules(), (Capsules{{capsule_type::kMaxStreamsBidi, varint(6)}}));
  EXPECT_EQ(server->out(8).consumed, stream_header(8).size() + 1);
}

TEST(WtReceiving, AfterStopSendingWhatArrivesIsUsedUp) {
  auto server = make_limited_server();
  server->log().consumes = false;
  server->feed(4, stream_header(4) + Buffer(30, 'x'));
  server->session().stop_sending(4, 78);
  EXPECT_EQ(server->out(4).stopped, 0x52E4A40FA92BU);
  server->feed(4, Buffer(30, 'x'));
  EXPECT_EQ(server->out(4).consumed, stream_header(4).size() + 60);
  EXPECT_EQ(limit_of(server->sent_capsules(), capsule_type::kMaxData), 160U);
  server->final_size = stream_header(4).size() + 70;
  server->connection.handle_stream_reset(4, 0x52E4A40FA92B);
  EXPECT_EQ(server->log().log, (Log{"bidirectional 4", "data 4"}));
}

TEST(WtReceiving, AStoppedStreamThatEndsWithFinCountsWithItsFinalSize) {
  auto server = make_limited_server();
  server->log().consumes = false;
  for (const StreamId id : {4, 8}) {
    server->feed(id, stream_header(id) + Buffer(10, 'x'));
    server->session().stop_sending(id, 78);
  }
  server->sessions.handle_stopped_end(4, stream_header(4).size() + 90);
  EXPECT_EQ(limit_of(server->sent_capsules(), capsule_type::kMaxData), 200U);
  EXPECT_EQ(server->out(4).consumed, stream_header(4).size() + 10) << "of QUIC's, what had arrived";
  EXPECT_EQ(server->log().log, (Log{"bidirectional 4", "data 4", "bidirectional 8", "data 8"}));
  server->sessions.handle_stopped_end(99, 5);  // nobody's
  EXPECT_EQ(server->error(), std::nullopt);
  server->sessions.handle_stopped_end(8, stream_header(8).size() + 211);
  EXPECT_EQ(server->error(), Error::data_limit_exceeded);
}

TEST(WtReceiving, OurStreamsAnswerWithoutAHeader) {
  auto server = make_limited_server();
  const StreamId id = opened(*server);
  server->log().consumes = false;
  server->final_size = 100;
  server->feed(id, Buffer(50, 'x'));
  server->connection.handle_stream_reset(id, to_http_code(1));
  EXPECT_EQ(server->error(), std::nullopt);
  EXPECT_EQ(limit_of(server->sent_capsules(), capsule_type::kMaxData), 200U);
}

TEST(WtReceiving, Datagrams) {
  auto server = make_server(chromium());
  server->connection.handle_datagram(bytes_of({0, 'd', 'g'}));
  EXPECT_EQ(server->log().log, (Log{"datagram dg"}));
  EXPECT_EQ(server->session().datagram_bytes_max(), 1199U);
  EXPECT_TRUE(server->session().send_datagram(as_bytes("back")));
  EXPECT_EQ(server->streams.datagrams, (std::vector<Buffer>{bytes_of({0}) + to_buffer("back")}));
  EXPECT_FALSE(server->session().send_datagram(Buffer(1200, 'x')));
}

}  // namespace
}  // namespace plait::wt
