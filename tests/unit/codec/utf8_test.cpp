#include "codec/utf8.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace plait::codec {
namespace {

using std::string_literals::operator""s;

struct Case {
  const char* name;
  std::string text;
};

const std::vector<Case> kValid{
    {"empty", ""},
    {"NUL", "\0"s},
    {"ASCII", "hello, world"},
    {"Greek", "\xCE\xBA\xE1\xBD\xB9\xCF\x83\xCE\xBC\xCE\xB5"},
    {"first of two bytes", "\xC2\x80"},
    {"last of two bytes", "\xDF\xBF"},
    {"first of three bytes", "\xE0\xA0\x80"},
    {"last before the surrogates", "\xED\x9F\xBF"},
    {"first after the surrogates", "\xEE\x80\x80"},
    {"replacement character", "\xEF\xBF\xBD"},
    {"noncharacter U+FFFE", "\xEF\xBF\xBE"},
    {"last of three bytes", "\xEF\xBF\xBF"},
    {"first of four bytes", "\xF0\x90\x80\x80"},
    {"last code point U+10FFFF", "\xF4\x8F\xBF\xBF"},
    {"long ASCII, then a character", std::string(100, 'a') + "\xF0\x9F\x98\x80" + std::string(100, 'b')},
    {"many characters", "\xE2\x82\xAC\xE2\x82\xAC\xC3\xA9\xF0\x9F\x98\x80\xE2\x82\xAC z"},
};

// After Markus Kuhn's "UTF-8 decoder capability and stress test".
const std::vector<Case> kInvalid{
    {"above U+10FFFF", "\xF4\x90\x80\x80"},
    {"continuation byte alone", "\x80"},
    {"last continuation byte alone", "\xBF"},
    {"two continuation bytes", "\x80\xBF"},
    {"lead byte C2 then space", "\xC2 "},
    {"lead byte E0 then space", "\xE0 "},
    {"lead byte F0 then space", "\xF0 "},
    {"lead byte F5", "\xF5\x80\x80\x80"},
    {"five-byte lead F8", "\xF8\x88\x80\x80\x80"},
    {"six-byte lead FC", "\xFC\x84\x80\x80\x80\x80"},
    {"last byte of two missing", "\xC3"},
    {"last byte of three missing", "\xE2\x82"},
    {"last byte of four missing", "\xF0\x9F\x98"},
    {"last byte missing, then ASCII", "\xE2\x82x"},
    {"FE", "\xFE"},
    {"FF", "\xFF"},
    {"overlong slash, two bytes", "\xC0\xAF"},
    {"overlong slash, three bytes", "\xE0\x80\xAF"},
    {"overlong slash, four bytes", "\xF0\x80\x80\xAF"},
    {"overlong maximum, two bytes", "\xC1\xBF"},
    {"overlong maximum, three bytes", "\xE0\x9F\xBF"},
    {"overlong maximum, four bytes", "\xF0\x8F\xBF\xBF"},
    {"overlong NUL", "\xC0\x80"},
    {"surrogate D800", "\xED\xA0\x80"},
    {"surrogate DB7F", "\xED\xAD\xBF"},
    {"surrogate DFFF", "\xED\xBF\xBF"},
    {"surrogate pair", "\xED\xA0\x80\xED\xB0\x80"},
    {"invalid after 64 bytes", std::string(64, 'a') + "\xFF" + std::string(64, 'b')},
    {"invalid last byte after 200", std::string(200, 'a') + "\x80"},
    {"invalid first byte before 200", "\x80" + std::string(200, 'a')},
};

// The position of the first byte that cannot belong to valid UTF-8, by RFC 3629 §4's grammar, or npos.
std::size_t first_bad_byte(const std::string& text) {
  unsigned low = 0x80, high = 0xBF, missing = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if (missing > 0) {
      if (byte < low || byte > high) return i;
      low = 0x80, high = 0xBF, --missing;
    } else if (byte >= 0x80) {
      if (byte < 0xC2 || byte > 0xF4) return i;
      missing = byte < 0xE0 ? 1 : byte < 0xF0 ? 2 : 3;
      if (byte == 0xE0) low = 0xA0;
      if (byte == 0xED) high = 0x9F;
      if (byte == 0xF0) low = 0x90;
      if (byte == 0xF4) high = 0x8F;
    }
  }
  return std::string::npos;
}

TEST(Utf8, ValidTexts) {
  for (const auto& [name, text] : kValid) EXPECT_TRUE(is_utf8(as_bytes(text))) << name;
}

TEST(Utf8, InvalidTexts) {
  for (const auto& [name, text] : kInvalid) EXPECT_FALSE(is_utf8(as_bytes(text))) << name;
}

TEST(Utf8, EveryPairOfBytesAfterEveryLengthOfAsciiUpTo20) {
  for (unsigned pair = 0; pair <= 0xFFFF; ++pair) {
    std::string text(pair % 21, 'a');
    text += static_cast<char>(pair >> 8);
    text += static_cast<char>(pair);
    const bool ascii_end = (pair & 0x80) == 0;
    const bool two_byte_character = (pair >> 8) >= 0xC2 && (pair >> 8) <= 0xDF && (pair & 0xC0) == 0x80;
    const bool valid = ((pair >> 8) < 0x80 && ascii_end) || two_byte_character;
    ASSERT_EQ(is_utf8(as_bytes(text)), valid) << std::hex << pair;
  }
}

TEST(Utf8Validator, CutAtEachByteEqualsWhole) {
  for (const auto* cases : {&kValid, &kInvalid}) {
    for (const auto& [name, text] : *cases) {
      for (std::size_t cut = 0; cut <= text.size(); ++cut) {
        Utf8Validator validator;
        const ByteView bytes = as_bytes(text);
        const bool valid = validator.add(bytes.first(cut)) && validator.add(bytes.subspan(cut)) && validator.finish();
        ASSERT_EQ(valid, cases == &kValid) << name << " cut at " << cut;
      }
    }
  }
}

TEST(Utf8Validator, ByteByByteFailsAtTheFirstImpossibleByte) {
  for (const auto& [name, text] : kInvalid) {
    Utf8Validator validator;
    std::size_t accepted = 0;
    while (accepted < text.size() && validator.add(as_bytes(text).subspan(accepted, 1))) ++accepted;
    const std::size_t expected = first_bad_byte(text);
    EXPECT_EQ(accepted, expected == std::string::npos ? text.size() : expected) << name;
  }
}

TEST(Utf8Validator, ResetsAfterFinish) {
  Utf8Validator validator;
  ASSERT_TRUE(validator.add(as_bytes("\xE2\x82")));
  ASSERT_FALSE(validator.finish());
  EXPECT_TRUE(validator.add(as_bytes("plain")));
  EXPECT_TRUE(validator.finish());
}

TEST(Utf8Prefix, NeverCutsACharacter) {
  const std::string text = "a\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80z";
  for (std::size_t size = 0; size <= text.size() + 1; ++size) {
    const ByteView prefix = utf8_prefix(as_bytes(text), size);
    EXPECT_LE(prefix.size(), size);
    EXPECT_TRUE(is_utf8(prefix)) << size;
    EXPECT_GE(prefix.size() + 3, std::min(size, text.size())) << "at most three bytes are dropped";
  }
}

}  // namespace
}  // namespace plait::codec
