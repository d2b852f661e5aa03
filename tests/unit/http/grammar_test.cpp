#include "http/grammar.hpp"

#include <gtest/gtest.h>

#include <string>

namespace plait::http {
namespace {

TEST(HttpGrammar, EveryByteAtEveryPlaceOfAValue) {
  for (std::size_t size = 1; size <= 20; ++size) {
    for (std::size_t at = 0; at < size; ++at) {
      for (int code = 0; code < 256; ++code) {
        std::string text(size, '\t');
        text[at] = static_cast<char>(code);
        const bool allowed = code == '\t' || (code >= 0x20 && code != 0x7F);
        ASSERT_EQ(find_bad_value_char(text), allowed ? std::string::npos : at) << size << ' ' << code;
      }
    }
  }
  EXPECT_EQ(find_bad_value_char(""), std::string::npos);
}

TEST(HttpGrammar, Rfc9110Section5_6_2TokenCharacters) {
  int count = 0;
  for (int code = 0; code < 256; ++code) count += in_class(static_cast<char>(code), CharClass::token) ? 1 : 0;
  EXPECT_EQ(count, 15 + 10 + 26 + 26);
  for (const char c : std::string{"\"(),/:;<=>?@[\\]{} \t\x7f"}) EXPECT_FALSE(in_class(c, CharClass::token)) << c;
  EXPECT_FALSE(is_token(""));
}

TEST(HttpGrammar, HexDigitsHaveTheirValues) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  for (unsigned i = 0; i < 16; ++i) EXPECT_EQ(hex_value(kDigits[i]), i);
  EXPECT_EQ(hex_value('A'), 10U);
  EXPECT_EQ(hex_value('F'), 15U);
  for (const char c : {'g', 'G', '@', '`', '/', ':'}) EXPECT_FALSE(in_class(c, CharClass::hex_digit)) << c;
}

TEST(HttpGrammar, TakeUntilSplitsAtTheFirstSeparator) {
  std::string_view text = "a,b,,c";
  EXPECT_EQ(take_until(text, ','), "a");
  EXPECT_EQ(take_until(text, ','), "b");
  EXPECT_EQ(take_until(text, ','), "");
  EXPECT_EQ(take_until(text, ','), "c");
  EXPECT_EQ(take_until(text, ','), "");
}

}  // namespace
}  // namespace plait::http
