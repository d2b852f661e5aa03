// Who is dead: a peer that answers no ping and takes nothing. One that reads slowly lives, though its pong is late.
#include <gtest/gtest.h>

#include <vector>

#include "unit/transport/connected_loop.hpp"

namespace plait::transport {
namespace {

constexpr std::size_t kBacklogBytes = std::size_t{8} << 20;

/// With and without a backlog that stops the reading: a client's never does.
class TransportDeadPeer : public testing::TestWithParam<std::size_t>, protected ConnectedLoop {
 protected:
  TransportDeadPeer() : ConnectedLoop({.send_high_water_bytes = GetParam()}) { loop_->run_once({}); }
  void send_backlog() {
    const std::vector<std::uint8_t> payload(kBacklogBytes);
    session_->send(Message::binary(payload), {});
    loop_->run_once({});
  }
  void read_some() {
    std::vector<std::uint8_t> buffer(256 << 10);
    const net::IoStatus status = peer_.read(MutableByteView{buffer}).status;
    EXPECT_TRUE(status == net::IoStatus::ok || session_->buffered_bytes() == 0);
    loop_->run_once({});
  }
  void pass_deadline() { session_->handle_deadline(loop_->now()); }
  [[nodiscard]] bool is_alive() const { return context_.entries.size() == 1; }

  WsSession* const session_ = &open(std::make_unique<SessionHandler>());
};

TEST_P(TransportDeadPeer, IsCutWhenItTakesNothing) {
  send_backlog();
  pass_deadline();  // sends the ping
  EXPECT_TRUE(is_alive());
  pass_deadline();  // no answer in time
  EXPECT_FALSE(is_alive());
}

TEST_P(TransportDeadPeer, IsNotOneThatReadsSlowly) {
  send_backlog();
  for (int i = 0; i < 5; ++i) {
    pass_deadline();
    read_some();
    pass_deadline();
    ASSERT_TRUE(is_alive()) << "took a part of the backlog that the ping waits behind, " << i;
  }
  pass_deadline();
  pass_deadline();
  EXPECT_FALSE(is_alive()) << "took nothing this time";
}

TEST_P(TransportDeadPeer, HasTheWholeTimeForAPingThatWaitedBehindABacklog) {
  send_backlog();
  pass_deadline();
  while (session_->buffered_bytes() > 0) read_some();
  pass_deadline();
  EXPECT_TRUE(is_alive()) << "it took the backlog, and may not have come to the ping";
  pass_deadline();
  pass_deadline();
  EXPECT_FALSE(is_alive());
}

// Its pong may lie there, unread, where the backlog stops the reading.
TEST_P(TransportDeadPeer, IsNotOneThatReadsSlowlyWhatCameBehindThePing) {
  pass_deadline();
  send_backlog();
  read_some();
  pass_deadline();
  const bool reading_stopped = GetParam() < kBacklogBytes;
  EXPECT_EQ(is_alive(), reading_stopped);
  if (!reading_stopped) return;
  pass_deadline();
  pass_deadline();
  EXPECT_FALSE(is_alive()) << "took nothing this time";
}

INSTANTIATE_TEST_SUITE_P(HighWater, TransportDeadPeer, testing::Values(kBacklogBytes / 8, kBacklogBytes * 2));

}  // namespace
}  // namespace plait::transport
