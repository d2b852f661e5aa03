#include "codec/json_argument.hpp"

#include <algorithm>

#include "codec/json.hpp"
#include "codec/json_writer.hpp"
#include "codec/utf8.hpp"

namespace plait::codec {
namespace {

constexpr std::string_view kDigits = "0123456789";

/// The bytes of `text` from `begin` that are digits.
std::size_t digits(std::string_view text, std::size_t begin) {
  return std::min(text.find_first_not_of(kDigits, begin), text.size()) - std::min(begin, text.size());
}

/// The size of the number that `text` begins with (RFC 8259 §6); 0: it begins with none.
std::size_t number_bytes(std::string_view text) {
  std::size_t size = text.starts_with('-') ? 1 : 0;
  const std::size_t integer = text.substr(size).starts_with('0') ? 1 : digits(text, size);
  if (integer == 0) return 0;
  size += integer;
  if (text.substr(size).starts_with('.')) {
    const std::size_t fraction = digits(text, size + 1);
    if (fraction > 0) size += 1 + fraction;
  }
  if (text.substr(size).starts_with('e') || text.substr(size).starts_with('E')) {
    const std::string_view behind = text.substr(size + 1);
    const std::size_t sign = behind.starts_with('+') || behind.starts_with('-') ? 1 : 0;
    const std::size_t exponent = digits(text, size + 1 + sign);
    if (exponent > 0) size += 1 + sign + exponent;
  }
  return size;
}

std::size_t string_bytes(std::string_view text) {
  std::size_t end = 1;
  while (end < text.size() && text[end] != '"') end += text[end] == '\\' ? 2 : 1;
  return std::min(end + 1, text.size());
}

// Each number that may be beyond the limits becomes a zero between blanks, which joins nothing that stands beside it.
std::string without_long_numbers(std::string_view text) {
  constexpr std::size_t kLongBytes = 5;  // 1e309
  std::string out{text};
  for (std::size_t at = 0; at < text.size();) {
    const std::string_view rest = text.substr(at);
    const std::size_t number = number_bytes(rest);
    if (number >= kLongBytes) out.replace(at, number, number, ' ')[at + 1] = '0';
    at += rest.front() == '"' ? string_bytes(rest) : std::max<std::size_t>(number, 1);
  }
  return out;
}

std::string reason(JsonError error) {
  switch (error) {
    case JsonError::too_large:
      return " is larger than " + std::to_string(kJsonArgumentMiBMax) + " MiB, as JSON";
    case JsonError::too_deep:
      return " is JSON with more than " + std::to_string(kJsonDepthMax) + " arrays and objects in one another";
    case JsonError::bad_number:
      return " has a number beyond 64-bit integers and doubles; write it in double quotes to send it as text";
    case JsonError::invalid_utf8:
      return " is not UTF-8";
    default:
      return ": " + std::string{describe(error)};
  }
}

bool is_json_beyond_limits(JsonParser& parser, std::string_view text, JsonError error) {
  if (error == JsonError::bad_number) return parser.parse(without_long_numbers(text)).has_value();
  return error == JsonError::too_deep || error == JsonError::too_large;
}

}  // namespace

Result<std::string, Error> json_argument(std::string_view text, const std::string& what) {
  JsonParser parser{kJsonArgumentMiBMax << 20};
  const auto json = parser.parse(text);
  if (json) return std::string{text};
  if (is_json_beyond_limits(parser, text, json.error())) return err(Error{what + reason(json.error())});
  if (!is_utf8(as_bytes(text))) return err(Error{what + reason(JsonError::invalid_utf8)});  // it would be replaced
  std::string quoted;
  append_json_string(quoted, text);
  const auto string = parser.parse(quoted);
  if (string) return quoted;
  return err(Error{what + reason(string.error())});
}

}  // namespace plait::codec
