// JSON (RFC 8259), writing: JsonWriter appends values to a string and puts the commas where they belong.
#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>

namespace plait::codec {

/// Appends `text` as a JSON string, quotes included. UTF-8 passes as it is, but for quotes, backslashes and control
/// characters (RFC 8259 §7). What is none, as the names of files may be, becomes U+FFFD, byte by byte.
void append_json_string(std::string& out, std::string_view text);

/// Appends to `out`, which must outlive it. That brackets match and that every member has one name and one value is the
/// caller's duty. All functions give the writer back, for chaining.
class JsonWriter {
 public:
  explicit JsonWriter(std::string& out) : out_(out) {}

  JsonWriter& begin_object() { return open('{'); }
  JsonWriter& end_object() { return close('}'); }
  JsonWriter& begin_array() { return open('['); }
  JsonWriter& end_array() { return close(']'); }
  /// A member's name; its value follows.
  JsonWriter& key(std::string_view name);

  JsonWriter& value(std::string_view text);
  JsonWriter& value(const char* text) { return value(std::string_view{text}); }
  JsonWriter& value(bool boolean) { return raw(boolean ? "true" : "false"); }
  /// The shortest text that reads back as the same double; null for NaN and infinities, which JSON has not.
  JsonWriter& value(double number);
  template <std::integral Integer>
  JsonWriter& value(Integer number) {
    if constexpr (std::signed_integral<Integer>) {
      return signed_integer(number);
    } else {
      return unsigned_integer(number);
    }
  }
  JsonWriter& null() { return raw("null"); }
  /// A value that is JSON already, as JsonValue::raw() gives it.
  JsonWriter& raw(std::string_view json);

  /// key() and value().
  template <class Value>
  JsonWriter& member(std::string_view name, const Value& contents) {
    return key(name).value(contents);
  }

 private:
  JsonWriter& open(char bracket);
  JsonWriter& close(char bracket);
  JsonWriter& signed_integer(std::int64_t number);
  JsonWriter& unsigned_integer(std::uint64_t number);
  void separate();

  std::string& out_;
  bool comma_due_ = false;  // a value stands before in the same array or object
};

}  // namespace plait::codec
