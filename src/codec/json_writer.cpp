#include "codec/json_writer.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "codec/utf8.hpp"

namespace plait::codec {
namespace {

constexpr char kHex[] = "0123456789abcdef";

constexpr std::string_view kReplacement = "\xef\xbf\xbd";  // U+FFFD
constexpr std::size_t kCharacterBytesMax = 4;

/// Bytes of the character of UTF-8 that `text` begins with; 0: it begins with none.
std::size_t character_bytes(std::string_view text) {
  for (std::size_t size = 1; size <= std::min(text.size(), kCharacterBytesMax); ++size) {
    if (is_utf8(as_bytes(text.substr(0, size)))) return size;
  }
  return 0;
}

std::string repaired(std::string_view text) {
  std::string whole;
  while (!text.empty()) {
    const std::size_t size = character_bytes(text);
    whole += size == 0 ? kReplacement : text.substr(0, size);
    text.remove_prefix(std::max<std::size_t>(size, 1));
  }
  return whole;
}

bool needs_escape(char character) {
  return static_cast<unsigned char>(character) < 0x20 || character == '"' || character == '\\';
}

void append_escape(std::string& out, char character) {
  switch (character) {
    case '"':
      out += "\\\"";
      return;
    case '\\':
      out += "\\\\";
      return;
    case '\b':
      out += "\\b";
      return;
    case '\f':
      out += "\\f";
      return;
    case '\n':
      out += "\\n";
      return;
    case '\r':
      out += "\\r";
      return;
    case '\t':
      out += "\\t";
      return;
    default:
      break;
  }
  out += "\\u00";
  out += kHex[static_cast<unsigned char>(character) >> 4];
  out += kHex[static_cast<unsigned char>(character) & 15];
}

// From here the shortest text of a double may be an integer that fits no 64 bits, which readers refuse.
constexpr double kScientificMin = 1e15;

template <class Number, class... Format>
void append_number(std::string& out, Number number, Format... format) {
  std::array<char, 32> digits;  // the longest double has 24 characters
  out.append(digits.data(), std::to_chars(digits.data(), digits.data() + digits.size(), number, format...).ptr);
}

}  // namespace

void append_json_string(std::string& out, std::string_view text) {
  if (!is_utf8(as_bytes(text))) return append_json_string(out, repaired(text));
  out += '"';
  std::size_t written = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (!needs_escape(text[i])) continue;
    out.append(text, written, i - written);
    append_escape(out, text[i]);
    written = i + 1;
  }
  out.append(text, written);
  out += '"';
}

void JsonWriter::separate() {
  if (comma_due_) out_ += ',';
  comma_due_ = true;
}

JsonWriter& JsonWriter::open(char bracket) {
  separate();
  out_ += bracket;
  comma_due_ = false;
  return *this;
}

JsonWriter& JsonWriter::close(char bracket) {
  out_ += bracket;
  comma_due_ = true;
  return *this;
}

JsonWriter& JsonWriter::key(std::string_view name) {
  separate();
  append_json_string(out_, name);
  out_ += ':';
  comma_due_ = false;
  return *this;
}

JsonWriter& JsonWriter::value(std::string_view text) {
  separate();
  append_json_string(out_, text);
  return *this;
}

JsonWriter& JsonWriter::value(double number) {
  if (!std::isfinite(number)) return null();
  separate();
  if (std::fabs(number) < kScientificMin) {
    append_number(out_, number);
  } else {
    append_number(out_, number, std::chars_format::scientific);
  }
  return *this;
}

JsonWriter& JsonWriter::signed_integer(std::int64_t number) {
  separate();
  append_number(out_, number);
  return *this;
}

JsonWriter& JsonWriter::unsigned_integer(std::uint64_t number) {
  separate();
  append_number(out_, number);
  return *this;
}

JsonWriter& JsonWriter::raw(std::string_view json) {
  separate();
  out_.append(json);
  return *this;
}

}  // namespace plait::codec
