#include "frames/frame.hpp"

#include <gtest/gtest.h>

#include <string>

#include "support/vectors.hpp"

namespace plait::frames {
namespace {

using test::to_hex;

TEST(FrameHeader, EncodesBothSidesOfEveryLengthBoundary) {  // spec/frames.md §2, RFC 9000 §16
  EXPECT_EQ(to_hex(FrameHeader(FrameType::text, 0).view()), "0200");
  EXPECT_EQ(to_hex(FrameHeader(FrameType::text, 63).view()), "023f");
  EXPECT_EQ(to_hex(FrameHeader(FrameType::text, 64).view()), "024040");
  EXPECT_EQ(to_hex(FrameHeader(FrameType::binary, 16383).view()), "037fff");
  EXPECT_EQ(to_hex(FrameHeader(FrameType::binary, 16384).view()), "0380004000");
  EXPECT_EQ(to_hex(FrameHeader(FrameType::binary, (1u << 30) - 1).view()), "03bfffffff");
  EXPECT_EQ(to_hex(FrameHeader(FrameType::binary, 1u << 30).view()), "03c000000040000000");
}

TEST(FrameHeader, PartCarriesItsFlags) {  // spec/frames.md §2.1
  EXPECT_EQ(to_hex(FrameHeader::part(MessageKind::text, false, 5).view()), "040600");
  EXPECT_EQ(to_hex(FrameHeader::part(MessageKind::text, true, 0).view()), "040101");
  EXPECT_EQ(to_hex(FrameHeader::part(MessageKind::binary, false, 63).view()), "04404002");
  EXPECT_EQ(to_hex(FrameHeader::part(MessageKind::binary, true, 1u << 30).view()), "04c00000004000000103");
}

TEST(FrameHead, DecodesWhatHeadersEncode) {
  for (const std::size_t size : {0u, 63u, 64u, 16383u, 16384u, (1u << 30) - 1, 1u << 30}) {
    const FrameHeader header{FrameType::part, size};
    const auto head = decode_head(header.view());
    ASSERT_TRUE(head && head->has_value());
    EXPECT_EQ((*head)->payload_bytes, size);
    EXPECT_EQ((*head)->head_bytes, header.view().size());
    for (std::size_t cut = 0; cut < header.view().size(); ++cut) {
      const auto partial = decode_head(header.view().first(cut));
      EXPECT_TRUE(partial && !partial->has_value()) << size << " cut at " << cut;
    }
  }
}

TEST(CloseFrame, CutsTheReasonBetweenCharacters) {  // spec/frames.md §2.2: 125 bytes with the code
  core::VectorSink out;
  encode_close(1000, std::string(122, 'a') + "é", out);
  EXPECT_EQ(out.bytes.size(), 3u + 2 + 122);
  out.clear();
  encode_close(1000, std::string(121, 'a') + "é", out);
  EXPECT_EQ(out.bytes.size(), 3u + 2 + 123);
}

TEST(CloseFrame, LeavesAReasonOutThatIsNotUtf8) {  // spec/frames.md §2.2 [close_reason_not_utf8]
  for (const std::string_view reason : {"\xff", "caf\xe9", "cut \xc3"}) {
    core::VectorSink out;
    encode_close(4000, reason, out);
    EXPECT_EQ(to_hex(out.bytes), "07020fa0") << reason;
  }
}

TEST(CloseFrame, RoundTrips) {
  core::VectorSink out;
  encode_close(4401, "token has expired", out);
  const auto close = decode_close(ByteView{out.bytes}.subspan(2));
  ASSERT_TRUE(close);
  EXPECT_EQ(close->code, 4401);
  EXPECT_EQ(close->reason, "token has expired");
}

TEST(CloseFrame, Code1005IsAnEmptyFrame) {
  core::VectorSink out;
  encode_close(close_code::kNoStatus, "ignored", out);
  EXPECT_EQ(to_hex(out.bytes), "0700");
}

TEST(Errors, EveryOneHasANameAndASendableCode) {
  for (int i = 0; i <= static_cast<int>(Error::reason_too_long); ++i) {
    const auto error = static_cast<Error>(i);
    EXPECT_FALSE(name_of(error).empty()) << i;
    core::VectorSink out;
    encode_close(close_code_of(error), name_of(error), out);
    EXPECT_TRUE(decode_close(ByteView{out.bytes}.subspan(2))) << name_of(error);
  }
}

}  // namespace
}  // namespace plait::frames
