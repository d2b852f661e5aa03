// The character classes and small rules of RFC 9110 §5.6 and RFC 3986 that every parser of this layer shares.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace plait::http {

enum CharClass : std::uint8_t {
  kTokenChar = 1,       ///< tchar, RFC 9110 §5.6.2
  kFieldValueChar = 2,  ///< VCHAR, obs-text, SP and HTAB, RFC 9110 §5.5
  kTargetChar = 4,      ///< see in_class()
  kRegNameChar = 8,     ///< reg-name of RFC 3986 §3.2.2, without "%" and ","
  kHexDigit = 16,
};

constexpr std::array<std::uint8_t, 256> make_char_classes() {
  constexpr std::string_view kTokenMarks = "!#$%&'*+-.^_`|~";
  constexpr std::string_view kRegNameMarks = "-._~!$&'()*+;=";
  constexpr std::string_view kNotInTarget = "#\"<>";
  std::array<std::uint8_t, 256> classes{};
  for (std::size_t code = 0; code < classes.size(); ++code) {
    const char c = static_cast<char>(code);
    const bool digit = c >= '0' && c <= '9';
    const bool alphanumeric = digit || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    const bool visible = code > 0x20 && code < 0x7F;
    unsigned bits = 0;
    if (alphanumeric || (visible && kTokenMarks.find(c) != kTokenMarks.npos)) bits |= kTokenChar;
    if (visible || code >= 0x80 || c == ' ' || c == '\t') bits |= kFieldValueChar;
    if (visible && kNotInTarget.find(c) == kNotInTarget.npos) bits |= kTargetChar;
    if (alphanumeric || (visible && kRegNameMarks.find(c) != kRegNameMarks.npos)) bits |= kRegNameChar;
    if (digit || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F')) bits |= kHexDigit;
    classes[code] = static_cast<std::uint8_t>(bits);
  }
  return classes;
}

inline constexpr std::array<std::uint8_t, 256> kCharClasses = make_char_classes();

/// kTargetChar is what RFC 3986 allows and, beyond it, `[]{}|\^` and backquote, which browsers send unencoded
/// (WHATWG URL, query percent-encode set).
[[nodiscard]] constexpr bool in_class(char c, CharClass wanted) {
  return (kCharClasses[static_cast<std::uint8_t>(c)] & wanted) != 0;
}

[[nodiscard]] constexpr bool all_in_class(std::string_view text, CharClass wanted) {
  return std::all_of(text.begin(), text.end(), [wanted](char c) { return in_class(c, wanted); });
}

/// token, RFC 9110 §5.6.2.
[[nodiscard]] constexpr bool is_token(std::string_view text) { return !text.empty() && all_in_class(text, kTokenChar); }

[[nodiscard]] constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }

[[nodiscard]] constexpr char to_lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }

/// The value of a hexadecimal digit. Precondition: kHexDigit.
[[nodiscard]] constexpr unsigned hex_value(char c) {
  return is_digit(c) ? static_cast<unsigned>(c - '0') : static_cast<unsigned>(to_lower(c) - 'a') + 10U;
}

/// OWS = *( SP / HTAB ), RFC 9110 §5.6.3.
[[nodiscard]] constexpr bool is_whitespace(char c) { return c == ' ' || c == '\t'; }

[[nodiscard]] constexpr std::string_view trim_whitespace(std::string_view text) {
  while (!text.empty() && is_whitespace(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_whitespace(text.back())) text.remove_suffix(1);
  return text;
}

/// Splits `text` at the first `separator`: answers what stands before it, or all, and leaves the rest in `text`.
[[nodiscard]] constexpr std::string_view take_until(std::string_view& text, char separator) {
  const std::size_t at = std::min(text.find(separator), text.size());
  const std::string_view before = text.substr(0, at);
  text.remove_prefix(std::min(at + 1, text.size()));
  return before;
}

}  // namespace plait::http
