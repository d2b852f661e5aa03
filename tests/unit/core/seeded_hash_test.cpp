#include "core/seeded_hash.hpp"

#include <gtest/gtest.h>

namespace plait::core {
namespace {

// With a key of zeros this is what CPython 3.11 answers for hash(b"…") under PYTHONHASHSEED=0.
TEST(SeededHash, IsSipHash13) {
  const SipKey zeros{};
  EXPECT_EQ(siphash_1_3(zeros, "a"), 0x407448D2B89B1813U);
  EXPECT_EQ(siphash_1_3(zeros, "abcdefg"), 0x6DB12AAE9070F506U);
  EXPECT_EQ(siphash_1_3(zeros, "abcdefgh"), 0x3F7B849C0B8E35EAU);
  EXPECT_EQ(siphash_1_3(zeros, "abcdefghi"), 0xF89B34A3D11EB6E5U);
  EXPECT_EQ(siphash_1_3(zeros, "prices:bitcoin:europe"), 0xC61084080AA92923U);
}

TEST(SeededHash, TheKeyOfTheProcessIsNotZero) {
  EXPECT_NE(SeededHash{}("a"), siphash_1_3({}, "a"));
  EXPECT_EQ(SeededHash{}("a"), SeededHash{}("a"));
  EXPECT_NE(SeededHash{}(""), SeededHash{}("a"));
}

}  // namespace
}  // namespace plait::core
