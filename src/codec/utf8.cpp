#include "codec/utf8.hpp"

#include <simdjson.h>

#include <algorithm>
#include <cstring>

namespace plait::codec {
namespace {

// Bytes of the character that `lead` begins; 1 for anything that begins none, so that validation rejects it.
std::size_t character_size(std::uint8_t lead) {
  if (lead >= 0xF0) return 4;
  if (lead >= 0xE0) return 3;
  return lead >= 0xC0 ? 2 : 1;
}

// Where the last, perhaps incomplete character begins if it is incomplete; else text.size().
std::size_t complete_size(ByteView text) {
  const std::size_t window = std::min<std::size_t>(text.size(), 3);
  for (std::size_t back = 1; back <= window; ++back) {
    const std::uint8_t byte = text[text.size() - back];
    if ((byte & 0xC0) == 0x80) continue;  // a continuation byte
    return character_size(byte) > back ? text.size() - back : text.size();
  }
  return text.size();
}

// Whether 1 to 3 bytes can begin a valid character: the second byte rules out overlong forms, surrogates and >
// U+10FFFF.
bool may_begin_character(ByteView bytes) {
  const std::uint8_t lead = bytes[0];
  if (lead < 0xC2 || lead > 0xF4) return false;
  if (bytes.size() < 2) return true;
  const std::uint8_t second = bytes[1];
  if (lead == 0xE0 && second < 0xA0) return false;
  if (lead == 0xED && second > 0x9F) return false;
  if (lead == 0xF0 && second < 0x90) return false;
  if (lead == 0xF4 && second > 0x8F) return false;
  return std::all_of(bytes.begin() + 1, bytes.end(), [](std::uint8_t byte) { return (byte & 0xC0) == 0x80; });
}

// Short texts are mostly ASCII, and simdjson's call costs 15 ns before the first byte.
constexpr std::size_t kShortTextBytes = 256;

std::uint64_t load_word(const std::uint8_t* data) {
  std::uint64_t word;
  std::memcpy(&word, data, sizeof word);
  return word;
}

bool is_short_ascii(ByteView text) {
  std::uint64_t all = 0;
  if (text.size() < sizeof all) {
    for (std::uint8_t byte : text) all |= byte;
    return (all & 0x80) == 0;
  }
  const std::size_t end = text.size() - sizeof all;
  for (std::size_t i = 0; i < end; i += sizeof all) all |= load_word(text.data() + i);
  all |= load_word(text.data() + end);
  return (all & 0x8080808080808080) == 0;
}

}  // namespace

bool is_utf8(ByteView text) {
  if (text.size() <= kShortTextBytes && is_short_ascii(text)) return true;
  return simdjson::validate_utf8(reinterpret_cast<const char*>(text.data()), text.size());
}

ByteView utf8_prefix(ByteView text, std::size_t size_max) {
  if (text.size() <= size_max) return text;
  return text.first(complete_size(text.first(size_max)));
}

bool Utf8Validator::add(ByteView piece) {
  if (pending_size_ > 0) {
    const std::size_t size = character_size(pending_[0]);
    while (pending_size_ < size && !piece.empty()) {
      pending_[pending_size_++] = piece.front();
      piece = piece.subspan(1);
    }
    const ByteView character{pending_.data(), pending_size_};
    if (pending_size_ < size) return may_begin_character(character);
    if (!is_utf8(character)) return false;
    pending_size_ = 0;
  }
  const std::size_t complete = complete_size(piece);
  if (!is_utf8(piece.first(complete))) return false;
  const ByteView rest = piece.subspan(complete);
  std::copy(rest.begin(), rest.end(), pending_.begin());
  pending_size_ = static_cast<std::uint8_t>(rest.size());
  return rest.empty() || may_begin_character(rest);
}

bool Utf8Validator::finish() {
  const bool whole = pending_size_ == 0;
  pending_size_ = 0;
  return whole;
}

}  // namespace plait::codec
