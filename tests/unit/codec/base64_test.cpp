#include "codec/base64.hpp"

#include <gtest/gtest.h>

#include <random>

namespace plait::codec {
namespace {

std::optional<std::string> decoded(std::string_view text, Base64 form = Base64::standard) {
  const auto bytes = decode_base64(text, form);
  return bytes ? std::optional{std::string{as_text(*bytes)}} : std::nullopt;
}

TEST(Base64, Rfc4648Section10) {
  const std::pair<std::string, std::string> vectors[] = {
      {"", ""},
      {"f", "Zg=="},
      {"fo", "Zm8="},
      {"foo", "Zm9v"},
      {"foob", "Zm9vYg=="},
      {"fooba", "Zm9vYmE="},
      {"foobar", "Zm9vYmFy"},
  };
  for (const auto& [plain, encoded] : vectors) {
    EXPECT_EQ(encode_base64(as_bytes(plain)), encoded);
    EXPECT_EQ(decoded(encoded), plain);
    const std::string unpadded = encoded.substr(0, encoded.find('='));
    EXPECT_EQ(encode_base64(as_bytes(plain), Base64::url), unpadded);
    EXPECT_EQ(decoded(unpadded, Base64::url), plain);
  }
}

TEST(Base64, TheAlphabetsDifferInTwoCharacters) {
  const std::string bytes = "\xFB\xFF\xBE";
  EXPECT_EQ(encode_base64(as_bytes(bytes)), "+/++");
  EXPECT_EQ(encode_base64(as_bytes(bytes), Base64::url), "-_--");
  EXPECT_EQ(decoded("+/++", Base64::url), std::nullopt);
  EXPECT_EQ(decoded("-_--"), std::nullopt);
}

TEST(Base64, DecodesWhatWasEncoded) {
  std::mt19937 random{3};
  for (std::size_t size = 0; size < 100; ++size) {
    std::vector<std::uint8_t> bytes(size);
    for (auto& byte : bytes) byte = static_cast<std::uint8_t>(random());
    for (const Base64 form : {Base64::standard, Base64::url}) {
      const std::string text = encode_base64(bytes, form);
      ASSERT_EQ(text.size(), base64_size(size, form));
      ASSERT_EQ(decode_base64(text, form), bytes);
    }
  }
}

TEST(Base64, RefusesPaddingThatIsMissingMisplacedOrTooMuch) {
  for (const char* text :
       {"Zg", "Zg=", "Zm8", "Zm9v=", "Zm9v==", "Zm9v====", "=", "==", "====", "Zg==Zg==", "Z===", "=Zg="}) {
    EXPECT_EQ(decoded(text), std::nullopt) << text;
  }
  for (const char* text : {"Zg==", "Zm8=", "Z", "Zm9vY"}) EXPECT_EQ(decoded(text, Base64::url), std::nullopt) << text;
}

TEST(Base64, RefusesUnusedBitsThatAreSet) {
  EXPECT_EQ(decoded("Zh=="), std::nullopt);
  EXPECT_EQ(decoded("Zm9="), std::nullopt);
  EXPECT_EQ(decoded("Zh", Base64::url), std::nullopt);
}

TEST(Base64, RefusesEveryCharacterOutsideTheAlphabet) {
  const std::string alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (int c = 0; c < 256; ++c) {
    const std::string text{'A', static_cast<char>(c), 'A', 'A'};
    EXPECT_EQ(decoded(text).has_value(), alphabet.find(static_cast<char>(c)) != std::string::npos) << c;
  }
}

}  // namespace
}  // namespace plait::codec
