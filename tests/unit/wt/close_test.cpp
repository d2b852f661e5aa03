// The end of a session (draft-ietf-webtrans-http3 §6), by either side and by accident.
#include <gtest/gtest.h>

#include "unit/wt/wt_testing.hpp"

namespace plait::wt {
namespace {

// A session with a stream of each kind: 4 and 6 of the peer's, 1 and 7 of ours.
std::unique_ptr<Endpoint> make_busy_server() {
  auto server = make_server(chromium());
  server->feed(4, stream_header(4) + to_buffer("four"));
  server->feed(6, stream_header(6) + to_buffer("six"));
  EXPECT_EQ(server->session().open_stream(Direction::bidirectional).value(), 1);
  EXPECT_EQ(server->session().open_stream(Direction::unidirectional).value(), 7);
  server->log().log.clear();
  return server;
}

void expect_streams_gone(Endpoint& server) {
  for (const StreamId id : {4, 1, 7}) EXPECT_EQ(server.out(id).reset, code::kSessionGone) << id;
  for (const StreamId id : {4, 6, 1}) EXPECT_EQ(server.out(id).stopped, code::kSessionGone) << id;
  EXPECT_FALSE(server.out(6).reset.has_value()) << "not ours to reset";
  EXPECT_FALSE(server.out(7).stopped.has_value()) << "not the peer's";
}

TEST(WtClose, OursIsACapsuleAndFin) {
  auto server = make_busy_server();
  server->session().close(4242, "bye from server");
  EXPECT_EQ(server->sent_capsules(),
            (Capsules{{capsule_type::kCloseSession, bytes_of({0, 0, 0x10, 0x92}) + to_buffer("bye from server")}}));
  EXPECT_TRUE(server->out(0).fin);
  EXPECT_EQ(server->log().log, Log{}) << "the peer has not ended its side";
  EXPECT_EQ(server->sessions.find(0), nullptr);
  server->feed(0, {}, true);
  expect_streams_gone(*server);
  EXPECT_EQ(server->log().log, (Log{"over 4242 bye from server clean"}));
}

// Chromium 156 takes a session whose streams are reset before it has handled the capsule for a lost connection.
TEST(WtClose, OursResetsStreamsOnlyWhenThePeerHasEndedItsSide) {
  auto server = make_busy_server();
  server->session().close(4242, "bye from server");
  for (const StreamId id : {4, 6, 1, 7}) {
    EXPECT_FALSE(server->out(id).reset.has_value()) << id;
    EXPECT_FALSE(server->out(id).stopped.has_value()) << id;
  }
  server->feed(4, to_buffer("late"), true);
  server->connection.handle_stream_closed(7);
  EXPECT_EQ(server->log().log, Log{});
  server->feed(0, {}, true);
  EXPECT_EQ(server->out(1).reset, code::kSessionGone);
  EXPECT_EQ(server->out(1).stopped, code::kSessionGone);
  EXPECT_FALSE(server->out(7).reset.has_value()) << "over already";
}

TEST(WtClose, OursMayBeAnsweredByAReset) {
  auto server = make_busy_server();
  server->session().close(5, "x");
  server->connection.handle_stop_sending(0, code::kSessionGone);
  EXPECT_EQ(server->log().log, Log{});
  server->connection.handle_stream_reset(0, code::kSessionGone);
  EXPECT_EQ(server->log().log, (Log{"over 5 x clean"}));
}

TEST(WtClose, BothAtTheSameTime) {
  auto server = make_busy_server();
  server->session().close(5, "ours");
  server->feed(0, in_data(close_capsule(6, "theirs")), true);
  EXPECT_EQ(server->log().log, (Log{"over 5 ours clean"}));
}

TEST(WtClose, CodeZeroWithoutReasonIsFinAlone) {
  auto server = make_busy_server();
  server->session().close(0, "");
  EXPECT_EQ(server->sent_capsules(), Capsules{});
  EXPECT_TRUE(server->out(0).fin);
}

TEST(WtClose, AReasonIsCutAtAWholeCharacterAndMustBeUtf8) {
  std::string reason(kCloseReasonBytesMax - 1, 'r');
  auto server = make_busy_server();
  server->session().close(1, reason + "\xC3\xBC");
  EXPECT_EQ(server->sent_capsules()[0].second.size(), 4 + kCloseReasonBytesMax - 1);
  auto other = make_busy_server();
  other->session().close(1, "\xFF");
  EXPECT_EQ(other->sent_capsules()[0].second, bytes_of({0, 0, 0, 1}));
}

TEST(WtClose, ThePeersEndsStreamsToo) {
  auto server = make_busy_server();
  server->feed(0, in_data(close_capsule(9, "they left")), true);
  expect_streams_gone(*server);
  EXPECT_EQ(server->log().log, (Log{"over 9 they left clean"}));
}

TEST(WtClose, StopSendingMayComeBeforeTheCapsule) {
  auto server = make_busy_server();
  server->connection.handle_stop_sending(0, code::kSessionGone);
  server->feed(0, in_data(close_capsule(9, "they left")), true);
  EXPECT_EQ(server->log().log, (Log{"over 9 they left clean"}));
}

// A server that has its whole answer under way wants no more of the request, and its packets may change places.
TEST(WtClose, Rfc9114Section4_1_NoErrorInStopSendingDiscardsNothingThatAServerSends) {
  Endpoint client{Role::client};
  client.connection.handle_ready();
  client.feed_settings(h3::webtransport_settings());
  for (const bool before_the_answer : {true, false}) {
    const StreamId id = client.connect();
    if (before_the_answer) client.connection.handle_stop_sending(id, h3::code::kNoError);
    client.feed(id, headers({{":status", "200"}}));
    if (!before_the_answer) client.connection.handle_stop_sending(id, h3::code::kNoError);
    ASSERT_TRUE(client.log(id).session != nullptr && client.session(id).is_open()) << before_the_answer;
    client.feed(id, in_data(close_capsule(9, "they left")), true);
    EXPECT_EQ(client.log(id).log, (Log{"over 9 they left clean"}));
    EXPECT_FALSE(client.out(id).reset.has_value());
  }
  auto server = make_server(chromium());
  server->connection.handle_stop_sending(0, h3::code::kNoError);
  EXPECT_EQ(server->log().log, (Log{"over 0  not clean"})) << "a client has no answer to send";
}

TEST(WtClose, AResetOfTheConnectStreamIsNotClean) {
  for (const bool by_stop : {false, true}) {
    auto server = make_busy_server();
    if (by_stop) {
      server->connection.handle_stop_sending(0, h3::code::kRequestCancelled);
    } else {
      server->connection.handle_stream_reset(0, h3::code::kRequestCancelled);
    }
    expect_streams_gone(*server);
    EXPECT_EQ(server->log().log, (Log{"over 0  not clean"}));
    EXPECT_EQ(server->out(0).reset, h3::code::kRequestCancelled);
  }
}

TEST(WtClose, AbortIsAtOnce) {
  auto server = make_busy_server();
  server->session().abort();
  expect_streams_gone(*server);
  EXPECT_EQ(server->log().log, (Log{"over 0  not clean"}));
  EXPECT_EQ(server->out(0).stopped, h3::code::kRequestCancelled);
  auto patient = make_busy_server();
  patient->session().close(3, "waited");
  patient->session().abort();
  EXPECT_EQ(patient->log().log, (Log{"over 3 waited not clean"}));
}

TEST(WtClose, TheConnectionsEndIsReportedAndNothingSent) {
  auto server = make_busy_server();
  server->sessions.handle_connection_closed();
  EXPECT_EQ(server->log().log, (Log{"over 0  not clean"}));
  EXPECT_FALSE(server->out(4).reset.has_value());
  EXPECT_FALSE(server->sessions.begin(4));
  auto broken = make_busy_server();
  broken->feed(8, varint(0x41) + varint(7));
  EXPECT_TRUE(broken->connection.is_closed());
  EXPECT_EQ(broken->log().log, (Log{"over 0  not clean"}));
}

TEST(WtClose, AnErrorOfHttp3OnTheConnectStream) {
  Endpoint client{Role::client};
  client.connection.handle_ready();
  client.feed_settings(h3::webtransport_settings());
  const StreamId id = client.connect();
  client.feed(id, headers({{":status", "200"}}));
  client.session(id).open_stream(Direction::bidirectional).value();
  EXPECT_TRUE(client.sessions.handle_stream_error(id));
  EXPECT_EQ(client.log(id).log, (Log{"over 0  not clean"}));
}

TEST(WtClose, WhatStillArrivesIsSwallowedAndItsCreditReturns) {
  auto server = make_busy_server();
  server->log().consumes = false;
  server->feed(4, to_buffer(" and not consumed"));
  server->session().close(1, "");
  EXPECT_EQ(server->out(4).consumed, stream_header(4).size() + 4 + 17);
  server->feed(4, to_buffer("late"), true);
  server->feed(8, stream_header(8) + to_buffer("later"));
  server->connection.handle_datagram(bytes_of({0, 'd'}));
  EXPECT_EQ(server->out(4).consumed, stream_header(4).size() + 4 + 17 + 4);
  EXPECT_EQ(server->out(8).stopped, code::kSessionGone);
  EXPECT_EQ(server->out(8).reset, code::kSessionGone);
  EXPECT_EQ(server->out(8).consumed, stream_header(8).size() + 5);
  for (const StreamId id : {4, 6, 8, 1, 7}) server->connection.handle_stream_closed(id);
  server->feed(0, {}, true);
  server->connection.handle_stream_closed(0);
  EXPECT_EQ(server->log().log, (Log{"data 4", "over 1  clean"}));
  EXPECT_EQ(server->sessions.session_count(), 0U);
  EXPECT_EQ(server->others, 0);
  EXPECT_EQ(server->connection.stream_count(), 0U);
  server->feed(12, stream_header(12));
  EXPECT_EQ(server->out(12).stopped, code::kSessionGone) << "the ID is remembered";
}

TEST(WtClose, OperationsAfterwardsDoNothing) {
  auto server = make_busy_server();
  Session& session = server->session();
  session.close(1, "");
  const auto before = server->out(0).bytes;
  EXPECT_EQ(session.open_stream(Direction::bidirectional).error(), OpenError::closed);
  EXPECT_FALSE(session.write(1, Bytes::copy_of("x"), false));
  EXPECT_FALSE(session.send_datagram(as_bytes("x")));
  EXPECT_EQ(session.datagram_bytes_max(), 0U);
  session.reset(1, 5);
  session.stop_sending(4, 5);
  session.consume(4, 5);
  session.drain();
  session.close(2, "again");
  EXPECT_EQ(server->out(0).bytes, before);
  EXPECT_FALSE(server->out(1).reset.has_value());
  EXPECT_FALSE(server->out(4).stopped.has_value());
}

TEST(WtClose, FromInsideAHandler) {
  auto server = make_limited_server(limits(5, 4, 4));
  server->log().closes_at_data = true;
  const StreamId ours = server->session().open_stream(Direction::unidirectional).value();
  EXPECT_TRUE(server->session().write(ours, Bytes::copy_of("more than five"), true));
  server->feed(4, stream_header(4) + to_buffer("data"), true);
  EXPECT_EQ(server->log().log, (Log{"bidirectional 4", "data 4"}));
  EXPECT_EQ(server->session().buffered_bytes(), 0U);
  server->feed_capsule(capsule(capsule_type::kMaxData, varint(100)));
  server->feed(0, {}, true);
  EXPECT_EQ(server->log().log.back(), "over 1 enough clean");
}

TEST(WtClose, DrainIsSentOnce) {
  auto server = make_busy_server();
  server->session().drain();
  server->session().drain();
  EXPECT_EQ(server->sent_capsules(), (Capsules{{capsule_type::kDrainSession, {}}}));
}

}  // namespace
}  // namespace plait::wt
