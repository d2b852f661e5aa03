#include "ws/frame.hpp"

#include <gtest/gtest.h>

#include "codec/utf8.hpp"
#include "unit/ws/frames.hpp"

namespace plait::ws {
namespace {

Buffer header_of(std::uint64_t length, const std::uint32_t* key = nullptr) {
  Buffer header(kFrameHeaderBytesMax);
  header.resize(encode_frame_header(header.data(), Opcode::binary, true, false, length, key));
  return header;
}

TEST(FrameHeader, Section5_2_ShortestLengthEncoding) {
  EXPECT_EQ(header_of(0), bytes_of({0x82, 0}));
  EXPECT_EQ(header_of(125), bytes_of({0x82, 125}));
  EXPECT_EQ(header_of(126), bytes_of({0x82, 126, 0, 126}));
  EXPECT_EQ(header_of(65535), bytes_of({0x82, 126, 0xFF, 0xFF}));
  EXPECT_EQ(header_of(65536), bytes_of({0x82, 127, 0, 0, 0, 0, 0, 1, 0, 0}));
  EXPECT_EQ(header_of(0x7FFFFFFFFFFFFFFF), bytes_of({0x82, 127, 0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF}));
}

TEST(FrameHeader, Section5_3_TheKeyStandsInMemoryOrder) {
  const std::uint32_t key = 0x3d21fa37;
  EXPECT_EQ(header_of(5, &key), bytes_of({0x82, 0x85, 0x37, 0xfa, 0x21, 0x3d}));
}

TEST(FrameHeader, FlagsAndOpcodes) {
  Buffer header(2);
  encode_frame_header(header.data(), Opcode::text, false, true, 0, nullptr);
  EXPECT_EQ(header, bytes_of({0x41, 0}));
  encode_frame_header(header.data(), Opcode::continuation, true, false, 0, nullptr);
  EXPECT_EQ(header, bytes_of({0x80, 0}));
  encode_frame_header(header.data(), Opcode::pong, true, false, 0, nullptr);
  EXPECT_EQ(header, bytes_of({0x8A, 0}));
}

TEST(FrameHeader, DecodesWhatWasEncoded) {
  const std::uint32_t key = 0x01020304;
  const std::uint32_t* const no_key = nullptr;
  for (const std::uint64_t length : {0UL, 125UL, 126UL, 65535UL, 65536UL, 0x7FFFFFFFFFFFFFFFUL}) {
    for (const std::uint32_t* masking_key : {no_key, &key}) {
      Buffer bytes(kFrameHeaderBytesMax);
      const std::size_t size = encode_frame_header(bytes.data(), Opcode::text, false, true, length, masking_key);
      const FrameHeader header = decode_frame_header(bytes.data());
      EXPECT_EQ(header.opcode, Opcode::text);
      EXPECT_FALSE(header.fin);
      EXPECT_TRUE(header.rsv1);
      EXPECT_EQ(header.masked, masking_key != nullptr);
      EXPECT_EQ(header.masking_key, masking_key != nullptr ? key : 0);
      EXPECT_EQ(header.payload_length, length);
      EXPECT_EQ(header.header_bytes, size);
      EXPECT_EQ(frame_header_bytes(bytes[1]), size);
    }
  }
}

std::string close_payload(std::uint16_t code, std::string_view reason) {
  std::string out(kControlPayloadBytesMax, '\0');
  out.resize(encode_close_payload(code, reason, reinterpret_cast<std::uint8_t*>(out.data())));
  return out;
}

TEST(ClosePayload, CodeAndReason) {
  EXPECT_EQ(close_payload(1000, ""), "\x03\xE8");
  EXPECT_EQ(close_payload(4001, "bye"),
            "\x0F\xA1"
            "bye");
}

TEST(ClosePayload, Section7_4_1_1005IsNeverSent) { EXPECT_EQ(close_payload(1005, "ignored"), ""); }

TEST(ClosePayload, ReasonIsCutTo123BytesOfWholeCharacters) {
  EXPECT_EQ(close_payload(1000, std::string(123, 'a')).size(), 125U);
  EXPECT_EQ(close_payload(1000, std::string(124, 'a')).size(), 125U);
  for (const std::string_view character : {"\xC3\xA9", "\xE2\x82\xAC", "\xF0\x9F\x98\x80"}) {
    for (std::size_t before = 116; before <= 124; ++before) {
      std::string reason(before, 'a');
      for (int i = 0; i < 4; ++i) reason += character;
      const std::string payload = close_payload(1000, reason);
      ASSERT_LE(payload.size(), 125U);
      ASSERT_GE(payload.size() + 3, 125U);
      ASSERT_TRUE(codec::is_utf8(as_bytes(payload).subspan(2)));
    }
  }
}

TEST(ClosePayload, AReasonThatIsNotUtf8IsLeftOut) { EXPECT_EQ(close_payload(1000, "\xFF"), "\x03\xE8"); }

TEST(ClosePayload, TheDecoderReadsItBack) {
  const Frame frame{.opcode = Opcode::close, .payload = close_payload(3000, "r\xC3\xA9sum\xC3\xA9")};
  EXPECT_EQ(decode(frame.bytes()), std::vector{closed(3000, "r\xC3\xA9sum\xC3\xA9")});
}

}  // namespace
}  // namespace plait::ws
