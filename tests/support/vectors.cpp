#include "support/vectors.hpp"

#include <charconv>
#include <fstream>
#include <iterator>

#include "core/assert.hpp"

namespace plait::test {

VectorFile::VectorFile(std::string_view name) {
  std::ifstream file{std::string{PLAIT_SOURCE_DIR "/spec/vectors/"}.append(name)};
  text_.assign(std::istreambuf_iterator<char>{file}, {});
  auto parsed = parser_.parse(text_);
  PLAIT_ASSERT(parsed.has_value(), "the vector file is missing or not JSON");
  root_ = *parsed;
}

codec::JsonElements VectorFile::array(std::string_view member) const {
  const codec::JsonElements elements = root_.find(member).elements();
  PLAIT_ASSERT(elements.begin() != elements.end(), "the array of vectors is missing or empty");
  return elements;
}

std::vector<std::uint8_t> from_hex(std::string_view hex) {
  std::vector<std::uint8_t> bytes(hex.size() / 2);
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const auto result = std::from_chars(&hex[2 * i], &hex[2 * i] + 2, bytes[i], 16);
    PLAIT_ASSERT(result.ec == std::errc{}, "not hexadecimal");
  }
  return bytes;
}

std::string to_hex(ByteView bytes) {
  std::string hex;
  for (const std::uint8_t byte : bytes) {
    hex += "0123456789abcdef"[byte >> 4];
    hex += "0123456789abcdef"[byte & 15];
  }
  return hex;
}

std::string_view string_member(codec::JsonValue object, std::string_view name) {
  const auto text = object.find(name).as_string();
  PLAIT_ASSERT(text.has_value(), "the member is missing or no string");
  return *text;
}

}  // namespace plait::test
