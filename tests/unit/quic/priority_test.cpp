// Send order and send groups: which stream's bytes leave first.
#include "quic/send_schedule.hpp"
#include "unit/quic/network.hpp"

namespace plait::quic {
namespace {

// --- The schedule alone ----------------------------------------------------------------------------------------------

class QuicSendSchedule : public testing::Test {
 protected:
  QuicSendSchedule() {
    for (StreamId id = 0; Stream & stream : streams_) stream.id = id++;
  }
  Stream& stream(StreamId id) { return streams_[id]; }
  void add(StreamId id, std::uint64_t group, std::int64_t order) {
    schedule_.set_priority(stream(id), group, order);
    schedule_.push_back(stream(id));
  }
  /// The streams of the next `count` turns.
  std::vector<StreamId> turns(int count) {
    std::vector<StreamId> ids;
    for (int i = 0; i < count; ++i) {
      ids.push_back(schedule_.front().id);
      schedule_.move_to_back(schedule_.front());
    }
    return ids;
  }

  std::array<Stream, 8> streams_;
  SendSchedule schedule_;
};

using Ids = std::vector<StreamId>;

TEST_F(QuicSendSchedule, WithoutPrioritiesStreamsTakeTurns) {
  for (const StreamId id : {0, 1, 2}) schedule_.push_back(stream(id));
  schedule_.push_back(stream(1));
  EXPECT_EQ(schedule_.size(), 3U);
  EXPECT_EQ(turns(4), (Ids{0, 1, 2, 0}));
  schedule_.remove(stream(1));
  schedule_.remove(stream(1));
  EXPECT_EQ(turns(3), (Ids{2, 0, 2}));
}

TEST_F(QuicSendSchedule, TheHighestOrderOfAGroupGoesFirstAndEqualOnesTakeTurns) {
  add(0, 1, -5);
  add(1, 1, INT64_MAX);
  add(2, 1, INT64_MIN);
  add(3, 1, INT64_MAX);
  EXPECT_EQ(turns(3), (Ids{1, 3, 1}));
  schedule_.remove(stream(1));
  schedule_.remove(stream(3));
  EXPECT_EQ(turns(2), (Ids{0, 0}));
  schedule_.remove(stream(0));
  EXPECT_EQ(turns(2), (Ids{2, 2}));
  schedule_.remove(stream(2));
  EXPECT_TRUE(schedule_.empty());
}

TEST_F(QuicSendSchedule, GroupsTakeTurnsWhateverTheirOrders) {
  add(0, 1, 100);
  add(1, 2, -100);
  add(2, 2, -101);
  add(3, 3, 0);
  EXPECT_EQ(turns(6), (Ids{0, 1, 3, 0, 1, 3}));
}

TEST_F(QuicSendSchedule, ThoseThatWaitedBeforeTheFirstPriorityKeepTheirTurnsInGroup0) {
  for (const StreamId id : {0, 1, 2}) schedule_.push_back(stream(id));
  schedule_.set_priority(stream(1), 0, 1);
  EXPECT_EQ(schedule_.size(), 3U);
  EXPECT_EQ(turns(2), (Ids{1, 1}));
  schedule_.remove(stream(1));
  schedule_.push_back(stream(3));
  EXPECT_EQ(turns(4), (Ids{0, 2, 3, 0}));
}

TEST_F(QuicSendSchedule, APriorityMayChangeWhileTheStreamWaitsAndWhileItDoesNot) {
  add(0, 1, 1);
  add(1, 1, 2);
  schedule_.set_priority(stream(0), 1, 3);
  EXPECT_EQ(turns(1), Ids{0});
  schedule_.set_priority(stream(0), 2, 0);
  EXPECT_EQ(turns(4), (Ids{1, 0, 1, 0}));
  schedule_.remove(stream(0));
  schedule_.set_priority(stream(0), 1, 9);
  EXPECT_EQ(schedule_.size(), 1U) << "it has nothing to send";
  schedule_.push_back(stream(0));
  EXPECT_EQ(turns(2), (Ids{0, 0}));
}

// --- On a connection -------------------------------------------------------------------------------------------------

constexpr std::size_t kBytes = 300'000;

class QuicPriority : public testing::Test {
 protected:
  QuicPriority() { pair_.establish(); }
  StreamId send(std::uint64_t group, std::int64_t order) {
    const StreamId id = pair_.client.connection->open(Direction::unidirectional).value();
    pair_.client.connection->set_priority(id, group, order);
    EXPECT_TRUE(pair_.client.connection->write(id, Bytes::copy_of(pattern(kBytes, id)), true));
    return id;
  }
  void run_until_end_of(StreamId id) {
    EXPECT_TRUE(pair_.network.run([&] { return pair_.server().streams[id].fin; }));
    EXPECT_TRUE(pair_.server().streams[id].data == pattern(kBytes, id));
  }
  std::size_t received(StreamId id) { return pair_.server().streams[id].data.size(); }

  static constexpr std::size_t kUnderWay = 100'000;  // what may have followed within the packets of one round trip
  Pair pair_;
};

TEST_F(QuicPriority, StreamsOfAGroupAreSentInTheirOrder) {
  const StreamId low = send(1, -1);
  const StreamId high = send(1, 7);
  const StreamId middle = send(1, 0);
  run_until_end_of(high);
  EXPECT_LT(received(middle), kUnderWay);
  EXPECT_EQ(received(low), 0U);
  run_until_end_of(middle);
  EXPECT_LT(received(low), kUnderWay);
  run_until_end_of(low);
}

TEST_F(QuicPriority, GroupsAndStreamsWithoutOneShareTheConnection) {
  const StreamId one = send(1, 5);
  const StreamId behind = send(1, 4);
  const StreamId two = send(2, -5);
  const StreamId plain = pair_.client.connection->open(Direction::unidirectional).value();
  EXPECT_TRUE(pair_.client.connection->write(plain, Bytes::copy_of(pattern(kBytes, plain)), true));
  run_until_end_of(one);
  EXPECT_LT(received(behind), kUnderWay);
  EXPECT_GT(received(two), kBytes - kUnderWay);
  EXPECT_GT(received(plain), kBytes - kUnderWay);
  for (const StreamId id : {behind, two, plain}) run_until_end_of(id);
}

TEST_F(QuicPriority, AStreamThatIsRaisedOvertakes) {
  const StreamId first = send(1, 1);
  const StreamId second = send(1, 0);
  EXPECT_TRUE(pair_.network.run([&] { return received(first) > 0; }));
  pair_.client.connection->set_priority(second, 1, 2);
  run_until_end_of(second);
  EXPECT_LT(received(first), kBytes);
  run_until_end_of(first);
}

// Who has a high order and no credit does not keep the others back.
TEST_F(QuicPriority, AStreamWithoutCreditLetsTheNextOneGo) {
  pair_.server().consumes = false;
  const StreamId high = pair_.client.connection->open(Direction::unidirectional).value();
  pair_.client.connection->set_priority(high, 1, 9);
  EXPECT_TRUE(pair_.client.connection->write(high, Bytes::copy_of(pattern(2 << 20)), true));
  const StreamId low = send(1, 0);
  run_until_end_of(low);
  EXPECT_EQ(received(high), std::size_t{1} << 20) << "the stream's credit";
}

TEST_F(QuicPriority, OfAStreamThatIsGoneItIsNothing) {
  pair_.client.connection->set_priority(1234, 1, 1);
  const StreamId id = send(1, 1);
  pair_.client.connection->reset(id, 1);
  pair_.client.connection->set_priority(id, 2, 2);
  const StreamId other = send(2, 0);
  run_until_end_of(other);
}

}  // namespace
}  // namespace plait::quic
