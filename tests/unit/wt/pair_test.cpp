// A client and a server with a wire between them: what one sends is what the other is told.
#include <gtest/gtest.h>

#include "unit/wt/wt_testing.hpp"

namespace plait::wt {
namespace {

struct Pair {
  explicit Pair(const h3::Settings& client_settings = h3::webtransport_settings(),
                const h3::Settings& server_settings = h3::webtransport_settings())
      : client{Role::client, client_settings}, server{Role::server, server_settings}, wire{client, server} {
    id = client.connect();
    wire.run();
  }

  Endpoint client;
  Endpoint server;
  Wire wire;
  StreamId id = 0;
};

TEST(WtPair, StreamsBothWays) {
  Pair pair;
  const StreamId up = pair.client.session().open_stream(Direction::bidirectional).value();
  const StreamId down = pair.server.session().open_stream(Direction::unidirectional).value();
  EXPECT_TRUE(pair.client.session().write(up, Bytes::copy_of("question"), true));
  EXPECT_TRUE(pair.server.session().write(down, Bytes::copy_of("news"), true));
  pair.wire.run();
  EXPECT_EQ(pair.server.log().received[up], "question");
  EXPECT_EQ(pair.client.log().received[down], "news");
  EXPECT_TRUE(pair.server.session().write(up, Bytes::copy_of("answer"), true));
  pair.wire.run();
  EXPECT_EQ(pair.client.log().received[up], "answer");
  EXPECT_EQ(pair.client.log().log,
            (Log{"unidirectional 7", "data 7", "fin 7", "closed 7", "data 4", "fin 4", "closed 4"}));
  EXPECT_EQ(pair.server.others + pair.client.others, 0);
}

TEST(WtPair, MuchMoreThanTheCreditPasses) {
  const h3::Settings settings = h3::webtransport_settings(limits(1000, 2, 2));
  Pair pair{settings, settings};
  std::string expected;
  for (int i = 0; i < 50; ++i) {
    const Direction direction = i % 2 == 0 ? Direction::bidirectional : Direction::unidirectional;
    const StreamId id = pair.client.session().open_stream(direction).value();
    const std::string text(static_cast<std::size_t>(700 * (i % 9)), static_cast<char>('a' + i % 26));
    EXPECT_TRUE(pair.client.session().write(id, Bytes::copy_of(text), true));
    pair.wire.run();
    ASSERT_EQ(pair.server.log().received[id], text) << i;
    if (direction == Direction::bidirectional) {
      EXPECT_TRUE(pair.server.session().write(id, Bytes::copy_of(text), true));
    }
    pair.wire.run();
    ASSERT_EQ(pair.client.log().received[id], direction == Direction::bidirectional ? text : "") << i;
  }
  EXPECT_EQ(pair.client.session().buffered_bytes(), 0U);
  EXPECT_TRUE(pair.client.session().is_open());
}

TEST(WtPair, ResetsKeepTheCreditsOfBothSidesEqual) {
  const h3::Settings settings = h3::webtransport_settings(limits(100, 4, 4));
  Pair pair{settings, settings};
  pair.client.streams.unidirectional_left = 1000;
  for (int i = 0; i < 100; ++i) {
    const auto id = pair.client.session().open_stream(Direction::unidirectional);
    ASSERT_TRUE(id.has_value()) << i;
    EXPECT_TRUE(pair.client.session().write(*id, Bytes::copy_of(std::string(70, 'x')), false));
    if (i % 2 == 0) pair.wire.run();
    if (i % 3 == 0) pair.server.session().stop_sending(*id, 3);
    pair.client.session().reset(*id, 9);
    pair.wire.run();
  }
  const StreamId last = pair.client.session().open_stream(Direction::unidirectional).value();
  EXPECT_TRUE(pair.client.session().write(last, Bytes::copy_of(std::string(1000, 'y')), true));
  pair.wire.run();
  EXPECT_EQ(pair.server.log().received[last].size(), 1000U);
}

TEST(WtPair, CodesArriveBothWays) {
  Pair pair;
  const StreamId id = pair.client.session().open_stream(Direction::bidirectional).value();
  pair.client.session().write(id, Bytes::copy_of("x"), false);
  pair.wire.run();
  pair.client.session().reset(id, 0xFFFFFFFF);
  pair.client.session().stop_sending(id, 30);
  pair.wire.run();
  EXPECT_EQ(pair.server.log().log, (Log{"bidirectional 4", "data 4", "reset 4 4294967295", "stop 4 30", "closed 4"}));
}

TEST(WtPair, Datagrams) {
  Pair pair;
  EXPECT_TRUE(pair.client.session().send_datagram(as_bytes("ping")));
  EXPECT_TRUE(pair.server.session().send_datagram(as_bytes("pong")));
  pair.wire.run();
  EXPECT_EQ(pair.server.log().log, (Log{"datagram ping"}));
  EXPECT_EQ(pair.client.log().log, (Log{"datagram pong"}));
}

TEST(WtPair, CloseByEitherSide) {
  for (const bool by_client : {true, false}) {
    Pair pair;
    const StreamId id = pair.client.session().open_stream(Direction::bidirectional).value();
    pair.client.session().write(id, Bytes::copy_of("x"), false);
    pair.wire.run();
    (by_client ? pair.client : pair.server).session().close(17, "done");
    pair.wire.run();
    EXPECT_EQ(pair.client.log().log.back(), "over 17 done clean");
    EXPECT_EQ(pair.server.log().log.back(), "over 17 done clean");
    EXPECT_EQ(pair.client.sessions.session_count() + pair.server.sessions.session_count(), 0U);
    EXPECT_EQ(pair.client.connection.stream_count() + pair.server.connection.stream_count(), 0U);
    EXPECT_EQ(pair.server.others + pair.client.others, 0);
  }
}

TEST(WtPair, DrainByEitherSide) {
  Pair pair;
  pair.client.session().drain();
  pair.server.session().drain();
  pair.wire.run();
  EXPECT_EQ(pair.client.log().log, (Log{"draining"}));
  EXPECT_EQ(pair.server.log().log, (Log{"draining"}));
  pair.server.connection.goaway();
  pair.wire.run();
  EXPECT_EQ(pair.client.log().log, (Log{"draining"}));
}

TEST(WtPair, ServersStreamsMayOvertakeTheResponse) {
  Endpoint client{Role::client};
  client.connection.handle_ready();
  client.feed_settings(h3::webtransport_settings());
  const StreamId id = client.connect();
  client.feed(1, stream_header(1, id) + to_buffer("first"));
  client.feed(id, headers({{":status", "103"}}));
  EXPECT_EQ(client.log(id).log, Log{});
  client.feed(id, headers({{":status", "200"}}));
  EXPECT_EQ(client.log(id).log, (Log{"bidirectional 1", "data 1"}));
}

TEST(WtPair, ASessionThatOpensAfterGoawayIsToldToo) {
  Endpoint client{Role::client};
  client.connection.handle_ready();
  client.feed_settings(h3::webtransport_settings());
  const StreamId id = client.connect();
  client.feed(3, h3::frame(h3::frame_type::kGoaway, varint(4)));
  client.feed(id, headers({{":status", "200"}}));
  EXPECT_EQ(client.log(id).log, (Log{"draining"}));
}

TEST(WtPair, ARefusal) {
  Endpoint client{Role::client};
  client.connection.handle_ready();
  client.feed_settings(h3::webtransport_settings());
  const StreamId id = client.connect();
  client.feed(1, stream_header(1, id));
  client.feed(id, headers({{":status", "403"}}), true);
  EXPECT_EQ(client.out(1).stopped, code::kSessionGone);
  EXPECT_EQ(client.sessions.session_count(), 0U);
}

}  // namespace
}  // namespace plait::wt
