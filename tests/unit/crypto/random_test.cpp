#include "crypto/random.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <set>
#include <vector>

namespace plait::crypto {
namespace {

TEST(RandomBytes, FillsEveryByte) {
  std::vector<std::uint8_t> bytes(64);
  std::vector<bool> changed(bytes.size());
  for (int round = 0; round < 20; ++round) {
    random_bytes(bytes);
    for (std::size_t i = 0; i < bytes.size(); ++i) changed[i] = changed[i] || bytes[i] != 0;
  }
  EXPECT_TRUE(std::all_of(changed.begin(), changed.end(), [](bool value) { return value; }));
}

TEST(RandomSource, MaskingKeysDoNotRepeatAcrossRefills) {
  RandomSource source;
  std::set<std::array<std::uint8_t, 4>> keys;
  for (int i = 0; i < 3000; ++i) keys.insert(source.next_masking_key());
  EXPECT_GE(keys.size(), 2990U);  // by chance about one in a thousand runs has a single repetition
}

std::uint32_t number_of(const std::array<std::uint8_t, 4>& key) { return std::bit_cast<std::uint32_t>(key); }

// What a counter, a generator with a fixed seed, or one that shifts another's numbers would show.
TEST(RandomSource, MaskingKeysFollowNeitherFromTheLastNorFromAnotherSources) {
  constexpr std::size_t kKeys = 3000;
  RandomSource one, other;
  std::set<std::uint32_t> steps, step_bits, differences;
  std::array<int, 32> ones{};
  std::uint32_t last = number_of(one.next_masking_key());
  for (std::size_t i = 0; i < kKeys; ++i) {
    const std::uint32_t key = number_of(one.next_masking_key());
    steps.insert(key - last);
    step_bits.insert(key ^ last);
    differences.insert(key - number_of(other.next_masking_key()));
    for (std::size_t bit = 0; bit < ones.size(); ++bit) ones[bit] += static_cast<int>(key >> bit & 1);
    last = key;
  }
  constexpr std::size_t kDistinctMin = kKeys - 10;  // by chance about one in a thousand runs has a single repetition
  EXPECT_GE(steps.size(), kDistinctMin);
  EXPECT_GE(step_bits.size(), kDistinctMin);
  EXPECT_GE(differences.size(), kDistinctMin);
  for (const int count : ones) EXPECT_NEAR(count, kKeys / 2.0, 300) << "eleven standard deviations";
}

TEST(RandomSource, PiecesOfEverySizeAroundTheBufferAreFilled) {
  RandomSource source;
  for (std::size_t size : {std::size_t{1}, RandomSource::kBufferBytes - 1, RandomSource::kBufferBytes,
                           RandomSource::kBufferBytes + 1, 3 * RandomSource::kBufferBytes}) {
    std::vector<std::uint8_t> bytes(size);
    source.fill(bytes);
    if (size < 100) continue;
    EXPECT_LT(std::count(bytes.end() - 64, bytes.end(), 0), 16) << size;
  }
}

}  // namespace
}  // namespace plait::crypto
