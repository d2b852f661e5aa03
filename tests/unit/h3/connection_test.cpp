// Sending, GOAWAY and both roles against each other in memory.
#include "h3/connection.hpp"

#include <gtest/gtest.h>
#include <malloc.h>

#include <memory>

#include "support/allocations.hpp"
#include "unit/h3/h3_testing.hpp"

namespace plait::h3 {
namespace {

// Carries what one side has sent to the other, in pieces, with resets, stops and the ends of streams.
void deliver(Endpoint& from, Endpoint& to, std::size_t piece_bytes) {
  for (auto& [id, out] : from.streams.streams) {
    if (out.delivered < out.bytes.size() || (out.fin && !out.fin_delivered)) {
      const Buffer rest(out.bytes.begin() + static_cast<std::ptrdiff_t>(out.delivered), out.bytes.end());
      out.delivered = out.bytes.size();
      out.fin_delivered = out.fin;
      to.feed(id, rest, out.fin, piece_bytes);
    }
  }
  for (const Buffer& datagram : std::exchange(from.streams.datagrams, {})) to.connection.handle_datagram(datagram);
}

struct Pair {
  void exchange(std::size_t piece_bytes = SIZE_MAX) {
    for (int round = 0; round < 4; ++round) {
      deliver(client, server, piece_bytes);
      deliver(server, client, piece_bytes);
    }
  }
  Endpoint client{Role::client};
  Endpoint server{Role::server};
};

RequestHead connect_head() {
  return {.method = "CONNECT",
          .scheme = "https",
          .authority = "localhost:4433",
          .path = "/echo?a=b",
          .protocol = "webtransport"};
}

RequestHead get_head() { return {.method = "GET", .scheme = "https", .authority = "localhost", .path = "/"}; }

TEST(H3Connection, Rfc9204Section4_2_ReadyOpensTheControlStreamAndNoneOfQpack) {
  Endpoint server{Role::server};
  server.connection.handle_ready();
  core::VectorSink settings;
  encode_settings(webtransport_settings(), settings);
  EXPECT_EQ(server.sent(3), bytes_of({0x00}) + frame(0x04, settings.bytes));
  EXPECT_EQ(server.connection.stream_count(), 0U);
  Endpoint client{Role::client};
  client.connection.handle_ready();
  EXPECT_EQ(server.streams.streams.size(), 1U);
  EXPECT_EQ(client.streams.streams.size(), 1U);
}

TEST(H3Connection, Rfc9204Section4_2_ThePeersQpackStreamsAreReadThoughWeOpenNone) {
  for (const Role role : {Role::server, Role::client}) {
    Endpoint endpoint{role};
    endpoint.connection.handle_ready();
    const StreamId peers = role == Role::server ? 2 : 3;
    endpoint.feed(peers, control());
    endpoint.feed(peers + 4, bytes_of({2, 0x20}));
    endpoint.feed(peers + 8, bytes_of({3, 0x40}));
    EXPECT_EQ(endpoint.recorder.error, std::nullopt);
    EXPECT_EQ(endpoint.streams.streams[peers + 4].consumed, 2U);
    EXPECT_EQ(endpoint.streams.streams[peers + 8].consumed, 2U);
    endpoint.feed(peers + 4, bytes_of({0x21}));
    EXPECT_EQ(endpoint.recorder.error, Error::qpack_encoder_stream);
  }
}

TEST(H3Connection, Rfc9114Section4_2_1_ASplitCookieArrivesWhole) {
  Endpoint server{Role::server};
  server.connection.handle_ready();
  server.feed(0, headers(get_lines() + HeadLines{{"cookie", "a=b"}, {"x", "y"}, {"cookie", "c=d"}}), true);
  ASSERT_FALSE(server.recorder.log.empty());
  const std::string& request = server.recorder.log.front();
  EXPECT_NE(request.find(" cookie=a=b; c=d x=y"), std::string::npos) << request;
}

TEST(H3Connection, TheControlStreamWaitsForTheStreamLimit) {
  Endpoint server{Role::server};
  server.streams.unidirectional_left = 0;
  server.connection.handle_ready();
  EXPECT_TRUE(server.streams.streams.empty());
  server.streams.unidirectional_left = 10;
  for (int i = 0; i < 2; ++i) server.connection.handle_streams_available(Direction::unidirectional);
  EXPECT_EQ(server.streams.streams.size(), 1U);
  EXPECT_EQ(server.sent(3).front(), stream_type::kControl);
}

TEST(H3Connection, ARequestAndItsResponse) {
  for (const std::size_t piece : {std::size_t{1}, std::size_t{2}, std::size_t{9}, SIZE_MAX}) {
    Pair pair;
    pair.client.connection.handle_ready();
    pair.server.connection.handle_ready();
    pair.exchange(piece);
    RequestHead post{.method = "POST", .scheme = "https", .authority = "localhost", .path = "/p?q"};
    post.fields.add("Content-Length", "5");
    const auto id = pair.client.connection.request(post, false);
    ASSERT_TRUE(id.has_value());
    pair.client.connection.send_data(*id, Bytes::copy_of("he"), false);
    pair.client.connection.send_data(*id, Bytes::copy_of("llo"), true);
    pair.exchange(piece);
    const http::Field fields[] = {{"Content-Type", "text/plain"}};
    ASSERT_TRUE(pair.server.connection.respond(*id, 103, {}, false));
    ASSERT_TRUE(pair.server.connection.respond(*id, 200, fields, false));
    pair.server.connection.send_data(*id, Bytes::copy_of("world"), false);
    pair.server.connection.send_data(*id, {}, true);
    pair.exchange(piece);
    EXPECT_EQ(pair.server.recorder.log,
              (Log{"settings", "request 0 POST https localhost /p?q  content-length=5", "data 0", "fin 0"}));
    EXPECT_EQ(pair.server.recorder.received[0], "hello");
    EXPECT_EQ(pair.client.recorder.log,
              (Log{"settings", "response 0 103", "response 0 200 content-type=text/plain", "data 0", "fin 0"}));
    EXPECT_EQ(pair.client.recorder.received[0], "world");
  }
}

TEST(H3Connection, AWebTransportSession) {
  Pair pair;
  pair.client.connection.handle_ready();
  pair.server.connection.handle_ready();
  EXPECT_EQ(pair.client.connection.request(connect_head(), false).error(), SendError::extended_connect_not_enabled)
      << "before the server's SETTINGS";
  pair.exchange();
  const auto session = pair.client.connection.request(connect_head(), false);
  ASSERT_TRUE(session.has_value());
  pair.exchange();
  ASSERT_TRUE(pair.server.connection.respond(*session, 200, {}, false));
  pair.exchange();
  pair.client.connection.send_data(*session, Bytes::copy_of("capsule"), false);
  pair.server.connection.send_data(*session, Bytes::copy_of("back"), false);
  const auto up = pair.client.connection.open_webtransport_stream(Direction::unidirectional, *session);
  const auto down = pair.server.connection.open_webtransport_stream(Direction::bidirectional, *session);
  pair.client.connection.send_unframed(*up, Bytes::copy_of("up"), true);
  pair.server.connection.send_unframed(*down, Bytes::copy_of("down"), false);
  EXPECT_TRUE(pair.client.connection.send_datagram(*session, as_bytes("ping")));
  pair.exchange();
  EXPECT_EQ(pair.server.recorder.log,
            (Log{"settings", "request 0 CONNECT https localhost:4433 /echo?a=b webtransport", "data 0",
                 "webtransport 6 of 0 unidirectional", "data 6", "fin 6", "datagram 0 ping"}));
  EXPECT_EQ(pair.client.recorder.log,
            (Log{"settings", "response 0 200", "data 0", "webtransport 1 of 0 bidirectional", "data 1"}));
  EXPECT_EQ(pair.client.recorder.received[1], "down");
}

TEST(H3Connection, ARefusedConnectHasContentLikeOthers) {
  EXPECT_EQ(response_error(headers({{":status", "403"}, {"content-length", "2"}}) + data("no"), "CONNECT"),
            std::nullopt);
  EXPECT_EQ(response_error(headers({{":status", "403"}, {"content-length", "2"}}) + data("n"), "CONNECT"),
            Error::content_length_mismatch);
  EXPECT_EQ(response_error(headers({{":status", "200"}}) + headers({{"x", "y"}}), "CONNECT"),
            Error::frame_after_connect);
}

TEST(H3Connection, FieldsThatMustNotBeSent) {
  Endpoint server{Role::server};
  server.connection.handle_ready();
  server.feed(0, headers(get_lines()), true);
  for (const http::Field& field : {http::Field{"Connection", "close"}, http::Field{"x", "a\r\nb"},
                                   http::Field{"a b", "c"}, http::Field{":status", "200"}}) {
    const auto sent = server.connection.respond(0, 200, std::span{&field, 1}, false);
    ASSERT_FALSE(sent.has_value());
    EXPECT_EQ(sent.error(), SendError::field_invalid) << field.name;
  }
  EXPECT_EQ(server.connection.respond(0, 101, {}, false).error(), SendError::field_invalid);
  EXPECT_EQ(server.connection.respond(0, 1000, {}, false).error(), SendError::field_invalid);
  EXPECT_EQ(server.connection.respond(4, 200, {}, false).error(), SendError::closed);
  EXPECT_TRUE(server.sent(0).empty());
  Endpoint client{Role::client};
  RequestHead bad = get_head();
  bad.path = "/\n";
  EXPECT_EQ(client.connection.request(bad, true).error(), SendError::field_invalid);
  bad.path = "";
  EXPECT_EQ(client.connection.request(bad, true).error(), SendError::field_invalid);
}

TEST(H3Connection, OneFinalResponse) {
  Endpoint server{Role::server};
  server.connection.handle_ready();
  server.feed(0, headers(get_lines()), true);
  EXPECT_TRUE(server.connection.respond(0, 100, {}, false).has_value());
  EXPECT_TRUE(server.connection.respond(0, 200, {}, false).has_value());
  EXPECT_EQ(server.connection.respond(0, 200, {}, false).error(), SendError::already_responded);
}

TEST(H3ConnectionDeathTest, ContentComesAfterTheHead) {
  Endpoint server{Role::server};
  server.feed(0, headers(get_lines()), true);
  EXPECT_DEATH(server.connection.send_data(0, Bytes::copy_of("x"), false), "after the head");
}

TEST(H3Connection, Rfc9114Section4_2_2_ThePeersLimitOnFieldSections) {
  Endpoint server{Role::server};
  server.connection.handle_ready();
  server.feed(2, control(one_setting(0x06, 100)));
  server.feed(0, headers(get_lines()), true);
  const std::string value(60, 'v');
  const http::Field fields[] = {{"x", value}};
  EXPECT_EQ(server.connection.respond(0, 200, fields, true).error(), SendError::field_section_too_large);
  EXPECT_TRUE(server.connection.respond(0, 200, {}, true).has_value());
}

TEST(H3Connection, ResetsOfARequest) {
  Endpoint server{Role::server};
  server.feed(0, headers(post_lines()) + data("a") + varint(0));
  server.connection.handle_stream_reset(0, code::kRequestCancelled);
  server.connection.handle_stop_sending(0, code::kRequestCancelled);
  server.connection.handle_stream_closed(0);
  EXPECT_EQ(server.recorder.log,
            (Log{"request 0 POST https localhost:4433 / ", "data 0", "reset 0 268", "stop 0 268", "closed 0"}));
  EXPECT_EQ(server.streams.streams[0].consumed, headers(post_lines()).size() + 3 + 1) << "a cut frame header, too";
}

TEST(H3Connection, Rfc9114Section5_2_AServerGoesAway) {
  Pair pair;
  pair.client.connection.handle_ready();
  pair.server.connection.handle_ready();
  ASSERT_TRUE(pair.client.connection.request(get_head(), true).has_value());
  pair.exchange();
  const auto late = pair.client.connection.request(get_head(), true);
  pair.server.connection.goaway();
  pair.server.connection.goaway();
  pair.exchange();
  EXPECT_EQ(pair.client.recorder.log, (Log{"settings", "goaway 4"}));
  EXPECT_EQ(pair.server.recorder.log.back(), "stream error 4 request after GOAWAY");
  EXPECT_EQ(pair.server.streams.streams[*late].reset, code::kRequestRejected);
  EXPECT_EQ(pair.client.connection.request(get_head(), true).error(), SendError::going_away);
  ASSERT_TRUE(pair.server.connection.respond(0, 200, {}, true).has_value()) << "what had come is answered";
  pair.exchange();
  EXPECT_EQ(pair.client.recorder.log.back(), "fin 0");
}

TEST(H3Connection, Rfc9114Section5_2_AHeadThatWasHalfThereAtGoawayIsRefused) {
  Endpoint server{Role::server};
  server.connection.handle_ready();
  const Buffer head = headers(post_lines());
  server.feed(0, head, true);
  server.feed(4, Buffer(head.begin(), head.begin() + 5));
  server.connection.goaway();
  server.feed(4, Buffer(head.begin() + 5, head.end()) + data("a"), true);
  EXPECT_EQ(server.recorder.log,
            (Log{"request 0 POST https localhost:4433 / ", "fin 0", "stream error 4 request after GOAWAY"}));
  EXPECT_EQ(server.streams.streams[4].reset, code::kRequestRejected);
  EXPECT_EQ(server.streams.streams[4].stopped, code::kRequestRejected);
  EXPECT_EQ(server.streams.streams[4].consumed, head.size() + data("a").size());
}

TEST(H3Connection, AfterGoawayWebTransportStreamsStillCome) {
  Endpoint server{Role::server};
  server.connection.handle_ready();
  server.feed(0, headers(connect_lines()));
  server.connection.goaway();
  server.feed(4, bytes_of({0x40, 0x41, 0x00, 'x'}));
  EXPECT_EQ(server.recorder.log.back(), "data 4");
}

TEST(H3Connection, AClientGoesAway) {
  Pair pair;
  pair.client.connection.handle_ready();
  pair.server.connection.handle_ready();
  pair.client.connection.goaway();
  pair.exchange();
  EXPECT_EQ(pair.server.recorder.log, (Log{"settings", "goaway 0"}));
}

TEST(H3Connection, NothingFollowsTheClose) {
  Endpoint server{Role::server};
  server.connection.handle_ready();
  server.feed(0, headers(get_lines()), true);
  server.connection.close(code::kNoError, "bye");
  EXPECT_EQ(server.streams.closed, (std::pair<std::uint64_t, std::string>{code::kNoError, "bye"}));
  const Log before = server.recorder.log;
  server.feed(4, headers(get_lines()), true);
  server.feed(2, varint(0) + frame(0x00));
  server.connection.handle_stream_reset(0, 0);
  server.connection.handle_stop_sending(0, 0);
  server.connection.handle_stream_closed(0);
  server.connection.handle_datagram({});
  server.connection.handle_streams_available(Direction::bidirectional);
  EXPECT_EQ(server.recorder.log, before);
  EXPECT_EQ(server.connection.respond(0, 200, {}, true).error(), SendError::closed);
  EXPECT_EQ(server.connection.open_webtransport_stream(Direction::bidirectional, 0).error(), SendError::closed);
  EXPECT_FALSE(server.connection.send_datagram(0, {}));
}

// A visitor that closes the connection inside each of its functions.
TEST(H3Connection, AVisitorMayCloseAtAnyTime) {
  class Closer final : public Visitor {
   public:
    explicit Closer(int after) : left_(after) {}
    void on_settings(const Settings&) override { step(); }
    void on_request(StreamId, const RequestHead&) override { step(); }
    void on_too_many_fields(StreamId) override { step(); }
    void on_response(StreamId, const ResponseHead&) override { step(); }
    void on_webtransport_stream(StreamId, StreamId, Direction) override { step(); }
    void on_data(StreamId, ByteView) override { step(); }
    void on_fin(StreamId) override { step(); }
    void on_reset(StreamId, std::uint64_t) override { step(); }
    void on_stop_sending(StreamId, std::uint64_t) override { step(); }
    void on_stream_error(StreamId, Error) override { step(); }
    void on_closed(StreamId) override { step(); }
    void on_datagram(StreamId, ByteView) override { step(); }
    void on_goaway(std::uint64_t) override { step(); }
    void on_streams_available(Direction) override { step(); }
    void on_connection_error(Error) override { step(); }
    Connection* connection = nullptr;

   private:
    void step() {
      ASSERT_GE(left_, 0) << "a call after the close";
      if (left_-- == 0) connection->close();
    }
    int left_;
  };
  for (int after = 0; after < 12; ++after) {
    const Options options;
    FakeStreams streams{Role::server};
    Closer closer{after};
    Qpack qpack;
    Connection connection{options, streams, closer, qpack};
    closer.connection = &connection;
    connection.handle_stream_data(2, control() + frame(0x07, bytes_of({0})), false);
    connection.handle_stream_data(0, headers(connect_lines()) + data("a") + frame(0x2843, bytes_of({1})) + data("b"),
                                  true);
    connection.handle_stream_data(4, bytes_of({0x40, 0x41, 0, 'x'}), true);
    connection.handle_stream_data(8, headers({{"x", "y"}}) + data("z"), true);
    connection.handle_stream_closed(4);
    connection.handle_datagram(bytes_of({0}));
    EXPECT_EQ(streams.closed.has_value(), connection.is_closed());
  }
}

// Some 600 bytes with glibc's malloc; under a sanitizer mallinfo2() knows nothing and the test says nothing.
TEST(H3Connection, AnIdleSessionOwnsAtMostAKibibyte) {
  constexpr std::size_t kCount = 1000;
  Endpoint endpoint{Role::server};  // whose streams, visitor and coder all the connections share
  const Buffer settings = control();
  const Buffer connect = headers(connect_lines());
  const auto make = [&] {
    auto connection =
        std::make_unique<Connection>(endpoint.options, endpoint.streams, endpoint.recorder, endpoint.qpack);
    connection->handle_ready();
    connection->handle_stream_data(2, settings, false);
    connection->handle_stream_data(6, bytes_of({0x02}), false);
    connection->handle_stream_data(10, bytes_of({0x03}), false);
    connection->handle_stream_data(0, connect, false);
    EXPECT_TRUE(connection->respond(0, 200, {}, false).has_value());
    EXPECT_EQ(connection->stream_count(), 1U) << "the critical streams have no entry";
    endpoint.streams.streams.clear();
    endpoint.streams.unidirectional_left = 100;
    endpoint.recorder.log.clear();
    return connection;
  };
  std::vector<std::unique_ptr<Connection>> connections;
  connections.reserve(kCount);
  make();
  const std::size_t before = mallinfo2().uordblks;
  for (std::size_t i = 0; i < kCount; ++i) connections.push_back(make());
  EXPECT_LE(mallinfo2().uordblks - before, kCount * 1024);
}

TEST(H3Connection, WebTransportBytesAllocateNothing) {
  Endpoint server{Role::server};
  server.recorder.connection = nullptr;
  server.feed(4, bytes_of({0x40, 0x41, 0x00, 'a'}));
  server.recorder.received[4].reserve(10'000);
  const Buffer bytes(1000, 'w');
  test::start_counting();
  for (int i = 0; i < 5; ++i) server.connection.handle_stream_data(4, bytes, false);
  EXPECT_EQ(test::stop_counting().count, 0U);
}

TEST(H3Connection, ADeclaredLengthAllocatesOnlyAsBytesArrive) {
  Endpoint server{Role::server};
  const Buffer header = varint(0x01) + varint(kFieldSectionBytesMax) + Buffer(10, 0);
  test::start_counting();
  server.connection.handle_stream_data(0, header, false);
  EXPECT_LE(test::stop_counting().bytes_max, 256U);
}

}  // namespace
}  // namespace plait::h3
