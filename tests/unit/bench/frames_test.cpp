#include "bench/components/generator/frames.hpp"
#include "bench/components/generator/deflate.hpp"
#include "bench/components/generator/replies.hpp"
#include "bench/components/generator/sender.hpp"
#include "bench/components/generator/socket_io.hpp"
#include "bench/components/raw_frames.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace plait::bench {
namespace {

using Buffer = std::vector<std::uint8_t>;

Buffer whole_cycle(const FrameCycle& cycle) {
  const ByteView bytes = cycle.slice(0, cycle.cycle_bytes());
  return {bytes.begin(), bytes.end()};
}

/// What a correct echo server answers to one cycle.
Buffer echo(const FrameCycle& cycle) {
  Buffer input = whole_cycle(cycle);
  RawConnection connection(-1);
  const ByteView answer = answer_frames(connection, input);
  return {answer.begin(), answer.end()};
}

TEST(BenchFrames, HeaderLengthsOnBothSidesOfEachBoundary) {  // RFC 6455 §5.2
  EXPECT_EQ(frame_header(0, false, kFinBinary), (Buffer{0x82, 0}));
  EXPECT_EQ(frame_header(125, false, kFinBinary), (Buffer{0x82, 125}));
  EXPECT_EQ(frame_header(126, false, kFinBinary), (Buffer{0x82, 126, 0, 126}));
  EXPECT_EQ(frame_header(65535, false, kFinBinary), (Buffer{0x82, 126, 0xFF, 0xFF}));
  EXPECT_EQ(frame_header(65536, false, kFinBinary), (Buffer{0x82, 127, 0, 0, 0, 0, 0, 1, 0, 0}));
  EXPECT_EQ(frame_header(5, true, kFinText).size(), 6U);
  EXPECT_EQ(frame_header(5, true, kFinText)[1], 0x85);
}

TEST(BenchFrames, PayloadIsAsLongAsAskedAndDiffersByIndex) {
  for (const std::size_t size : {1U, 93U, 1024U}) EXPECT_EQ(make_payload(size, 0).size(), size);
  EXPECT_NE(make_payload(93, 0), make_payload(93, 1));
}

class BenchRoundTrip : public testing::TestWithParam<std::size_t> {};
INSTANTIATE_TEST_SUITE_P(Sizes, BenchRoundTrip, testing::Values(1, 93, 125, 126, 1000, 65535, 65536));

TEST_P(BenchRoundTrip, EveryMessageOfACycleComesBack) {
  const FrameCycle cycle({.distinct = true, .payload_bytes = GetParam()}, 3);
  KnownReplies replies(cycle, true);
  EXPECT_EQ(replies.count(echo(cycle)), cycle.period());
  EXPECT_FALSE(replies.is_broken());
}

TEST(BenchReplies, CutAnywhereCountsTheSame) {
  const FrameCycle cycle({.distinct = true, .payload_bytes = 130}, 1);
  const Buffer answer = echo(cycle);
  for (const bool verify : {false, true}) {
    for (std::size_t cut = 0; cut <= 300; ++cut) {
      KnownReplies known(cycle, verify);
      FrameScanner scanner;
      const ByteView view = answer;
      EXPECT_EQ(known.count(view.first(cut)) + known.count(view.subspan(cut)), cycle.period());
      EXPECT_EQ(scanner.count(view.first(cut)) + scanner.count(view.subspan(cut)), cycle.period());
      ASSERT_FALSE(known.is_broken() || scanner.is_broken()) << cut;
      EXPECT_EQ(scanner.payload_bytes(), 130 * cycle.period());
    }
  }
}

TEST(BenchReplies, WrongOpcodeOrLengthIsSeenWithoutVerify) {
  const FrameCycle cycle({.payload_bytes = 200}, 1);
  for (const std::size_t index : {0U, 1U, 2U, 3U}) {
    Buffer answer = echo(cycle);
    answer[index] ^= 1;
    KnownReplies replies(cycle, false);
    replies.count(answer);
    EXPECT_TRUE(replies.is_broken()) << index;
  }
}

TEST(BenchReplies, VerifySeesEverySingleByte) {
  const FrameCycle cycle({.payload_bytes = 20}, 1);
  const Buffer good = echo(cycle);
  for (std::size_t index = 0; index < good.size(); ++index) {
    Buffer answer = good;
    answer[index] ^= 0x20;
    KnownReplies replies(cycle, true);
    replies.count(answer);
    EXPECT_TRUE(replies.is_broken()) << index;
  }
}

TEST(BenchReplies, VerifySeesAMessageOutOfOrder) {
  const FrameCycle cycle({.distinct = true, .payload_bytes = 50}, 1);
  Buffer answer = echo(cycle);
  std::rotate(answer.begin(), answer.begin() + 52, answer.end());
  KnownReplies replies(cycle, true);
  replies.count(answer);
  EXPECT_TRUE(replies.is_broken());
}

TEST(BenchReplies, ScannerJoinsFragmentsAndSkipsControlFrames) {  // RFC 6455 §5.4
  const Buffer frames = {0x02, 2, 'a', 'b', 0x8A, 1, 'x', 0x80, 1, 'c', 0x88, 0};
  FrameScanner scanner(true);
  EXPECT_EQ(scanner.count(frames), 1U);
  EXPECT_TRUE(scanner.is_closed());
  const auto messages = scanner.take_messages();
  ASSERT_EQ(messages.size(), 1U);
  EXPECT_EQ(messages[0].payload, (Buffer{'a', 'b', 'c'}));
}

TEST(BenchReplies, ScannerCountsThePayloadThatHasCome) {
  FrameScanner scanner;
  scanner.count(Buffer{0x82, 127, 0, 0, 0, 0, 0x40, 0, 0, 0});  // 1 GiB, it says
  EXPECT_EQ(scanner.payload_bytes(), 0U);
  scanner.count(Buffer(1000));
  EXPECT_EQ(scanner.payload_bytes(), 1000U);
}

TEST(BenchReplies, ScannerKnowsTheAnswerToItsPing) {  // RFC 6455 §5.5.3
  const Buffer others = {0x8A, 0, 0x8A, 2, 'a', 'x', 0x89, 2, 'a', 'b', 0x82, 2, 'a', 'b'};
  const Buffer answer = {0x8A, 2, 'a', 'b', 0x8A, 0};
  for (std::size_t cut = 0; cut < answer.size(); ++cut) {
    FrameScanner scanner;
    scanner.count(answer);
    EXPECT_FALSE(scanner.has_pong()) << "nobody has asked";
    scanner.await_pong(as_bytes("ab"));
    scanner.count(others);
    EXPECT_FALSE(scanner.has_pong());
    scanner.count(ByteView{answer}.first(cut));
    EXPECT_EQ(scanner.has_pong(), cut >= 4);
    scanner.count(ByteView{answer}.subspan(cut));
    EXPECT_TRUE(scanner.has_pong()) << cut;
  }
}

TEST(BenchReplies, ScannerRefusesMaskedFramesAndReservedOpcodes) {  // RFC 6455 §5.1, §5.2
  FrameScanner masked;
  masked.count(Buffer{0x82, 0x81, 1, 2, 3, 4, 5});
  EXPECT_TRUE(masked.is_broken());
  FrameScanner reserved;
  reserved.count(Buffer{0x83, 0});
  EXPECT_TRUE(reserved.is_broken());
  FrameScanner long_control;  // §5.5
  long_control.count(Buffer{0x8A, 126, 0, 126});
  EXPECT_TRUE(long_control.is_broken());
}

TEST(BenchSender, SliceWrapsAtTheCyclesEnd) {
  const FrameCycle cycle({.distinct = true, .payload_bytes = 10}, 4);
  const Buffer once = whole_cycle(cycle);
  for (std::size_t offset = 0; offset < cycle.cycle_bytes(); ++offset) {
    const ByteView slice = cycle.slice(offset, 4 * cycle.frame_bytes());
    ASSERT_EQ(slice.size(), 4 * cycle.frame_bytes());
    for (std::size_t i = 0; i < slice.size(); ++i) ASSERT_EQ(slice[i], once[(offset + i) % once.size()]);
  }
}

TEST(BenchSender, BatchesComeOffOldestFirst) {
  BatchQueue queue;
  queue.push(100, 3);
  queue.push(200, 2);
  std::vector<std::pair<std::uint64_t, std::size_t>> seen;
  const auto visit = [&seen](std::uint64_t time, std::size_t count) { seen.emplace_back(time, count); };
  EXPECT_EQ(queue.pop(2, visit), 0U);
  EXPECT_EQ(queue.pop(2, visit), 0U);
  EXPECT_EQ(queue.pop(5, visit), 4U);
  EXPECT_EQ(seen, (std::vector<std::pair<std::uint64_t, std::size_t>>{{100, 2}, {100, 1}, {200, 1}, {200, 1}}));
}

TEST(BenchDeflate, RoundTripAndBound) {  // RFC 7692 §7.2
  const Buffer payload = make_payload(5000, 0);
  const Buffer compressed = deflate_message(payload);
  EXPECT_LT(compressed.size(), payload.size());
  EXPECT_EQ(inflate_message(compressed, 5000), payload);
  EXPECT_TRUE(inflate_message(compressed, 4999).empty());
  EXPECT_TRUE(inflate_message(make_payload(50, 0), 5000).empty());
}

TEST(BenchSocketIo, GreetingAnswersTheOpenPacketCutAnywhere) {
  const auto frame = [](std::string_view text) {
    Buffer out = frame_header(text.size(), false, kFinText);
    out.insert(out.end(), text.begin(), text.end());
    return out;
  };
  const Buffer open = frame(R"(0{"sid":"x","pingInterval":25000})");
  const Buffer connected = frame(R"(40{"sid":"y"})");
  for (std::size_t cut = 0; cut < open.size(); ++cut) {
    SocketIoGreeting greeting;
    EXPECT_TRUE(greeting.handle(ByteView{open}.first(cut)).empty());
    EXPECT_EQ(greeting.handle(ByteView{open}.subspan(cut)), make_client_frame(as_bytes("40"), kFinText));
    EXPECT_FALSE(greeting.is_done());
    EXPECT_TRUE(greeting.handle(connected).empty());
    EXPECT_TRUE(greeting.is_done());
  }
}

TEST(BenchSocketIo, EventQuotesItsPayloadOnce) {
  const Buffer event = socket_io_event(as_bytes(R"({"a":1})"));
  EXPECT_EQ(as_text(event), R"(42["message","{'a':1}"])");
}

}  // namespace
}  // namespace plait::bench
