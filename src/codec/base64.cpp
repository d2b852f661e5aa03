#include "codec/base64.hpp"

#include <algorithm>
#include <array>

namespace plait::codec {
namespace {

constexpr std::string_view kStandard = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view kUrl = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
constexpr std::uint8_t kNoDigit = 64;

constexpr std::array<std::uint8_t, 256> digits_of(std::string_view alphabet) {
  std::array<std::uint8_t, 256> digits{};
  digits.fill(kNoDigit);
  for (std::size_t i = 0; i < alphabet.size(); ++i) {
    digits[static_cast<unsigned char>(alphabet[i])] = static_cast<std::uint8_t>(i);
  }
  return digits;
}

constexpr auto kStandardDigits = digits_of(kStandard);
constexpr auto kUrlDigits = digits_of(kUrl);

// Up to three bytes as up to four characters.
void encode_group(ByteView group, std::string_view alphabet, char* out) {
  std::uint32_t bits = 0;
  for (std::size_t i = 0; i < 3; ++i) bits = bits << 8 | (i < group.size() ? group[i] : 0U);
  for (std::size_t i = 0; i <= group.size(); ++i) out[i] = alphabet[bits >> (18 - 6 * i) & 63];
}

// Two to four characters as one to three bytes; false if a character is no digit or an unused bit is set.
bool decode_group(std::string_view group, const std::array<std::uint8_t, 256>& digits, std::uint8_t* out) {
  std::uint32_t bits = 0;
  for (std::size_t i = 0; i < 4; ++i) {
    const std::uint8_t digit = i < group.size() ? digits[static_cast<unsigned char>(group[i])] : std::uint8_t{0};
    if (digit == kNoDigit) return false;
    bits = bits << 6 | digit;
  }
  const std::size_t size = group.size() - 1;
  for (std::size_t i = 0; i < size; ++i) out[i] = static_cast<std::uint8_t>(bits >> (16 - 8 * i));
  return (bits & ((std::uint32_t{1} << (24 - 8 * size)) - 1)) == 0;
}

// Without its padding; nullopt if it is not padded as it must be.
std::optional<std::string_view> without_padding(std::string_view text) {
  if (text.size() % 4 != 0) return std::nullopt;
  if (text.ends_with("==")) return text.substr(0, text.size() - 2);
  if (text.ends_with('=')) return text.substr(0, text.size() - 1);
  return text;
}

}  // namespace

void encode_base64(ByteView data, char* out, Base64 form) {
  const std::string_view alphabet = form == Base64::standard ? kStandard : kUrl;
  char* const end = out + base64_size(data.size(), form);
  for (; !data.empty(); out += 4) {
    const ByteView group = data.first(std::min<std::size_t>(3, data.size()));
    encode_group(group, alphabet, out);
    data = data.subspan(group.size());
    if (group.size() < 3) std::fill(out + group.size() + 1, std::max(end, out + group.size() + 1), '=');
  }
}

std::string encode_base64(ByteView data, Base64 form) {
  std::string text(base64_size(data.size(), form), '\0');
  encode_base64(data, text.data(), form);
  return text;
}

std::optional<std::size_t> decode_base64(std::string_view text, std::uint8_t* out, Base64 form) {
  if (form == Base64::standard) {
    const auto unpadded = without_padding(text);
    if (!unpadded) return std::nullopt;
    text = *unpadded;
  }
  if (text.size() % 4 == 1) return std::nullopt;
  const auto& digits = form == Base64::standard ? kStandardDigits : kUrlDigits;
  std::size_t size = 0;
  for (; !text.empty(); text.remove_prefix(std::min<std::size_t>(4, text.size()))) {
    const std::string_view group = text.substr(0, 4);
    if (!decode_group(group, digits, out + size)) return std::nullopt;
    size += group.size() - 1;
  }
  return size;
}

std::optional<std::vector<std::uint8_t>> decode_base64(std::string_view text, Base64 form) {
  std::vector<std::uint8_t> data(text.size());
  const auto size = decode_base64(text, data.data(), form);
  if (!size) return std::nullopt;
  data.resize(*size);
  return data;
}

}  // namespace plait::codec
