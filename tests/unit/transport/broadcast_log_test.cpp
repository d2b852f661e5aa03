// BroadcastLog: frames for many sessions, each made once.
#include "transport/broadcast_log.hpp"

#include <gtest/gtest.h>

#include <string>

namespace plait::transport {
namespace {

class TransportBroadcastLog : public testing::Test {
 protected:
  static std::string text_of(const Bytes& bytes) { return std::string{bytes.text()}; }
  core::BufferPool pool_;
  BroadcastLog log_{pool_};
  MessageBurst burst_;
};

TEST_F(TransportBroadcastLog, ABurstsFramesAreMadeOnceOneBehindTheOther) {
  burst_.add(MessageKind::text, Bytes::copy_of("one"));
  burst_.add(MessageKind::binary, {});
  const Bytes first = log_.frames_of(burst_);
  EXPECT_EQ(text_of(first), std::string("\x81\x03one\x82\x00", 7));
  EXPECT_EQ(log_.frames_of(burst_).data(), first.data());
  EXPECT_EQ(log_.frames_of(burst_).size(), first.size());
}

TEST_F(TransportBroadcastLog, WhatIsAddedToABurstOrFollowsItIsInTheFramesThatFollow) {
  burst_.add(MessageKind::text, Bytes::copy_of("a"));
  const Bytes first = log_.frames_of(burst_);
  burst_.add(MessageKind::text, Bytes::copy_of("b"));
  const Bytes both = log_.frames_of(burst_);
  EXPECT_EQ(text_of(both),
            "\x81\x01"
            "a\x81\x01"
            "b");
  EXPECT_EQ(both.data(), first.data() + first.size()) << "adjacent, so that one segment holds both";
  burst_.clear();
  burst_.add(MessageKind::text, Bytes::copy_of("c"));
  EXPECT_EQ(text_of(log_.frames_of(burst_)),
            "\x81\x01"
            "c");
  EXPECT_EQ(text_of(first),
            "\x81\x01"
            "a")
      << "what a session still has to write stays as it is";
}

TEST_F(TransportBroadcastLog, AMessageHasItsOwnFrameThoughOnlyItsPlaceOrKindIsAnother) {
  const Bytes both = Bytes::copy_of("ab");
  const Bytes first = both.slice(0, 1);
  const Bytes second = both.slice(1, 1);
  const auto frame_of = [&](MessageKind kind, const Bytes& payload) {
    return std::string{as_text(log_.frame_of(Message::shared(kind, payload)))};
  };
  EXPECT_EQ(frame_of(MessageKind::text, first), std::string{"\x81\x01"} + "a");
  EXPECT_EQ(frame_of(MessageKind::text, second), std::string{"\x81\x01"} + "b");
  EXPECT_EQ(frame_of(MessageKind::binary, second), std::string{"\x82\x01"} + "b");
  EXPECT_EQ(frame_of(MessageKind::binary, first), std::string{"\x82\x01"} + "a");
}

// A burst may take a new block between two calls for one message, whose frame was in the old one.
TEST_F(TransportBroadcastLog, AFrameLiesInTheBlockThatIsTold) {
  const Bytes payload = Bytes::copy_of("again");
  const Message message = Message::shared(MessageKind::text, payload);
  (void)log_.frame_of(message);
  for (int i = 0; i < 2; ++i) burst_.add(MessageKind::binary, Bytes::copy_of(std::string(50'000, 'p')));
  (void)log_.frames_of(burst_);
  const ByteView frame = log_.frame_of(message);
  EXPECT_EQ(as_text(frame),
            "\x81\x05"
            "again");
  EXPECT_GE(frame.data(), log_.block().data());
  EXPECT_LE(frame.data() + frame.size(), log_.block().data() + log_.block().capacity);
}

TEST_F(TransportBroadcastLog, TwoLogsMakeTheirOwn) {
  BroadcastLog other{pool_};
  burst_.add(MessageKind::text, Bytes::copy_of("a"));
  const Bytes mine = log_.frames_of(burst_);
  const Bytes theirs = other.frames_of(burst_);
  EXPECT_EQ(text_of(mine), text_of(theirs));
  EXPECT_NE(mine.data(), theirs.data());
}

TEST_F(TransportBroadcastLog, ABurstLargerThanABlockGetsALargerOne) {
  const std::string payload(50'000, 'p');
  for (int i = 0; i < 4; ++i) burst_.add(MessageKind::binary, Bytes::copy_of(payload));
  const Bytes frames = log_.frames_of(burst_);
  ASSERT_EQ(frames.size(), 4 * (payload.size() + 4));
  EXPECT_EQ(frames.text().substr(4, payload.size()), payload);
  EXPECT_EQ(frames.text().substr(frames.size() - payload.size()), payload);
}

}  // namespace
}  // namespace plait::transport
