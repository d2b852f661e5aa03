// What decodes encodes again, into bytes that mean the same; and the value as JSON means the same, too.
#include <plait/value.hpp>

#include <cmath>
#include <cstdlib>
#include <string>

namespace {

using plait::Format;
using plait::Value;

// JSON has no NaN, no infinities, no binary, and one form for whole numbers; NaN is not equal to itself.
bool is_plain(const Value& value) {
  if (const auto* elements = value.as_array()) {
    for (const Value& element : *elements) {
      if (!is_plain(element)) return false;
    }
  }
  if (const auto* members = value.as_object()) {
    for (const Value::Member& member : *members) {
      if (!is_plain(member.value)) return false;
    }
  }
  const auto number = value.as_double();
  const bool whole = !value.as_int64() && !value.as_uint64() && number && std::trunc(*number) == *number;
  return value.as_binary() == nullptr && (!number || std::isfinite(*number)) && !whole;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto value = plait::decode(Format::msgpack, {data, size});
  if (!value) return 0;
  std::string packed;
  if (!plait::encode(Format::msgpack, *value, packed) || packed.size() > 2 * size) std::abort();  // float 32 grows
  const auto again = plait::decode(Format::msgpack, plait::as_bytes(packed));
  std::string once_more;
  if (!again || !plait::encode(Format::msgpack, *again, once_more) || once_more != packed) std::abort();
  if (!is_plain(*value)) return 0;
  std::string json;
  if (!plait::encode(Format::json, *value, json)) std::abort();
  const auto from_json = plait::decode(Format::json, plait::as_bytes(json));
  if (!from_json || *from_json != *value) std::abort();
  return 0;
}
