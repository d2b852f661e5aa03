// LoopTable: ids of the past find nothing.
#include <gtest/gtest.h>

#include <vector>

#include "unit/transport/connected_loop.hpp"

namespace plait::transport {
namespace {

class Silent final : public Protocol {
 public:
  explicit Silent(int& closed) : closed_(closed) {}
  void handle_bytes(MutableByteView& input) override { input = {}; }
  void handle_deadline(core::TimePoint) override {}
  void handle_drain() override {}
  void handle_closed(const Disconnect&) override { ++closed_; }

 private:
  int& closed_;
};

class TransportLoopTable : public testing::Test, protected ConnectedLoop {
 protected:
  TransportLoopTable() : ConnectedLoop({}, {}, 3) {}
  ~TransportLoopTable() override { end_connections(); }

  TcpConnection& connect() {
    TcpConnection& connection = *ConnectedLoop::connect(std::make_unique<Silent>(closed_));
    peers_.push_back(std::move(peer_));
    return connection;
  }
  void end(LoopEntry& connection) {
    connection.abort({});
    loop_->run_once(Duration::zero());
  }
  LoopTable& table() { return context_.entries; }

  int closed_ = 0;
  std::vector<net::Socket> peers_;
};

TEST_F(TransportLoopTable, FindsWhatIsThere) {
  TcpConnection& first = connect();
  TcpConnection& second = connect();
  EXPECT_EQ(table().find(first.id()), &first);
  EXPECT_EQ(table().find(second.id()), &second);
  EXPECT_EQ(first.id().loop, 3U);
  EXPECT_EQ(table().size(), 2U);
  EXPECT_EQ(connection_count_, 2U);
}

TEST_F(TransportLoopTable, AnIdOfThePastFindsNothingAlsoWhenItsPlaceIsTakenAgain) {
  const SessionId past = connect().id();
  end(*table().find(past));
  EXPECT_EQ(table().find(past), nullptr);
  TcpConnection& next = connect();
  EXPECT_EQ(next.id().index, past.index);
  EXPECT_NE(next.id().generation, past.generation);
  EXPECT_EQ(table().find(past), nullptr);
  EXPECT_EQ(table().remove(past), nullptr);
  EXPECT_EQ(table().find(next.id()), &next);
}

// The first connection of a table had it, so that whoever meant "none" found that one.
TEST_F(TransportLoopTable, AnIdThatWasNeverGivenOutFindsNothing) {
  const SessionId first = connect().id();
  EXPECT_EQ(first.index, 0U);
  EXPECT_EQ(table().find({}), nullptr);
  EXPECT_EQ(table().find({.loop = 3, .index = 0, .generation = 0}), nullptr);
  EXPECT_NE(table().find(first), nullptr);
}

TEST_F(TransportLoopTable, AnIdOutOfRangeFindsNothing) {
  connect();
  EXPECT_EQ(table().find({.loop = 3, .index = 1, .generation = 0}), nullptr);
  EXPECT_EQ(table().find({.loop = 3, .index = UINT32_MAX, .generation = 0}), nullptr);
}

TEST_F(TransportLoopTable, VisitedConnectionsMayEnd) {
  for (int i = 0; i < 5; ++i) connect();
  int visited = 0;
  table().for_each([&](LoopEntry& connection) {
    ++visited;
    connection.abort({});
  });
  EXPECT_EQ(visited, 5);
  EXPECT_EQ(closed_, 5);
  EXPECT_EQ(table().size(), 0U);
  EXPECT_EQ(connection_count_, 0U);
  loop_->run_once(Duration::zero());
}

TEST_F(TransportLoopTable, AConnectionIsClosedOnce) {
  TcpConnection& connection = connect();
  connection.abort();
  connection.abort();
  EXPECT_EQ(closed_, 1);
  loop_->run_once(Duration::zero());
}

}  // namespace
}  // namespace plait::transport
