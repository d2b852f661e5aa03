// The character classes and small rules of RFC 9110 §5.6 and RFC 3986 that every parser of this layer shares.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace plait::http {

enum class CharClass : std::uint8_t {
  token = 1,        ///< tchar, RFC 9110 §5.6.2
  field_value = 2,  ///< VCHAR, obs-text, SP and HTAB, RFC 9110 §5.5
  target = 4,       ///< what RFC 3986 allows, and `[]{}|\^` and backquote, which browsers send as they are (WHATWG URL)
  reg_name = 8,     ///< reg-name of RFC 3986 §3.2.2, without "%" and ","
  hex_digit = 16,
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
    const auto add_if = [&bits](bool member, CharClass to) { bits |= member ? static_cast<unsigned>(to) : 0U; };
    add_if(alphanumeric || (visible && kTokenMarks.find(c) != kTokenMarks.npos), CharClass::token);
    add_if(visible || code >= 0x80 || c == ' ' || c == '\t', CharClass::field_value);
    add_if(visible && kNotInTarget.find(c) == kNotInTarget.npos, CharClass::target);
    add_if(alphanumeric || (visible && kRegNameMarks.find(c) != kRegNameMarks.npos), CharClass::reg_name);
    add_if(digit || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'), CharClass::hex_digit);
    classes[code] = static_cast<std::uint8_t>(bits);
  }
  return classes;
}

inline constexpr std::array<std::uint8_t, 256> kCharClasses = make_char_classes();

[[nodiscard]] constexpr bool in_class(char c, CharClass wanted) {
  return (kCharClasses[static_cast<std::uint8_t>(c)] & static_cast<unsigned>(wanted)) != 0;
}

[[nodiscard]] constexpr bool all_in_class(std::string_view text, CharClass wanted) {
  return std::all_of(text.begin(), text.end(), [wanted](char c) { return in_class(c, wanted); });
}

/// Where the first byte stands that no field value may have (RFC 9110 §5.5); npos if there is none. Eight bytes a step.
[[nodiscard]] std::size_t find_bad_value_char(std::string_view text);

/// token, RFC 9110 §5.6.2.
[[nodiscard]] constexpr bool is_token(std::string_view text) {
  return !text.empty() && all_in_class(text, CharClass::token);
}

[[nodiscard]] constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }

[[nodiscard]] constexpr char to_lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }

/// ASCII comparison without case.
[[nodiscard]] constexpr bool equals_ignoring_case(std::string_view a, std::string_view b) {
  return a.size() == b.size() &&
         std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) { return x == y || to_lower(x) == to_lower(y); });
}

/// The value of a hexadecimal digit. Precondition: CharClass::hex_digit.
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

/// In front of a query. Browsers turn a backslash in a path into a slash; whoever still sends one wants it to be read
/// as one further on.
[[nodiscard]] constexpr bool has_backslash_in_path(std::string_view path_and_query) {
  return path_and_query.substr(0, path_and_query.find('?')).find('\\') != std::string_view::npos;
}

/// Splits `text` at the first `separator`: answers what stands before it, or all, and leaves the rest in `text`.
[[nodiscard]] constexpr std::string_view take_until(std::string_view& text, char separator) {
  const std::size_t at = std::min(text.find(separator), text.size());
  const std::string_view before = text.substr(0, at);
  text.remove_prefix(std::min(at + 1, text.size()));
  return before;
}

}  // namespace plait::http
