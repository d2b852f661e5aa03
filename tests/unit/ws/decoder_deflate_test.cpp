// Compressed messages (RFC 7692 §6, §7.2) through the decoder: every cut, every limit.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "codec/deflate.hpp"
#include "unit/ws/frames.hpp"

namespace plait::ws {
namespace {

using testing::ElementsAre;

std::string deflated(codec::Deflater& deflater, std::string_view message) {
  core::VectorSink sink;
  deflater.finish(as_bytes(message), sink);
  return {sink.bytes.begin(), sink.bytes.end()};
}

std::string deflated(std::string_view message) {
  codec::Deflater deflater{{}};
  return deflated(deflater, message);
}

// Every decoder needs an inflater of its own.
std::vector<Seen> decode_inflating(const Buffer& stream, std::size_t cut, bool parts = false,
                                   const Limits& limits = {}) {
  codec::Inflater inflater{{.ratio_max = limits.inflate_ratio_max}};
  return join_parts(decode_cut(stream, cut, {.parts = parts, .inflater = &inflater}, limits));
}

void expect_at_every_cut(const Buffer& stream, const std::vector<Seen>& expected, const Limits& limits = {}) {
  for (std::size_t cut = 0; cut <= stream.size(); ++cut) {
    ASSERT_EQ(decode_inflating(stream, cut, false, limits), expected) << "cut at " << cut;
  }
}

std::string varied_text(std::size_t size) {
  std::string text;
  for (unsigned i = 0; text.size() < size; i = i * 1664525 + 1013904223) text += std::to_string(i) + "\xE2\x82\xAC ";
  return text;
}

TEST(DecoderDeflate, Rfc7692Section7_2_3_1_OneFrame) {
  const auto frame = bytes_of({0xc1, 0x07, 0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00});
  codec::Inflater inflater{{}};
  EXPECT_THAT(decode(frame, {.role = Role::client, .inflater = &inflater}), ElementsAre(text("Hello")));
}

TEST(DecoderDeflate, Rfc7692Section7_2_3_1_TwoFragments) {
  const auto frames = bytes_of({0x41, 0x03, 0xf2, 0x48, 0xcd}) + bytes_of({0x80, 0x04, 0xc9, 0xc9, 0x07, 0x00});
  codec::Inflater inflater{{}};
  EXPECT_THAT(decode(frames, {.role = Role::client, .inflater = &inflater}), ElementsAre(text("Hello")));
}

TEST(DecoderDeflate, Rfc7692Section6_UncompressedMessagesMayBeMixedIn) {
  codec::Deflater deflater{{}};
  Buffer stream = Frame{.payload = deflated(deflater, "first"), .rsv1 = true}.bytes();
  stream = stream + Frame{.payload = "plain"}.bytes();
  stream = stream + Frame{.payload = deflated(deflater, "first again"), .rsv1 = true}.bytes();
  expect_at_every_cut(stream, {text("first"), text("plain"), text("first again")});
}

TEST(DecoderDeflate, FragmentsWithPingsBetween) {
  const std::string compressed = deflated("a message that is compressed and then fragmented");
  const auto stream = Frame{.payload = compressed.substr(0, 5), .fin = false, .rsv1 = true}.bytes() +
                      Frame{.opcode = Opcode::ping, .payload = "now"}.bytes() +
                      Frame{.opcode = Opcode::continuation, .payload = "", .fin = false}.bytes() +
                      Frame{.opcode = Opcode::continuation, .payload = compressed.substr(5)}.bytes();
  expect_at_every_cut(stream, {ping("now"), text("a message that is compressed and then fragmented")});
}

TEST(DecoderDeflate, LargeMessagesWholeAndInParts) {
  const std::string message = varied_text(300'000);
  const Buffer stream = Frame{.payload = deflated(message), .rsv1 = true}.bytes();
  for (std::size_t cut = 0; cut <= stream.size(); cut += 4999) {
    EXPECT_EQ(decode_inflating(stream, cut), std::vector{text(message)});
    EXPECT_EQ(decode_inflating(stream, cut, true), std::vector{part(message, true)});
  }
}

TEST(DecoderDeflate, PartsOfAMessageLargerThanTheLimitAreStreamed) {
  Limits limits;
  limits.message_bytes_max = 100;
  const std::string message = varied_text(200'000);
  const Buffer stream = Frame{.payload = deflated(message), .rsv1 = true}.bytes();
  EXPECT_EQ(decode_inflating(stream, 0, true, limits), std::vector{part(message, true)});
}

TEST(DecoderDeflate, AnEmptyMessage) {
  expect_at_every_cut(Frame{.payload = std::string(1, '\0'), .rsv1 = true}.bytes(), {text("")});
}

TEST(DecoderDeflate, TheInputIsUnmaskedOnlyAsFarAsItIsUsed) {
  const std::string message(1 << 20, 'z');  // a few compressed bytes give many parts
  Limits limits;
  limits.inflate_ratio_max = 10'000;
  const auto stream = Frame{.payload = deflated(message), .rsv1 = true}.bytes() + Frame{.payload = "next"}.bytes();
  EXPECT_EQ(decode_inflating(stream, 0, true, limits), (std::vector{part(message, true), part("next", true)}));
}

TEST(DecoderDeflate, InvalidUtf8InTheInflatedText) {
  expect_at_every_cut(Frame{.payload = deflated("bad \xFF text"), .rsv1 = true}.bytes(),
                      {failed(Error::invalid_utf8_text)});
  expect_at_every_cut(Frame{.payload = deflated("cut \xE2\x82"), .rsv1 = true}.bytes(),
                      {failed(Error::invalid_utf8_text)});
}

TEST(DecoderDeflate, CorruptData) {
  expect_at_every_cut(Frame{.payload = "\xFF\xFF\xFF", .rsv1 = true}.bytes(), {failed(Error::inflate_corrupt)});
}

TEST(DecoderDeflate, TruncatedData) {
  const std::string compressed = deflated("a message of which the end is missing");
  expect_at_every_cut(Frame{.payload = compressed.substr(0, compressed.size() - 6), .rsv1 = true}.bytes(),
                      {failed(Error::inflate_truncated)});
  expect_at_every_cut(Frame{.rsv1 = true}.bytes(), {failed(Error::inflate_truncated)});
}

TEST(DecoderDeflate, AMessageOfTheLimitPassesAndOneByteMoreDoesNot) {
  Limits limits;
  limits.message_bytes_max = 5000;
  const std::string message = varied_text(5001);
  const auto of = [&message](std::size_t size) {
    return Frame{.opcode = Opcode::binary, .payload = deflated(message.substr(0, size)), .rsv1 = true}.bytes();
  };
  expect_at_every_cut(of(5000), {binary(message.substr(0, 5000))}, limits);
  expect_at_every_cut(of(5001), {failed(Error::message_too_big)}, limits);
}

TEST(DecoderDeflate, OneMiBOfOneCharacterIsNoBomb) {
  const std::string message(1 << 20, 'a');
  const auto stream = Frame{.payload = deflated(message), .rsv1 = true}.bytes() + Frame{.payload = "next"}.bytes();
  EXPECT_EQ(decode_inflating(stream, 0), (std::vector{text(message), text("next")}));
}

TEST(DecoderDeflate, ABombFailsWhereverItIsCut) {
  const std::string zeros(2 << 20, '\0');
  const auto stream = Frame{.opcode = Opcode::binary, .payload = deflated(zeros), .rsv1 = true}.bytes();
  for (std::size_t cut = 0; cut <= stream.size(); cut += 31) {
    ASSERT_EQ(decode_inflating(stream, cut), std::vector{failed(Error::inflate_bomb)}) << "cut at " << cut;
  }
}

TEST(DecoderDeflate, NoLimitOnTheMessageDoesNotWrapAround) {
  Limits limits;
  limits.message_bytes_max = SIZE_MAX;
  const std::string message = varied_text(20'000);
  EXPECT_EQ(decode_inflating(Frame{.payload = deflated(message), .rsv1 = true}.bytes(), 0, false, limits),
            std::vector{text(message)});
}

}  // namespace
}  // namespace plait::ws
