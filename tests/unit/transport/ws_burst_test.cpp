// What a message in parts does to those behind it.
#include <gtest/gtest.h>

#include <array>

#include "unit/transport/connected_loop.hpp"

namespace plait::transport {
namespace {

class TransportWsBurst : public testing::Test, protected ConnectedLoop {};

TEST_F(TransportWsBurst, IsOneReferenceAgainBehindAMessageInParts) {
  WsSession& session = open(std::make_unique<SessionHandler>());
  MessageBurst burst;
  burst.add(MessageKind::text, Bytes::copy_of("one"));
  burst.add(MessageKind::text, Bytes::copy_of("two"));

  MessageWriter* writer = session.begin_message(MessageKind::text);
  ASSERT_NE(writer, nullptr);
  EXPECT_EQ(writer->write(as_bytes("part")), SendStatus::sent);
  EXPECT_EQ(session.send_burst(burst, {}).accepted, 0U) << "inside another message";
  EXPECT_EQ(writer->finish(), SendStatus::sent);
  loop_->run_once({});
  ASSERT_EQ(session.buffered_bytes(), 0U);

  EXPECT_EQ(session.send_burst(burst, {}).accepted, burst.size());
  const Bytes& frames = context_.broadcast.frames_of(burst);
  std::array<iovec, 4> segments{};
  ASSERT_EQ(session.connection().output().fill(segments), 1U);
  EXPECT_EQ(segments[0].iov_base, frames.data());
  EXPECT_EQ(segments[0].iov_len, frames.size());
}

}  // namespace
}  // namespace plait::transport
