// One test per MUST and MUST NOT of RFC 6455 §5 that a frame can break; each asserts which rule fired.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "codec/deflate.hpp"
#include "core/close_code.hpp"
#include "unit/ws/frames.hpp"

namespace plait::ws {
namespace {

using testing::ElementsAre;

class WithDeflate : public testing::Test {
 protected:
  codec::Inflater inflater_{{}};
  Decoder::Options options_{.inflater = &inflater_};
};

TEST(DecoderRules, Section5_1_ServerRefusesUnmaskedFrames) {
  for (const Opcode opcode : {Opcode::text, Opcode::binary, Opcode::ping, Opcode::pong, Opcode::close}) {
    const Frame frame{.opcode = opcode, .key = std::nullopt};
    EXPECT_THAT(decode(frame.bytes()), ElementsAre(failed(Error::unmasked_client_frame)));
  }
}

TEST(DecoderRules, Section5_1_ClientRefusesMaskedFrames) {
  for (const Opcode opcode : {Opcode::text, Opcode::binary, Opcode::ping, Opcode::pong, Opcode::close}) {
    EXPECT_THAT(decode(Frame{.opcode = opcode}.bytes(), kClient), ElementsAre(failed(Error::masked_server_frame)));
  }
}

TEST(DecoderRules, Section5_2_Rsv1WithoutAnExtension) {
  for (const Opcode opcode : {Opcode::text, Opcode::binary, Opcode::ping, Opcode::close}) {
    const Frame frame{.opcode = opcode, .rsv1 = true};
    EXPECT_THAT(decode(frame.bytes()), ElementsAre(failed(Error::rsv1_without_deflate)));
  }
}

TEST_F(WithDeflate, Rfc7692Section6_Rsv1OnAContinuation) {
  const auto frames = Frame{.fin = false}.bytes() + Frame{.opcode = Opcode::continuation, .rsv1 = true}.bytes();
  EXPECT_THAT(decode(frames, options_), ElementsAre(failed(Error::rsv1_on_continuation)));
}

TEST_F(WithDeflate, Rfc7692Section6_Rsv1OnAControlFrame) {
  for (const Opcode opcode : {Opcode::ping, Opcode::pong, Opcode::close}) {
    const Frame frame{.opcode = opcode, .rsv1 = true};
    EXPECT_THAT(decode(frame.bytes(), options_), ElementsAre(failed(Error::rsv1_on_control_frame)));
  }
}

TEST(DecoderRules, Section5_2_Rsv2) {
  EXPECT_THAT(decode(bytes_of({0xA1, 0x80})), ElementsAre(failed(Error::rsv2_set)));
}

TEST(DecoderRules, Section5_2_Rsv3) {
  EXPECT_THAT(decode(bytes_of({0x91, 0x80})), ElementsAre(failed(Error::rsv3_set)));
}

TEST(DecoderRules, Section5_2_ReservedOpcodes) {
  for (const int opcode : {3, 4, 5, 6, 7, 11, 12, 13, 14, 15}) {
    EXPECT_THAT(decode(bytes_of({0x80 | opcode, 0x80})), ElementsAre(failed(Error::reserved_opcode))) << opcode;
  }
}

TEST(DecoderRules, Section5_2_16BitLengthBelow126) {
  const auto frame = bytes_of({0x82, 0xFE, 0x00, 0x7D, 0, 0, 0, 0});
  EXPECT_THAT(decode(frame), ElementsAre(failed(Error::non_minimal_length_16)));
  EXPECT_THAT(decode(frame + Buffer(125)), ElementsAre(failed(Error::non_minimal_length_16)));
}

TEST(DecoderRules, Section5_2_64BitLengthBelow65536) {
  const auto frame = bytes_of({0x82, 0xFF, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 0, 0, 0, 0});
  EXPECT_THAT(decode(frame), ElementsAre(failed(Error::non_minimal_length_64)));
}

TEST(DecoderRules, Section5_2_64BitLengthWithTheTopBit) {
  const auto frame = bytes_of({0x82, 0xFF, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0});
  EXPECT_THAT(decode(frame), ElementsAre(failed(Error::length_top_bit_set)));
}

TEST(DecoderRules, Section5_4_ContinuationOfNothing) {
  const Frame frame{.opcode = Opcode::continuation, .payload = "x"};
  EXPECT_THAT(decode(frame.bytes()), ElementsAre(failed(Error::unexpected_continuation)));
  EXPECT_THAT(decode(Frame{.payload = "whole"}.bytes() + frame.bytes()),
              ElementsAre(text("whole"), failed(Error::unexpected_continuation)));
  const auto after_fragments = Frame{.fin = false}.bytes() + frame.bytes() + frame.bytes();
  EXPECT_THAT(decode(after_fragments), ElementsAre(text("x"), failed(Error::unexpected_continuation)));
}

TEST(DecoderRules, Section5_4_NewMessageInsideAFragmentedOne) {
  for (const Opcode opcode : {Opcode::text, Opcode::binary}) {
    const auto frames = Frame{.payload = "a", .fin = false}.bytes() + Frame{.opcode = opcode, .payload = "b"}.bytes();
    EXPECT_THAT(decode(frames), ElementsAre(failed(Error::expected_continuation)));
  }
}

TEST(DecoderRules, Section5_5_ControlFramesMustNotBeFragmented) {
  for (const Opcode opcode : {Opcode::ping, Opcode::pong, Opcode::close}) {
    const Frame frame{.opcode = opcode, .fin = false};
    EXPECT_THAT(decode(frame.bytes()), ElementsAre(failed(Error::fragmented_control_frame)));
  }
}

TEST(DecoderRules, Section5_5_ControlFramesHaveAtMost125Bytes) {
  for (const Opcode opcode : {Opcode::ping, Opcode::pong, Opcode::close}) {
    const Frame too_long{.opcode = opcode, .payload = std::string(126, 'p')};
    EXPECT_THAT(decode(too_long.bytes()), ElementsAre(failed(Error::control_frame_too_long)));
  }
  EXPECT_THAT(decode(Frame{.opcode = Opcode::ping, .payload = std::string(125, 'p')}.bytes()),
              ElementsAre(ping(std::string(125, 'p'))));
}

TEST(DecoderRules, Section5_5_1_ClosePayloadOfOneByte) {
  EXPECT_THAT(decode(Frame{.opcode = Opcode::close, .payload = "\x03"}.bytes()),
              ElementsAre(failed(Error::close_payload_one_byte)));
}

TEST(DecoderRules, Section5_5_1_CloseReasonMustBeUtf8) {
  EXPECT_THAT(decode(Frame{.opcode = Opcode::close, .payload = "\x03\xE8\xC3"}.bytes()),
              ElementsAre(failed(Error::invalid_utf8_close_reason)));
}

TEST(DecoderRules, Section7_4_StatusCodesThatMustNotBeSent) {
  const auto may_be_sent = [](unsigned code) {
    return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) || (code >= 3000 && code <= 4999);
  };
  for (unsigned code = 0; code <= 0xFFFF; code += code < 5100 ? 1 : 251) {
    const std::string payload{static_cast<char>(code >> 8), static_cast<char>(code)};
    const auto seen = decode(Frame{.opcode = Opcode::close, .payload = payload}.bytes());
    const Seen expected =
        may_be_sent(code) ? closed(static_cast<std::uint16_t>(code)) : failed(Error::invalid_close_code);
    ASSERT_THAT(seen, ElementsAre(expected)) << code;
  }
}

TEST(DecoderRules, Section8_1_TextMustBeUtf8) {
  EXPECT_THAT(decode(Frame{.payload = "\xC0\x80"}.bytes()), ElementsAre(failed(Error::invalid_utf8_text)));
  const Frame ends_inside_a_character{.payload = "\xE2\x82"};
  EXPECT_THAT(decode(ends_inside_a_character.bytes()), ElementsAre(failed(Error::invalid_utf8_text)));
  const auto fragments =
      Frame{.payload = "\xE2", .fin = false}.bytes() + Frame{.opcode = Opcode::continuation, .payload = "\x82"}.bytes();
  EXPECT_THAT(decode(fragments), ElementsAre(failed(Error::invalid_utf8_text)));
}

TEST(DecoderRules, Section8_1_InvalidTextFailsBeforeTheMessageIsWhole) {
  const Frame fragment{.payload = "\xFF", .fin = false};
  EXPECT_THAT(decode(fragment.bytes()), ElementsAre(failed(Error::invalid_utf8_text)));
  const Buffer large = Frame{.payload = "\xFF" + std::string(1 << 20, 'a')}.bytes();
  Driver driver;
  driver.feed(ByteView{large}.first(100));
  EXPECT_THAT(driver.seen, ElementsAre(failed(Error::invalid_utf8_text)));
}

TEST(DecoderRules, Section8_1_InvalidTextReadIntoTheDirectBufferFails) {
  std::string payload(8192, 'a');
  payload[5000] = '\xFF';
  const Buffer large = Frame{.payload = payload + std::string(1 << 20, 'a')}.bytes();
  Driver driver;
  driver.feed(ByteView{large}.first(1000));
  driver.feed(ByteView{large}.subspan(1000, 8000));
  EXPECT_EQ(driver.direct_reads, 1U);
  EXPECT_THAT(driver.seen, ElementsAre(failed(Error::invalid_utf8_text)));
}

TEST(DecoderRules, TheFirstBrokenRuleInTheHeadersOrderIsTheOneReported) {
  EXPECT_THAT(decode(bytes_of({0x7B, 0x7F})), ElementsAre(failed(Error::rsv1_without_deflate)));
  EXPECT_THAT(decode(bytes_of({0x3B, 0x7F})), ElementsAre(failed(Error::rsv2_set)));
  EXPECT_THAT(decode(bytes_of({0x1B, 0x7F})), ElementsAre(failed(Error::rsv3_set)));
  EXPECT_THAT(decode(bytes_of({0x0B, 0x7F})), ElementsAre(failed(Error::reserved_opcode)));
  EXPECT_THAT(decode(bytes_of({0x09, 0x7F})), ElementsAre(failed(Error::fragmented_control_frame)));
  EXPECT_THAT(decode(bytes_of({0x89, 0x7F})), ElementsAre(failed(Error::unmasked_client_frame)));
  EXPECT_THAT(decode(bytes_of({0x89, 0xFF})), ElementsAre(failed(Error::control_frame_too_long)));
}

// --- Limits ---------------------------------------------------------------------------------------------------------

TEST(DecoderLimits, AMessageOfTheLimitPassesAndOneByteMoreDoesNot) {
  Limits limits;
  limits.message_bytes_max = 1000;
  const auto of = [](std::size_t size) { return Frame{.payload = std::string(size, 'a')}.bytes(); };
  EXPECT_THAT(decode(of(1000), {}, limits), ElementsAre(text(std::string(1000, 'a'))));
  EXPECT_THAT(decode(of(1001), {}, limits), ElementsAre(failed(Error::message_too_big)));
}

TEST(DecoderLimits, FragmentsCountTogether) {
  Limits limits;
  limits.message_bytes_max = 1000;
  const auto fragments = [](std::size_t first, std::size_t second) {
    return Frame{.payload = std::string(first, 'a'), .fin = false}.bytes() +
           Frame{.opcode = Opcode::continuation, .payload = std::string(second, 'a')}.bytes();
  };
  EXPECT_THAT(decode(fragments(600, 400), {}, limits), ElementsAre(text(std::string(1000, 'a'))));
  EXPECT_THAT(decode(fragments(600, 401), {}, limits), ElementsAre(failed(Error::message_too_big)));
}

TEST(DecoderLimits, ADeclaredLengthThatWouldWrapAroundIsTooBig) {
  const auto first = Frame{.opcode = Opcode::binary, .payload = "x", .fin = false}.bytes();
  const auto huge = bytes_of({0x80, 0xFF, 0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0});
  EXPECT_THAT(decode(first + huge), ElementsAre(failed(Error::message_too_big)));
}

TEST(DecoderLimits, TooManyFragments) {
  Limits limits;
  limits.message_fragments_max = 3;
  const auto empty = Frame{.opcode = Opcode::continuation, .fin = false}.bytes();
  const auto last = Frame{.opcode = Opcode::continuation}.bytes();
  const auto first = Frame{.fin = false}.bytes();
  EXPECT_THAT(decode(first + empty + last, {}, limits), ElementsAre(text("")));
  EXPECT_THAT(decode(first + empty + empty + last, {}, limits), ElementsAre(failed(Error::too_many_fragments)));
  EXPECT_THAT(decode(first + last + first + empty + last, {}, limits), ElementsAre(text(""), text("")))
      << "each message counts anew";
}

TEST(Errors, EachHasASentenceThatFitsACloseFrameAndACode) {
  for (int value = 1; value <= static_cast<int>(Error::inflate_bomb); ++value) {
    const auto error = static_cast<Error>(value);
    EXPECT_STRNE(describe(error), "no error") << value;
    EXPECT_LE(std::string_view{describe(error)}.size(), kCloseReasonBytesMax);
    EXPECT_TRUE(core::is_valid_close_code(close_code_of(error))) << describe(error);
  }
  EXPECT_EQ(close_code_of(Error::unmasked_client_frame), 1002);
  EXPECT_EQ(close_code_of(Error::invalid_close_code), 1002);
  EXPECT_EQ(close_code_of(Error::invalid_utf8_text), 1007);
  EXPECT_EQ(close_code_of(Error::invalid_utf8_close_reason), 1007);
  EXPECT_EQ(close_code_of(Error::inflate_corrupt), 1007);
  EXPECT_EQ(close_code_of(Error::too_many_fragments), 1008);
  EXPECT_EQ(close_code_of(Error::message_too_big), 1009);
  EXPECT_EQ(close_code_of(Error::inflate_bomb), 1009);
}

}  // namespace
}  // namespace plait::ws
