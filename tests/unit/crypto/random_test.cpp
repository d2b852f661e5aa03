#include "crypto/random.hpp"

#include <gtest/gtest.h>

#include <algorithm>
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
