// What the decoder accepts: RFC 6455's examples, messages of every shape and size, and how it takes large ones.
#include "ws/decoder.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "unit/ws/frames.hpp"

namespace plait::ws {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr Decoder::Options kParts{.parts = true};

TEST(Decoder, Rfc6455Section5_7_UnmaskedText) {
  EXPECT_THAT(decode(bytes_of({0x81, 0x05, 0x48, 0x65, 0x6c, 0x6c, 0x6f}), kClient), ElementsAre(text("Hello")));
}

TEST(Decoder, Rfc6455Section5_7_MaskedText) {
  const auto frame = bytes_of({0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58});
  EXPECT_THAT(decode(frame), ElementsAre(text("Hello")));
}

TEST(Decoder, Rfc6455Section5_7_FragmentedText) {
  const auto frames = bytes_of({0x01, 0x03, 0x48, 0x65, 0x6c}) + bytes_of({0x80, 0x02, 0x6c, 0x6f});
  EXPECT_THAT(decode(frames, kClient), ElementsAre(text("Hello")));
}

TEST(Decoder, Rfc6455Section5_7_PingAndPong) {
  EXPECT_THAT(decode(bytes_of({0x89, 0x05, 0x48, 0x65, 0x6c, 0x6c, 0x6f}), kClient), ElementsAre(ping("Hello")));
  const auto pong_frame = bytes_of({0x8a, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58});
  EXPECT_THAT(decode(pong_frame), ElementsAre(pong("Hello")));
}

TEST(Decoder, Rfc6455Section5_7_256Bytes) {
  const std::string payload(256, '\x5A');
  const auto frame = bytes_of({0x82, 0x7E, 0x01, 0x00}) + Buffer(payload.begin(), payload.end());
  EXPECT_THAT(decode(frame, kClient), ElementsAre(binary(payload)));
}

TEST(Decoder, Rfc6455Section5_7_64KiB) {
  const std::string payload(65536, '\x5A');
  const auto frame = bytes_of({0x82, 0x7F, 0, 0, 0, 0, 0, 1, 0, 0}) + Buffer(payload.begin(), payload.end());
  EXPECT_THAT(decode(frame, kClient), ElementsAre(binary(payload)));
}

TEST(Decoder, DecodesWhatTheEncoderWroteOnBothSidesOfEachLengthBoundary) {
  for (const std::size_t size : {0U, 1U, 125U, 126U, 127U, 4095U, 4096U, 65535U, 65536U, 65537U}) {
    std::string payload(size, 'x');
    for (std::size_t i = 0; i < size; ++i) payload[i] = static_cast<char>('a' + i % 26);
    const Frame masked{.opcode = Opcode::binary, .payload = payload};
    const Frame plain{.opcode = Opcode::text, .payload = payload, .key = std::nullopt};
    EXPECT_THAT(decode(masked.bytes()), ElementsAre(binary(payload))) << size;
    EXPECT_THAT(decode(plain.bytes(), kClient), ElementsAre(text(payload))) << size;
    EXPECT_EQ(join_parts(decode(masked.bytes(), kParts)), std::vector{part(payload, true, MessageKind::binary)})
        << size;
  }
}

TEST(Decoder, AMaskingKeyOfZeroMasksNothing) {
  EXPECT_THAT(decode(Frame{.payload = "plain", .key = 0}.bytes()), ElementsAre(text("plain")));
}

TEST(Decoder, FragmentsAreUnmaskedEachWithItsOwnKey) {
  const auto frames =
      Frame{.payload = "one ", .fin = false, .key = 0x11223344}.bytes() +
      Frame{.opcode = Opcode::continuation, .payload = "two ", .fin = false, .key = 0x55667788}.bytes() +
      Frame{.opcode = Opcode::continuation, .payload = "three", .key = 0x99AABBCC}.bytes();
  EXPECT_THAT(decode(frames), ElementsAre(text("one two three")));
}

TEST(Decoder, PingsBetweenFragmentsAreReportedBeforeTheMessage) {
  const auto frames =
      Frame{.payload = "frag", .fin = false}.bytes() + Frame{.opcode = Opcode::ping, .payload = "not empty"}.bytes() +
      Frame{.opcode = Opcode::ping}.bytes() + Frame{.opcode = Opcode::continuation, .payload = "ment"}.bytes();
  EXPECT_THAT(decode(frames), ElementsAre(ping("not empty"), ping(""), text("fragment")));
}

TEST(Decoder, UnsolicitedPongIsAccepted) {
  EXPECT_THAT(decode(Frame{.opcode = Opcode::pong, .payload = "alive"}.bytes()), ElementsAre(pong("alive")));
}

TEST(Decoder, FragmentsMayBeEmpty) {
  const auto frames = Frame{.fin = false}.bytes() + Frame{.opcode = Opcode::continuation, .fin = false}.bytes() +
                      Frame{.opcode = Opcode::continuation}.bytes() + Frame{.payload = "next"}.bytes();
  EXPECT_THAT(decode(frames), ElementsAre(text(""), text("next")));
  EXPECT_THAT(decode(frames, kParts), ElementsAre(part("", true), part("next", true)));
}

TEST(Decoder, ACharacterMayBeSplitBetweenFragments) {
  const auto frames = Frame{.payload = "\xE2\x82", .fin = false}.bytes() +
                      Frame{.opcode = Opcode::continuation, .payload = "\xAC"}.bytes();
  EXPECT_THAT(decode(frames), ElementsAre(text("\xE2\x82\xAC")));
  EXPECT_THAT(join_parts(decode(frames, kParts)), ElementsAre(part("\xE2\x82\xAC", true)));
}

TEST(Decoder, BinaryMessagesNeedNotBeUtf8) {
  const auto frames = Frame{.opcode = Opcode::binary, .payload = "\xFF"}.bytes() +
                      Frame{.opcode = Opcode::binary, .payload = "\xFF", .fin = false}.bytes() +
                      Frame{.opcode = Opcode::continuation, .payload = "\xFE"}.bytes();
  EXPECT_THAT(decode(frames), ElementsAre(binary("\xFF"), binary("\xFF\xFE")));
}

TEST(Decoder, CloseWithoutCode) {
  EXPECT_THAT(decode(Frame{.opcode = Opcode::close}.bytes()), ElementsAre(closed(1005)));
}

TEST(Decoder, CloseWithCodeAndReason) {
  EXPECT_THAT(decode(Frame{.opcode = Opcode::close, .payload = "\x03\xE8"}.bytes()), ElementsAre(closed(1000)));
  const std::string reason(123, 'r');
  EXPECT_THAT(decode(Frame{.opcode = Opcode::close, .payload = "\x0F\xA0" + reason}.bytes()),
              ElementsAre(closed(4000, reason)));
}

TEST(Decoder, CloseInsideAFragmentedMessageDropsTheMessage) {
  const auto frames = Frame{.payload = "never ended", .fin = false}.bytes() +
                      Frame{.opcode = Opcode::close, .payload = "\x03\xE9"}.bytes();
  EXPECT_THAT(decode(frames), ElementsAre(closed(1001)));
}

TEST(Decoder, NothingFollowsAClose) {
  Driver driver;
  driver.feed(Frame{.opcode = Opcode::close}.bytes() + Frame{.payload = "late"}.bytes());
  driver.feed(Frame{.payload = "later"}.bytes());
  EXPECT_THAT(driver.seen, ElementsAre(closed(1005)));
  EXPECT_EQ(driver.kept_bytes(), 0U) << "and what comes is used up";
  EXPECT_TRUE(driver.decoder().direct_buffer().empty());
}

TEST(Decoder, NothingFollowsAFailure) {
  Driver driver;
  driver.feed(Frame{.payload = "good"}.bytes() + bytes_of({0x83, 0x80}) + Frame{.payload = "late"}.bytes());
  driver.feed(Frame{.payload = "later"}.bytes());
  EXPECT_THAT(driver.seen, ElementsAre(text("good"), failed(Error::reserved_opcode)));
  EXPECT_EQ(driver.kept_bytes(), 0U);
}

TEST(Decoder, AHeaderIsJudgedByItsFirstTwoBytes) {
  EXPECT_THAT(decode(bytes_of({0x83, 0x80})), ElementsAre(failed(Error::reserved_opcode)));
  EXPECT_THAT(decode(bytes_of({0x83})), IsEmpty());
}

TEST(Decoder, IdleDecoderIsSmall) { EXPECT_LE(sizeof(Decoder), 96U); }

TEST(Decoder, ShortMessagesStopWhenTold) {
  core::BufferPool pool;
  const Limits limits;
  Decoder decoder{{}, limits, pool};
  const Buffer second = Frame{.payload = "the second message"}.bytes();
  Buffer frames = Frame{.payload = "the first message"}.bytes() + second;
  MutableByteView input{frames};
  std::vector<std::string> taken;
  decoder.take_short_messages(input, Decoder::in_place, [&taken](MessageKind, ByteView payload) {
    taken.emplace_back(as_text(payload));
    return false;
  });
  EXPECT_THAT(taken, ElementsAre("the first message"));
  EXPECT_EQ(input.size(), second.size());
  EXPECT_EQ(as_text(decoder.next(input).payload), "the second message");
}

TEST(Decoder, ShortMessagesLeaveInvalidTextToNext) {
  core::BufferPool pool;
  const Limits limits;
  Decoder decoder{{}, limits, pool};
  Buffer frame = Frame{.payload = "not UTF-8: \xC3\x28, at least a header long"}.bytes();
  MutableByteView input{frame};
  decoder.take_short_messages(input, Decoder::in_place, [](MessageKind, ByteView) { return ADD_FAILURE(), true; });
  EXPECT_EQ(input.size(), frame.size());
  EXPECT_EQ(decoder.next(input).error, Error::invalid_utf8_text);
}

// --- Where the payload is -------------------------------------------------------------------------------------------

TEST(DecoderStorage, AWholeFrameStaysInTheInput) {
  core::BufferPool pool;
  const Limits limits;
  Decoder decoder{{}, limits, pool};
  Buffer frame = Frame{.payload = std::string(70'000, 'a')}.bytes();
  MutableByteView input{frame};
  const Event event = decoder.next(input);
  ASSERT_EQ(event.kind, Event::Kind::message);
  EXPECT_EQ(event.storage, Message::Storage::receive_buffer);
  EXPECT_EQ(event.payload.data(), frame.data() + 14);
  EXPECT_EQ(event.block, nullptr);
}

TEST(DecoderStorage, TheRestOfAShortFrameStaysInTheInput) {
  Driver driver;
  const Buffer frame = Frame{.payload = std::string(Decoder::kDirectBytes - 1, 'a')}.bytes();
  driver.feed(ByteView{frame}.first(frame.size() - 1));
  EXPECT_TRUE(driver.decoder().direct_buffer().empty());
  EXPECT_EQ(driver.kept_bytes(), frame.size() - 1);
}

TEST(DecoderStorage, TheRestOfALargeFrameIsReadStraightIntoItsBlock) {
  Driver driver;
  const std::string payload(Decoder::kDirectBytes, 'a');
  const Buffer frame = Frame{.payload = payload}.bytes();
  driver.feed(ByteView{frame}.first(100));
  EXPECT_EQ(driver.kept_bytes(), 0U);
  EXPECT_EQ(driver.decoder().direct_buffer().size(), frame.size() - 100);
  driver.feed(ByteView{frame}.subspan(100));
  EXPECT_EQ(driver.direct_reads, 1U);
  EXPECT_THAT(driver.seen, ElementsAre(text(payload)));
}

TEST(DecoderStorage, AGatheredMessageIsReportedInItsBlock) {
  core::BufferPool pool;
  const Limits limits;
  Decoder decoder{{}, limits, pool};
  Buffer frame = Frame{.opcode = Opcode::binary, .payload = std::string(10'000, 'b')}.bytes();
  MutableByteView input = MutableByteView{frame}.first(5'000);
  ASSERT_EQ(decoder.next(input).kind, Event::Kind::need_more);
  const MutableByteView direct = decoder.direct_buffer();
  ASSERT_EQ(direct.size(), frame.size() - 5'000);
  std::copy(frame.begin() + 5'000, frame.end(), direct.begin());
  decoder.commit_direct(direct.size());
  const Event event = decoder.next(input);
  ASSERT_EQ(event.kind, Event::Kind::message);
  EXPECT_EQ(event.storage, Message::Storage::block);
  EXPECT_EQ(event.payload.data(), event.block->data());
  EXPECT_EQ(as_text(event.payload), std::string(10'000, 'b'));
  EXPECT_TRUE(decoder.direct_buffer().empty());
}

TEST(DecoderStorage, TheBlockOfAMessageIsHeldUntilTheNextCallOnly) {
  core::BufferPool pool;
  const Limits limits;
  Decoder decoder{{}, limits, pool};
  Buffer frames = Frame{.payload = "a", .fin = false}.bytes() + Frame{.opcode = Opcode::continuation}.bytes();
  MutableByteView input{frames};
  const Event event = decoder.next(input);
  ASSERT_EQ(event.storage, Message::Storage::block);
  const Bytes kept = Bytes::share(*event.block, event.payload);
  EXPECT_EQ(kept.block()->reference_count.load(), 2U);
  EXPECT_EQ(decoder.next(input).kind, Event::Kind::need_more);
  EXPECT_EQ(kept.block()->reference_count.load(), 1U);
  EXPECT_EQ(kept.text(), "a");
}

TEST(DecoderStorage, NoDirectBufferBetweenFragments) {
  Driver driver;
  driver.feed(Frame{.payload = std::string(10'000, 'a'), .fin = false}.bytes());
  EXPECT_TRUE(driver.decoder().direct_buffer().empty()) << "a control frame may come";
}

TEST(DecoderStorage, BlocksGoBackToThePoolWhenTheDecoderGoes) {
  core::BufferPool pool;
  {
    const Limits limits;
    Decoder decoder{{}, limits, pool};
    Buffer frame = Frame{.payload = std::string(10'000, 'a')}.bytes();
    MutableByteView input = MutableByteView{frame}.first(100);
    ASSERT_EQ(decoder.next(input).kind, Event::Kind::need_more);
    ASSERT_EQ(pool.kept_bytes(), 0U);
  }
  EXPECT_EQ(pool.kept_bytes(), 16'384U);
}

TEST(DecoderParts, PartialPayloadIsReportedAsItComes) {
  Driver driver{kParts};
  const Buffer frame = Frame{.payload = "abcdef"}.bytes();
  driver.feed(ByteView{frame}.first(8));
  EXPECT_THAT(driver.seen, ElementsAre(part("ab", false)));
  driver.feed(ByteView{frame}.subspan(8));
  EXPECT_THAT(driver.seen, ElementsAre(part("ab", false), part("cdef", true)));
}

TEST(DecoderParts, AFrameLargerThanEveryLimitIsStreamed) {
  Limits limits;
  limits.message_bytes_max = 10;
  Driver driver{kParts, limits};
  driver.feed(bytes_of({0x82, 0xFF, 0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0, 'h', 'i'}));
  EXPECT_THAT(driver.seen, ElementsAre(part("hi", false, MessageKind::binary)));
}

}  // namespace
}  // namespace plait::ws
