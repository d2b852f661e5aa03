// RFC 9000 §16, whose appendix A.1 has the examples.
#include "core/varint.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <utility>
#include <vector>

namespace plait::core {
namespace {

std::vector<std::uint8_t> encode(std::uint64_t value, std::size_t behind) {
  std::vector<std::uint8_t> bytes(varint_size(value));
  encode_varint(value, bytes.data());
  bytes.resize(bytes.size() + behind, 0xFF);
  return bytes;
}

TEST(Varint, ExamplesOfTheRfcAreDecodedWhateverStandsBehindThem) {
  const std::array<std::pair<std::vector<std::uint8_t>, std::uint64_t>, 5> examples{{
      {{0xc2, 0x19, 0x7c, 0x5e, 0xff, 0x14, 0xe8, 0x8c}, 151'288'809'941'952'652},
      {{0x9d, 0x7f, 0x3e, 0x7d}, 494'878'333},
      {{0x7b, 0xbd}, 15'293},
      {{0x25}, 37},
      {{0x40, 0x25}, 37},
  }};
  for (const auto& [example, value] : examples) {
    for (std::size_t behind = 0; behind <= kVarintBytesMax; ++behind) {
      std::vector<std::uint8_t> bytes = example;
      bytes.resize(bytes.size() + behind, 0xFF);
      const Varint decoded = decode_varint(bytes);
      EXPECT_EQ(decoded.value, value);
      EXPECT_EQ(decoded.size, example.size());
    }
  }
}

TEST(Varint, BothSidesOfEachSizeComeBack) {
  for (const std::uint64_t first :
       {std::uint64_t{0}, std::uint64_t{0x40}, std::uint64_t{0x4000}, std::uint64_t{0x4000'0000}, kVarintMax + 1}) {
    for (const std::uint64_t value : {first - 1, first}) {
      if (value > kVarintMax) continue;
      for (std::size_t behind = 0; behind <= kVarintBytesMax; ++behind) {
        const Varint decoded = decode_varint(encode(value, behind));
        EXPECT_EQ(decoded.value, value);
        EXPECT_EQ(decoded.size, varint_size(value));
        EXPECT_TRUE(decoded.minimal());
      }
    }
  }
}

TEST(Varint, OneThatIsCutHasNoSize) {
  for (const std::uint64_t value : {std::uint64_t{0}, std::uint64_t{0x40}, std::uint64_t{0x4000}, kVarintMax}) {
    const std::vector<std::uint8_t> bytes = encode(value, 0);
    for (std::size_t size = 0; size < bytes.size(); ++size) {
      EXPECT_EQ(decode_varint(ByteView{bytes}.first(size)).size, 0U);
    }
  }
}

}  // namespace
}  // namespace plait::core
