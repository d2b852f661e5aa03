// Parses any text; what is accepted must be what RFC 8259's grammar, read character by character, accepts, but for the
// parser's own limits. Whatever parses must read the same when it is written again from its parts, and raw() of every
// value must parse to the same.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "codec/json.hpp"
#include "codec/json_writer.hpp"
#include "codec/utf8.hpp"

namespace {

using namespace plait;
using namespace plait::codec;

void require(bool condition) {
  if (!condition) std::abort();
}

// RFC 8259, section by section.
class Grammar {
 public:
  explicit Grammar(std::string_view text) : rest_(text) {}

  bool text() { return codec::is_utf8(as_bytes(rest_)) && value(0) && rest_.empty(); }  // §2

 private:
  // White space may stand around every token but is part of none.
  bool value(int depth) {
    white_space();
    const bool good = depth < 1000 && !rest_.empty() && token(depth);
    white_space();
    return good;
  }

  bool token(int depth) {
    switch (rest_.front()) {
      case '{':
        return list('}', [&] { return white_space(), string() && (white_space(), take(":")) && value(depth + 1); });
      case '[':
        return list(']', [&] { return value(depth + 1); });
      case '"':
        return string();
      default:
        return take("true") || take("false") || take("null") || number();
    }
  }

  // §4, §5: the opening bracket stands in front.
  template <class Element>
  bool list(char end, Element element) {
    rest_.remove_prefix(1);
    white_space();
    if (take({&end, 1})) return true;
    do {
      if (!element()) return false;
    } while (take(","));
    return take({&end, 1});
  }

  bool number() {  // §6
    take("-");
    if (!take("0") && digits() == 0) return false;
    if (take(".") && digits() == 0) return false;
    if (!take("e") && !take("E")) return true;
    if (!take("+")) take("-");
    return digits() > 0;
  }

  bool string() {  // §7
    if (!take("\"")) return false;
    while (!take("\"")) {
      if (rest_.empty() || static_cast<unsigned char>(rest_.front()) < 0x20) return false;
      const bool escape = take("\\");
      if (rest_.empty() || (escape && !escaped())) return false;
      if (!escape) rest_.remove_prefix(1);
    }
    return true;
  }

  // Behind the backslash; half a surrogate pair is not UTF-8, so not a string either (§8.2).
  bool escaped() {
    const char c = rest_.front();
    if (c != 'u') return rest_.remove_prefix(1), std::string_view{"\"\\/bfnrt"}.find(c) != std::string_view::npos;
    const unsigned high = code_unit();
    if (high < 0xD800 || (high >= 0xE000 && high <= 0xFFFF)) return true;
    if (high >= 0xDC00 || !take("\\")) return false;
    const unsigned low = code_unit();
    return low >= 0xDC00 && low < 0xE000;
  }

  // Of uXXXX; above 0xFFFF if that is not what stands here.
  unsigned code_unit() {
    constexpr std::string_view kDigits = "0123456789abcdef0123456789ABCDEF";
    if (rest_.size() < 5 || rest_[0] != 'u') return 0x10000;
    unsigned unit = 0;
    for (std::size_t i = 1; i < 5; ++i) {
      const std::size_t digit = kDigits.find(rest_[i]);
      if (digit == kDigits.npos) return 0x10000;
      unit = unit * 16 + static_cast<unsigned>(digit % 16);
    }
    rest_.remove_prefix(5);
    return unit;
  }

  std::size_t digits() {
    const std::size_t count = std::min(rest_.find_first_not_of("0123456789"), rest_.size());
    rest_.remove_prefix(count);
    return count;
  }

  void white_space() { rest_.remove_prefix(std::min(rest_.find_first_not_of(" \t\r\n"), rest_.size())); }

  bool take(std::string_view word) {
    const bool good = rest_.starts_with(word);
    if (good) rest_.remove_prefix(word.size());
    return good;
  }

  std::string_view rest_;
};

bool is_own_limit(JsonError error) {
  return error == JsonError::too_deep || error == JsonError::too_large || error == JsonError::bad_number;
}

void write(JsonWriter& writer, const JsonValue& value) {
  switch (value.kind()) {
    case JsonKind::absent:
      std::abort();
    case JsonKind::null:
      writer.null();
      return;
    case JsonKind::boolean:
      writer.value(*value.as_bool());
      return;
    case JsonKind::string:
      writer.value(*value.as_string());
      return;
    case JsonKind::number:
      if (const auto number = value.as_int64()) {
        writer.value(*number);
      } else if (const auto large = value.as_uint64()) {
        writer.value(*large);
      } else {
        writer.value(*value.as_double());
      }
      return;
    case JsonKind::array:
      writer.begin_array();
      for (const JsonValue element : value.elements()) write(writer, element);
      writer.end_array();
      return;
    case JsonKind::object:
      writer.begin_object();
      for (const JsonMember member : value.members()) write(writer.key(member.name), member.value);
      writer.end_object();
      return;
  }
}

std::string written(const JsonValue& value) {
  std::string text;
  JsonWriter writer{text};
  write(writer, value);
  return text;
}

void check_raw(const JsonValue& value) {
  static JsonParser other;
  const std::string text{value.raw()};
  const auto again = other.parse(text);
  require(again.has_value() && again->kind() == value.kind());
  require(again->raw() == text);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static JsonParser parser{std::size_t{1} << 20};
  static JsonParser second;
  const auto value = parser.parse(ByteView{data, size});
  if (!value) {
    require(!describe(value.error()).empty());
    require(is_own_limit(value.error()) || !Grammar{as_text({data, size})}.text());
    return 0;
  }
  require(Grammar{as_text({data, size})}.text());
  for (const JsonMember member : value->members()) {
    require(value->find(member.name).kind() != JsonKind::absent);
    check_raw(member.value);
  }
  for (const JsonValue element : value->elements()) check_raw(element);
  // The first writing may turn -0.0 into the integer -0 and so into 0; from then on nothing changes.
  const std::string first = written(*value);
  const auto again = second.parse(first);
  require(again.has_value());
  const std::string text = written(*again);
  const auto last = second.parse(text);
  require(last.has_value() && written(*last) == text);
  return 0;
}
