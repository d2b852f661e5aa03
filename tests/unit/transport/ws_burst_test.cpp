// What a message in parts does to those behind it.
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>

#include "transport/loop_context.hpp"
#include "transport/ws_session.hpp"

namespace plait::transport {
namespace {

TEST(TransportWsBurst, IsOneReferenceAgainBehindAMessageInParts) {
  const Limits limits;
  const std::unique_ptr<net::Loop> loop = *net::Loop::make();
  std::atomic<std::size_t> connection_count{0};
  LoopContext context{*loop, limits, 0, connection_count};
  std::array<int, 2> ends{};
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends.data()), 0);
  const net::Socket peer{ends[1]};
  auto owned = std::make_unique<WsSession>(context, std::make_unique<SessionHandler>(), WsSession::Options{});
  WsSession& session = *owned;
  ASSERT_NE(TcpConnection::start(context, net::Socket{ends[0]}, nullptr, std::move(owned)), nullptr);
  MessageBurst burst;
  burst.add(MessageKind::text, Bytes::copy_of("one"));
  burst.add(MessageKind::text, Bytes::copy_of("two"));

  MessageWriter* writer = session.begin_message(MessageKind::text);
  ASSERT_NE(writer, nullptr);
  EXPECT_EQ(writer->write(as_bytes("part")), SendStatus::sent);
  EXPECT_EQ(session.send_burst(burst, {}).accepted, 0U) << "inside another message";
  EXPECT_EQ(writer->finish(), SendStatus::sent);
  loop->run_once({});
  ASSERT_EQ(session.buffered_bytes(), 0U);

  EXPECT_EQ(session.send_burst(burst, {}).accepted, burst.size());
  const Bytes& frames = context.broadcast.frames_of(burst);
  std::array<iovec, 4> segments{};
  ASSERT_EQ(session.connection().output().fill(segments), 1U);
  EXPECT_EQ(segments[0].iov_base, frames.data());
  EXPECT_EQ(segments[0].iov_len, frames.size());
  context.connections.for_each([](Connection& connection) { connection.abort({}); });
  loop->run_once({});
}

}  // namespace
}  // namespace plait::transport
