#include "http/grammar.hpp"

#include <cstring>

namespace plait::http {
namespace {

// False if none of the eight bytes is a control character or DEL; true is a suspicion only (HTAB is allowed, and a
// borrow may reach the next byte).
bool may_hold_control(std::uint64_t word) {
  constexpr std::uint64_t kOnes = 0x0101010101010101;
  constexpr std::uint64_t kHighBits = kOnes * 0x80;
  const std::uint64_t below_space = (word - kOnes * 0x20) & ~word;
  const std::uint64_t zero_if_delete = word ^ (kOnes * 0x7F);
  const std::uint64_t is_delete = (zero_if_delete - kOnes) & ~zero_if_delete;
  return ((below_space | is_delete) & kHighBits) != 0;
}

}  // namespace

std::size_t find_bad_value_char(std::string_view text) {
  std::size_t at = 0;
  for (std::uint64_t word = 0; text.size() - at >= sizeof(word); at += sizeof(word)) {
    std::memcpy(&word, text.data() + at, sizeof(word));
    if (may_hold_control(word) && !all_in_class(text.substr(at, sizeof(word)), CharClass::field_value)) break;
  }
  while (at < text.size() && in_class(text[at], CharClass::field_value)) ++at;
  return at < text.size() ? at : std::string_view::npos;
}

}  // namespace plait::http
