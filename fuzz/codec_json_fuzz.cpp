// Parses any text; whatever parses must read the same when it is written again from its parts, and raw() of every value
// must parse to the same.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "codec/json.hpp"
#include "codec/json_writer.hpp"

namespace {

using namespace plait;
using namespace plait::codec;

void require(bool condition) {
  if (!condition) std::abort();
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
    return 0;
  }
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
