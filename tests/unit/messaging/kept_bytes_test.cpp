// What the decoders keep of their buffers between messages.
#include <gtest/gtest.h>

#include "messaging/frame_decoder.hpp"
#include "messaging/lines_decoder.hpp"
#include "support/allocations.hpp"

namespace plait::test {
namespace {

using messaging::Command;
using messaging::FrameDecoder;
using messaging::kKeptBytesMax;
using messaging::LinesDecoder;

constexpr std::size_t kPayloadBytesMax = std::size_t{1} << 20;

/// What the second of two equal messages allocates when each comes in two pieces.
template <class Message, class Decoder>
Allocations of_the_second(Decoder& decoder, std::string_view bytes) {
  Message message;
  Allocations made;
  for (int round = 0; round < 2; ++round) {
    start_counting();
    for (std::string_view piece : {bytes.substr(0, bytes.size() / 2), bytes.substr(bytes.size() / 2)}) {
      ByteView input = as_bytes(piece);
      decoder.next(input, message);
      EXPECT_TRUE(input.empty());
    }
    made = stop_counting();
    EXPECT_FALSE(message.payload.empty());
  }
  return made;
}

std::string frame_of(std::size_t size) {
  std::string bytes;
  messaging::append_u32(bytes, static_cast<std::uint32_t>(size));
  return bytes.append(size, 'x');
}

std::string line_of(std::size_t size) { return "PUB t " + std::to_string(size) + "\n" + std::string(size, 'x'); }

// They kept as much as the largest message had, for as long as the stream lasted.
TEST(KeptBytes, OfALargeFrameAreFreed) {
  FrameDecoder decoder{4, kPayloadBytesMax};
  EXPECT_GT(of_the_second<FrameDecoder::Frame>(decoder, frame_of(kPayloadBytesMax)).bytes_max, kPayloadBytesMax);
  EXPECT_EQ(of_the_second<FrameDecoder::Frame>(decoder, frame_of(kKeptBytesMax / 2)).count, 0U);
}

TEST(KeptBytes, OfALargePayloadOfALineAreFreed) {
  LinesDecoder decoder{kPayloadBytesMax};
  EXPECT_GE(of_the_second<Command>(decoder, line_of(kPayloadBytesMax)).bytes_max, kPayloadBytesMax);
  EXPECT_EQ(of_the_second<Command>(decoder, line_of(kKeptBytesMax / 2)).count, 0U);
}

}  // namespace
}  // namespace plait::test
