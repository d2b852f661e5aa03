#include "ws/mask.hpp"

#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace plait::ws {
namespace {

constexpr std::uint32_t kMaskingKey = 0xC3A51B7E;

std::vector<std::uint8_t> random_bytes(std::size_t size) {
  std::mt19937 random{static_cast<unsigned>(size) + 1};
  std::vector<std::uint8_t> bytes(size);
  for (auto& byte : bytes) byte = static_cast<std::uint8_t>(random());
  return bytes;
}

// RFC 6455 §5.3 word for word: octet i of the result is octet i of the data XOR octet i MOD 4 of the masking key.
std::vector<std::uint8_t> mask_by_the_rfc(std::vector<std::uint8_t> bytes, std::uint32_t key, std::size_t offset = 0) {
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] ^= static_cast<std::uint8_t>(key >> 8 * ((i + offset) % 4));
  return bytes;
}

TEST(Mask, EveryKernelEqualsTheByteLoopAtEveryLengthAndAlignment) {
  ASSERT_STREQ(detail::mask_kernels().back().name, "words");
  for (const auto& kernel : detail::mask_kernels()) {
    for (std::size_t size = 0; size <= 300; ++size) {
      const auto data = random_bytes(size);
      const auto expected = mask_by_the_rfc(data, kMaskingKey);
      for (std::size_t alignment = 0; alignment < 64; alignment += size % 7 + 1) {
        std::vector<std::uint8_t> buffer(alignment + size + 64, 0xEE);
        std::copy(data.begin(), data.end(), buffer.begin() + static_cast<std::ptrdiff_t>(alignment));
        kernel.run(buffer.data() + alignment, buffer.data() + alignment, size, kMaskingKey);
        std::vector<std::uint8_t> wanted(alignment + size + 64, 0xEE);  // and not one byte around it changed
        std::copy(expected.begin(), expected.end(), wanted.begin() + static_cast<std::ptrdiff_t>(alignment));
        ASSERT_EQ(buffer, wanted) << kernel.name << " size " << size << " alignment " << alignment;
      }
    }
  }
}

TEST(Mask, EveryKernelMovesDownOverTheBytesThatItReads) {
  for (const auto& kernel : detail::mask_kernels()) {
    for (std::size_t size = 0; size <= 300; ++size) {
      const auto data = random_bytes(size);
      const auto expected = mask_by_the_rfc(data, kMaskingKey);
      for (std::size_t distance = 1; distance < 100; distance += size % 5 + 1) {
        std::vector<std::uint8_t> buffer(distance, 0xEE);
        buffer.insert(buffer.end(), data.begin(), data.end());
        kernel.run(buffer.data(), buffer.data() + distance, size, kMaskingKey);
        buffer.resize(size);
        ASSERT_EQ(buffer, expected) << kernel.name << " size " << size << " distance " << distance;
      }
    }
  }
}

TEST(Mask, TheBestKernelOfThisMachineIsUsed) {
  EXPECT_EQ(detail::chosen_mask_kernel(), detail::mask_kernels().front().run);
#if defined(__x86_64__)
  EXPECT_STRNE(detail::mask_kernels().front().name, "words") << "each x86-64 has SSE2";
#endif
}

TEST(Mask, EveryOffsetIntoThePayload) {
  for (std::size_t size = 0; size <= 300; ++size) {
    for (std::size_t offset = 0; offset < 9; ++offset) {
      auto data = random_bytes(size);
      const auto expected = mask_by_the_rfc(data, kMaskingKey, offset);
      mask(data, kMaskingKey, offset);
      ASSERT_EQ(data, expected) << "size " << size << " offset " << offset;
    }
  }
}

TEST(Mask, CopyEqualsMaskingInPlace) {
  for (std::size_t size = 0; size <= 300; ++size) {
    const auto data = random_bytes(size);
    std::vector<std::uint8_t> copy(size);
    mask_copy(copy.data(), data, kMaskingKey);
    ASSERT_EQ(copy, mask_by_the_rfc(data, kMaskingKey));
  }
}

TEST(Mask, InPiecesEqualsWhole) {
  const auto data = random_bytes(97);
  const auto expected = mask_by_the_rfc(data, kMaskingKey);
  for (std::size_t cut = 0; cut <= data.size(); ++cut) {
    auto pieces = data;
    mask(MutableByteView{pieces}.first(cut), kMaskingKey);
    mask(MutableByteView{pieces}.subspan(cut), kMaskingKey, cut);
    ASSERT_EQ(pieces, expected) << "cut " << cut;
  }
}

TEST(Mask, TwiceIsTheIdentity) {
  auto data = random_bytes(1000);
  mask(data, kMaskingKey);
  EXPECT_NE(data, random_bytes(1000));
  mask(data, kMaskingKey);
  EXPECT_EQ(data, random_bytes(1000));
}

TEST(Mask, KeyRotatesByOctets) {
  EXPECT_EQ(rotate_key(0x44332211, 0), 0x44332211U);
  EXPECT_EQ(rotate_key(0x44332211, 1), 0x11443322U);
  EXPECT_EQ(rotate_key(0x44332211, 7), 0x33221144U);
}

}  // namespace
}  // namespace plait::ws
