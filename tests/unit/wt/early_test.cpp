// Streams and datagrams before their session (draft-ietf-webtrans-http3 §4.6), sessions that are decided later, several
// sessions on a connection.
#include <gtest/gtest.h>

#include "unit/wt/wt_testing.hpp"

namespace plait::wt {
namespace {

using namespace std::chrono_literals;

std::unique_ptr<Endpoint> make_waiting_server(const h3::Settings& peer = chromium()) {
  auto server = std::make_unique<Endpoint>(Role::server);
  server->connection.handle_ready();
  server->feed_settings(peer);
  return server;
}

TEST(WtEarly, StreamsAndDatagramsBeforeTheRequest) {
  auto server = make_waiting_server();
  server->feed(4, stream_header(4) + to_buffer("hel"));
  server->feed(6, stream_header(6) + to_buffer("uni"), true);
  server->connection.handle_datagram(bytes_of({0, 'd'}));
  server->feed(4, to_buffer("lo"), true);
  EXPECT_EQ(server->out(4).consumed, stream_header(4).size()) << "credit for what waits is kept";
  server->feed_connect(0);
  EXPECT_EQ(server->log().log,
            (Log{"bidirectional 4", "data 4", "fin 4", "unidirectional 6", "data 6", "fin 6", "datagram d"}));
  EXPECT_EQ(server->log().received[4], "hello");
  EXPECT_EQ(server->out(4).consumed, stream_header(4).size() + 5);
  EXPECT_EQ(server->sessions.next_timeout(), std::nullopt);
  EXPECT_TRUE(server->session().write(4, Bytes::copy_of("answer"), true));
}

TEST(WtEarly, EverythingThatCanHappenToAnEarlyStream) {
  auto server = make_waiting_server();
  server->feed(4, stream_header(4) + to_buffer("x"));
  server->connection.handle_stop_sending(4, to_http_code(1));
  server->connection.handle_stream_reset(4, to_http_code(2));
  server->connection.handle_stream_closed(4);
  server->feed(6, stream_header(6) + to_buffer("y"), true);
  server->connection.handle_stream_closed(6);
  server->log().consumes = false;
  server->feed_connect(0);
  EXPECT_EQ(server->log().log, (Log{"bidirectional 4", "stop 4 1", "data 4", "reset 4 2", "closed 4",
                                    "unidirectional 6", "data 6", "fin 6", "closed 6"}));
  EXPECT_EQ(server->out(6).consumed, stream_header(6).size());
  server->session().consume(6, 1);
  EXPECT_EQ(server->out(6).consumed, stream_header(6).size() + 1);
  EXPECT_EQ(server->others, 0);
}

TEST(WtEarly, TheyAreRefusedAfterATime) {
  auto server = make_waiting_server();
  server->now = at(1000ms);
  server->feed(4, stream_header(4) + to_buffer("x"));
  server->now = at(2000ms);
  server->feed(6, stream_header(6) + to_buffer("y"), true);
  server->connection.handle_stream_closed(6);
  server->connection.handle_datagram(bytes_of({0, 'd'}));
  EXPECT_EQ(server->sessions.next_timeout(), at(6000ms));
  server->sessions.handle_timeout(at(5999ms));
  EXPECT_FALSE(server->out(4).stopped.has_value());
  server->sessions.handle_timeout(at(6000ms));
  EXPECT_EQ(server->out(4).stopped, code::kBufferedStreamRejected);
  EXPECT_EQ(server->out(4).reset, code::kBufferedStreamRejected);
  EXPECT_EQ(server->out(4).consumed, stream_header(4).size() + 1);
  EXPECT_EQ(server->sessions.next_timeout(), at(7000ms));
  server->sessions.handle_timeout(at(7000ms));
  EXPECT_FALSE(server->out(6).stopped.has_value()) << "it is over";
  EXPECT_EQ(server->sessions.next_timeout(), std::nullopt);
  server->feed(4, to_buffer("late"));
  EXPECT_EQ(server->out(4).consumed, stream_header(4).size() + 5);
  server->feed_connect(0);
  EXPECT_EQ(server->log().log, Log{});
}

TEST(WtEarly, WhoeverHasADeadlineMoreIsTold) {
  auto server = make_waiting_server();
  Sessions& sessions = server->sessions;
  for (std::size_t i = 0; i < kEarlyDatagramsMax; ++i) {
    EXPECT_TRUE(sessions.handle_datagram(0, bytes_of({'d'}), at(0ms)));
  }
  EXPECT_FALSE(sessions.handle_datagram(0, bytes_of({'d'}), at(0ms))) << "dropped";
  server->accepts = false;
  server->feed_connect(0);
  EXPECT_FALSE(sessions.handle_stream(4, 0, Direction::bidirectional, at(0ms)));
}

TEST(WtEarly, OnceTheSessionWasAskedForThereIsNoHurry) {
  auto server = make_waiting_server();
  server->accepts = false;
  server->feed(4, stream_header(4) + to_buffer("before"));
  server->feed_connect(0);
  server->feed(6, stream_header(6) + to_buffer("after"));
  EXPECT_EQ(server->sessions.next_timeout(), std::nullopt);
  server->sessions.handle_timeout(at(1h));
  server->accept(0);
  EXPECT_EQ(server->log().log, (Log{"bidirectional 4", "data 4", "unidirectional 6", "data 6"}));
}

TEST(WtEarly, ASessionThatEndsWhileTheyAreDelivered) {
  Endpoint server{Role::server, h3::webtransport_settings(limits(100, 4, 2))};
  server.connection.handle_ready();
  server.feed_settings(h3::webtransport_settings());
  for (const StreamId id : {4, 8, 12, 16}) server.feed(id, stream_header(id) + to_buffer("x"), true);
  server.connection.handle_stream_closed(12);
  server.feed_connect(0);
  EXPECT_EQ(server.error(), Error::stream_limit_exceeded);
  for (const StreamId id : {4, 8, 12, 16}) EXPECT_EQ(server.out(id).consumed, stream_header(id).size() + 1) << id;
  EXPECT_EQ(server.out(16).stopped, code::kSessionGone);
  EXPECT_EQ(server.log().log.size(), 7U) << "two streams with data and FIN, and the end";
}

TEST(WtEarly, StreamsAreBoundedInNumber) {
  auto server = make_waiting_server();
  for (StreamId n = 1; n <= 10'000; ++n) server->feed(4 * n, stream_header(4 * n));
  int refused = 0;
  for (StreamId n = 1; n <= 10'000; ++n) refused += server->out(4 * n).stopped == code::kBufferedStreamRejected ? 1 : 0;
  EXPECT_EQ(refused, 10'000 - static_cast<int>(kEarlyStreamsMax));
  server->feed_connect(0);
  EXPECT_EQ(server->log().log.size(), kEarlyStreamsMax);
}

TEST(WtEarly, StreamsAreBoundedInBytes) {
  auto server = make_waiting_server();
  server->feed(4, stream_header(4) + Buffer(kEarlyBytesMax - 1, 'x'));
  server->feed(8, stream_header(8) + Buffer(1, 'x'));
  EXPECT_FALSE(server->out(8).stopped.has_value());
  server->feed(8, Buffer(1, 'x'));
  EXPECT_EQ(server->out(8).stopped, code::kBufferedStreamRejected);
  EXPECT_EQ(server->out(8).consumed, stream_header(8).size() + 2);
  server->feed(12, stream_header(12) + Buffer(1, 'x'));
  EXPECT_FALSE(server->out(12).stopped.has_value()) << "the refused one takes no place";
}

// Its session is asked for, and limits the peer to so much.
std::unique_ptr<Endpoint> make_limited_waiting_server(const h3::WebTransportSettings& local) {
  auto server = std::make_unique<Endpoint>(Role::server, h3::webtransport_settings(local));
  server->connection.handle_ready();
  server->feed_settings(draft14(limits(100, 4, 4)));
  server->accepts = false;
  server->feed_connect(0);
  return server;
}

TEST(WtEarly, TheBytesOfARefusedStreamAreCreditAgain) {
  auto server = make_limited_waiting_server(limits(1'000'000, 4, 4));
  server->feed(4, stream_header(4) + Buffer(500'000, 'x'));
  server->feed(4, Buffer(100'000, 'x'));
  EXPECT_EQ(server->out(4).stopped, code::kBufferedStreamRejected);
  EXPECT_EQ(server->out(4).consumed, stream_header(4).size() + 600'000);
  server->accept(0);
  EXPECT_EQ(server->sent_capsules(), (Capsules{{capsule_type::kMaxData, varint(1'600'000)}}));
  server->feed(8, stream_header(8) + Buffer(400'000, 'x'));
  server->sessions.handle_stopped_end(4, stream_header(4).size() + 800'000);
  EXPECT_EQ(server->sent_capsules().back(), (Capsules::value_type{capsule_type::kMaxData, varint(2'200'000)}));
  server->connection.handle_stream_closed(4);
  EXPECT_EQ(server->log().log, (Log{"bidirectional 8", "data 8"})) << "nothing of the refused one";
}

TEST(WtEarly, TheFinalSizeOfARefusedStreamMayComeBeforeItsSession) {
  auto server = make_limited_waiting_server(limits(1'000'000, 4, 4));
  server->feed(12, stream_header(12) + Buffer(kEarlyBytesMax, 'x'));
  for (const StreamId id : {4, 8, 6}) server->feed(id, stream_header(id) + Buffer(1000, 'x'));
  server->sessions.handle_stopped_end(4, stream_header(4).size() + 100'000);
  server->connection.handle_stream_closed(4);
  server->final_size = stream_header(8).size() + 80'000;
  server->connection.handle_stream_reset(8, to_http_code(1));
  server->sessions.handle_stopped_end(6, stream_header(6).size() + 70'000);
  server->accept(0);
  EXPECT_EQ(server->error(), std::nullopt);
  EXPECT_EQ(server->sent_capsules(), (Capsules{{capsule_type::kMaxData, varint(1'250'000 + kEarlyBytesMax)}}));
  server->connection.handle_stream_closed(8);
  EXPECT_EQ(server->log().log, (Log{"bidirectional 12", "data 12"}));
}

TEST(WtEarly, RefusedStreamsMakePlaceForOthers) {
  auto server = make_limited_waiting_server(limits(1000, 4, 80));
  for (StreamId id = 4; id <= 4 * 80; id += 4) server->feed(id, stream_header(id) + to_buffer("x"), true);
  for (StreamId id = 4 * 70; id <= 4 * 80; id += 4) server->connection.handle_stream_closed(id);
  server->accept(0);
  for (StreamId id = 4; id < 4 * 70; id += 4) server->connection.handle_stream_closed(id);
  EXPECT_EQ(server->error(), std::nullopt);
  EXPECT_EQ(server->sent_capsules().back(), (Capsules::value_type{capsule_type::kMaxStreamsBidi, varint(160)}));
}

TEST(WtEarly, RefusedStreamsMeetTheLimits) {
  auto streams = make_limited_waiting_server(limits(1000, 4, 80));
  for (StreamId id = 4; id <= 4 * 81; id += 4) streams->feed(id, stream_header(id));
  streams->accept(0);
  EXPECT_EQ(streams->error(), Error::stream_limit_exceeded);
  auto closed = make_limited_waiting_server(limits(1000, 4, 80));
  for (StreamId id = 4; id <= 4 * 145; id += 4) closed->feed(id, stream_header(id), true);
  for (StreamId id = 4 * 65; id <= 4 * 145; id += 4) closed->connection.handle_stream_closed(id);
  closed->accept(0);
  EXPECT_EQ(closed->error(), Error::stream_limit_exceeded);
  auto bytes = make_limited_waiting_server(limits(1000, 4, 80));
  bytes->feed(4, stream_header(4) + Buffer(kEarlyBytesMax + 1, 'x'));
  bytes->accept(0);
  EXPECT_EQ(bytes->error(), Error::data_limit_exceeded);
}

TEST(WtEarly, StreamsThatWereRefusedBeforeTheRequestCountToo) {
  Endpoint server{Role::server, h3::webtransport_settings(limits(1'000'000, 4, 4))};
  server.connection.handle_ready();
  server.feed_settings(draft14(limits(100, 4, 4)));
  server.feed(4, stream_header(4) + Buffer(kEarlyBytesMax, 'x'));
  server.feed(6, stream_header(6) + Buffer(300'000, 'x'));
  server.sessions.handle_timeout(at(5s));
  EXPECT_EQ(server.out(4).stopped, code::kBufferedStreamRejected);
  server.feed_connect(0);
  EXPECT_EQ(server.sent_capsules(), (Capsules{{capsule_type::kMaxData, varint(1'300'000 + kEarlyBytesMax)}}));
}

TEST(WtEarly, DatagramsAreBoundedAndDropped) {
  auto server = make_waiting_server();
  for (int i = 0; i < 1000; ++i) server->connection.handle_datagram(bytes_of({0, 'd'}));
  server->feed_connect(0);
  EXPECT_EQ(server->log().log.size(), kEarlyDatagramsMax);
}

TEST(WtEarly, CapsulesBeforeTheAnswer) {
  auto server = make_waiting_server();
  server->accepts = false;
  server->feed_connect(0);
  server->feed_capsule(capsule(0x29 * 5 + 0x17, to_buffer("grease")) + capsule(capsule_type::kDrainSession));
  server->feed(0, in_data(close_capsule(5, "changed my mind")), true);
  EXPECT_EQ(server->out(0).consumed, headers(connect_lines()).size() + 4) << "of DATA frames the headers alone";
  server->accept(0);
  EXPECT_EQ(server->log().log, (Log{"draining", "over 5 changed my mind clean"}));
}

TEST(WtEarly, TooManyCapsulesBeforeTheAnswer) {
  auto server = make_waiting_server();
  server->accepts = false;
  server->feed_connect(0);
  server->feed(4, stream_header(4));
  server->feed_capsule(capsule(0x21, Buffer(kEarlyBytesMax, 'x')));
  EXPECT_EQ(server->out(0).reset, h3::code::kExcessiveLoad);
  EXPECT_EQ(server->out(4).stopped, code::kSessionGone);
  server->accept(0);
  EXPECT_EQ(server->accept_error, AcceptError::gone);
  server->connection.handle_stream_closed(0);
  EXPECT_EQ(server->sessions.session_count(), 0U);
}

TEST(WtEarly, ARequestThatWasResetBeforeTheAnswer) {
  auto server = make_waiting_server();
  server->accepts = false;
  server->feed_connect(0);
  server->feed(4, stream_header(4));
  server->connection.handle_stream_reset(0, h3::code::kRequestCancelled);
  server->connection.handle_stream_closed(0);
  EXPECT_EQ(server->out(4).stopped, code::kSessionGone);
  server->accept(0);
  EXPECT_EQ(server->accept_error, AcceptError::gone);
}

TEST(WtEarly, ARequestThatIsRefused) {
  auto server = make_waiting_server();
  server->accepts = false;
  server->feed_connect(0);
  server->feed(4, stream_header(4) + to_buffer("x"));
  server->feed_capsule(capsule(0x21));
  server->sessions.reject(0);
  EXPECT_EQ(server->out(4).stopped, code::kSessionGone);
  EXPECT_EQ(server->out(0).consumed, headers(connect_lines()).size() + in_data(capsule(0x21)).size());
  server->feed(8, stream_header(8));
  EXPECT_EQ(server->out(8).stopped, code::kSessionGone);
  server->feed_capsule(capsule(0x21));
  EXPECT_EQ(server->others, 1) << "the stream is not the session's";
}

TEST(WtEarly, SettingsComeFirst) {
  Endpoint server{Role::server};
  server.connection.handle_ready();
  server.feed_connect(0);
  EXPECT_EQ(server.accept_error, AcceptError::settings_missing);
  server.feed_settings(chromium());
  server.accept(0);
  EXPECT_NE(server.sessions.find(0), nullptr);
}

// --- Several sessions -----------------------------------------------------------------------------------------------

TEST(WtSessions, TwoOnOneConnection) {
  auto server = make_server(h3::webtransport_settings(limits(10, 4, 4)));
  server->feed_connect(4);
  server->feed(8, stream_header(8, 0) + to_buffer("zero"));
  server->feed(12, stream_header(12, 4) + to_buffer("four"));
  server->connection.handle_datagram(bytes_of({1, 'd'}));
  EXPECT_EQ(server->log(0).log, (Log{"bidirectional 8", "data 8"}));
  EXPECT_EQ(server->log(4).log, (Log{"bidirectional 12", "data 12", "datagram d"}));
  EXPECT_FALSE(server->session(0).write(12, Bytes::copy_of("not mine"), false));
  EXPECT_TRUE(server->session(0).write(8, Bytes::copy_of("0123456789ab"), false));
  EXPECT_TRUE(server->session(4).write(12, Bytes::copy_of("0123456789"), false));
  EXPECT_EQ(server->session(0).buffered_bytes(), 2U) << "each has credit of its own";
  EXPECT_EQ(server->session(4).buffered_bytes(), 0U);

  server->feed(0, in_data(close_capsule(1, "first")), true);
  EXPECT_EQ(server->out(8).reset, code::kSessionGone);
  EXPECT_FALSE(server->out(12).reset.has_value());
  server->feed(12, to_buffer(" goes on"));
  EXPECT_EQ(server->log(4).received[12], "four goes on");
  EXPECT_EQ(server->log(4).close_info, std::nullopt);
}

TEST(WtSessions, TheirNumberIsLimited) {
  auto server = make_waiting_server(h3::webtransport_settings());
  server->session_options.sessions_max = 2;
  for (const StreamId id : {0, 4, 8}) server->feed_connect(id);
  EXPECT_EQ(server->sessions.session_count(), 2U);
  EXPECT_EQ(server->log(8).session, nullptr);
  EXPECT_TRUE(server->out(8).fin) << "429";
  server->feed(0, {}, true);
  server->connection.handle_stream_closed(0);
  server->feed_connect(12);
  EXPECT_NE(server->log(12).session, nullptr);
}

TEST(WtSessions, WithoutFlowControlNewDraftsHaveOnlyOne) {
  h3::Settings peer = chromium();
  peer.webtransport.sessions_max_draft13 = 1;
  auto server = make_server(peer);
  server->feed_connect(4);
  EXPECT_EQ(server->accept_error, AcceptError::too_many_sessions);
  auto old = make_server(chromium());
  old->feed_connect(4);
  EXPECT_EQ(old->accept_error, std::nullopt);
}

TEST(WtSessions, OtherRequestsAreNotTheirs) {
  auto server = make_server(chromium());
  server->feed(4, headers(h3::post_lines()) + h3::data("content"), true);
  EXPECT_EQ(server->others, 2) << "data and FIN";
}

TEST(WtSessions, OnlyTheLastIdsAreRemembered) {
  auto server = make_waiting_server(h3::webtransport_settings());
  for (StreamId id = 0; id < 80; id += 4) {
    server->feed_connect(id);
    server->feed(id, {}, true);
    server->connection.handle_stream_closed(id);
  }
  server->feed(2 + 4 * 50, stream_header(202, 76));
  server->feed(2 + 4 * 51, stream_header(206, 0));
  EXPECT_EQ(server->out(202).stopped, code::kSessionGone);
  EXPECT_FALSE(server->out(206).stopped.has_value());
  server->sessions.handle_timeout(at(5s));
  EXPECT_EQ(server->out(206).stopped, code::kBufferedStreamRejected);
}

}  // namespace
}  // namespace plait::wt
