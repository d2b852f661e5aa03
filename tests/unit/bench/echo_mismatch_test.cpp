#include <gtest/gtest.h>

#include "bench/components/echo/worker.hpp"

namespace plait::bench {
namespace {

const std::vector<std::uint8_t> kPayload{10, 11, 12, 13, 14};

std::vector<std::uint8_t> stream_part(std::uint64_t offset, std::size_t size) {
  std::vector<std::uint8_t> part(size);
  for (std::size_t i = 0; i < size; ++i) part[i] = kPayload[(offset + i) % kPayload.size()];
  return part;
}

TEST(FindMismatch, AnyPartOfTheRepeatedPayloadIsRight) {
  for (std::uint64_t offset = 0; offset < 2 * kPayload.size(); ++offset) {
    for (std::size_t size = 0; size < 3 * kPayload.size(); ++size) {
      EXPECT_EQ(find_mismatch(kPayload, offset, stream_part(offset, size)), std::nullopt) << offset << " " << size;
    }
  }
}

TEST(FindMismatch, NamesMessageAndByteOfEveryPosition) {
  const std::uint64_t offset = 7;
  for (std::size_t at = 0; at < 12; ++at) {
    auto part = stream_part(offset, 12);
    part[at] ^= 0x80;
    const auto error = find_mismatch(kPayload, offset, part);
    ASSERT_TRUE(error.has_value()) << at;
    const auto position = offset + at;
    const std::string expected = "message " + std::to_string(position / kPayload.size()) + " at byte " +
                                 std::to_string(position % kPayload.size()) + " ";
    EXPECT_NE(error->message.find(expected), std::string::npos) << error->message;
  }
}

TEST(FindMismatch, ReportsTheFirstOfSeveral) {
  auto part = stream_part(0, 10);
  part[3] = 0;
  part[8] = 0;
  EXPECT_NE(find_mismatch(kPayload, 0, part)->message.find("message 0 at byte 3"), std::string::npos);
  EXPECT_NE(find_mismatch(kPayload, 0, part)->message.find("sent 0x0d, received 0x00"), std::string::npos);
}

}  // namespace
}  // namespace plait::bench
