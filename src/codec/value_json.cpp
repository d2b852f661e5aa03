#include "codec/value_json.hpp"

#include "codec/json.hpp"
#include "codec/json_writer.hpp"
#include "codec/utf8.hpp"

namespace plait::codec {
namespace {

class JsonEncoder {
 public:
  explicit JsonEncoder(std::string& out) : writer_(out) {}

  Result<void, FormatError> encode(const Value& value) {
    return value.visit([this](const auto& contents) { return write(contents); });
  }

 private:
  Result<void, FormatError> write(std::monostate) {
    writer_.null();
    return {};
  }
  template <class Number>
  requires std::integral<Number> || std::floating_point<Number> Result<void, FormatError> write(Number number) {
    writer_.value(number);
    return {};
  }
  Result<void, FormatError> write(const std::string& text) {
    if (!is_utf8(as_bytes(text))) return err(FormatError::not_utf8);
    writer_.value(text);
    return {};
  }
  Result<void, FormatError> write(const Value::Binary&) { return err(FormatError::unrepresentable); }
  Result<void, FormatError> write(const Value::Array& elements) {
    if (depth_ == kJsonDepthMax) return err(FormatError::too_deep);
    ++depth_;
    writer_.begin_array();
    for (const Value& element : elements) {
      if (auto written = encode(element); !written) return written;
    }
    writer_.end_array();
    --depth_;
    return {};
  }
  Result<void, FormatError> write(const Value::Object& members) {
    if (depth_ == kJsonDepthMax) return err(FormatError::too_deep);
    ++depth_;
    writer_.begin_object();
    for (const Value::Member& member : members) {
      if (!is_utf8(as_bytes(member.name))) return err(FormatError::not_utf8);
      writer_.key(member.name);
      if (auto written = encode(member.value); !written) return written;
    }
    writer_.end_object();
    --depth_;
    return {};
  }

  JsonWriter writer_;
  std::size_t depth_ = 0;
};

Value number_of(JsonValue json) {
  if (const auto number = json.as_int64()) return *number;
  if (const auto number = json.as_uint64()) return *number;
  return json.as_double().value_or(0);
}

// The parser has bounded the depth.
Value value_of(JsonValue json) {
  switch (json.kind()) {
    case JsonKind::boolean:
      return *json.as_bool();
    case JsonKind::number:
      return number_of(json);
    case JsonKind::string:
      return *json.as_string();
    case JsonKind::array: {
      Value::Array elements;
      for (const JsonValue element : json.elements()) elements.push_back(value_of(element));
      return elements;
    }
    case JsonKind::object: {
      Value::Object members;
      for (const JsonMember member : json.members()) {
        members.push_back({std::string{member.name}, value_of(member.value)});
      }
      return members;
    }
    default:
      return {};
  }
}

FormatError error_of(JsonError error) {
  switch (error) {
    case JsonError::too_deep:
      return FormatError::too_deep;
    case JsonError::invalid_utf8:
      return FormatError::not_utf8;
    default:
      return FormatError::malformed;
  }
}

}  // namespace

Result<void, FormatError> encode_json(const Value& value, std::string& out) { return JsonEncoder{out}.encode(value); }

Result<Value, FormatError> decode_json(ByteView text) {
  thread_local JsonParser parser{SIZE_MAX};  // the caller has bounded the size
  const auto json = parser.parse(text);
  auto value = json ? value_of(*json) : Result<Value, FormatError>{err(error_of(json.error()))};
  parser.shrink();
  return value;
}

}  // namespace plait::codec
