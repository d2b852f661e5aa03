#include <plait/value.hpp>

#include <algorithm>

#include "codec/value_json.hpp"
#include "codec/value_msgpack.hpp"
#include "core/assert.hpp"

namespace plait {
namespace {

const Value kNull;

}  // namespace

// Out of line, as clang wants Member complete for whatever may destroy a value.
Value::Value() = default;
void Value::set(std::int64_t number) { data_ = number; }
void Value::set(std::uint64_t number) { data_ = number; }
Value::Value(double number) : data_(number) {}
Value::Value(std::string text) : data_(std::move(text)) {}
Value::Value(std::string_view text) : data_(std::string{text}) {}
Value::Value(const char* text) : data_(std::string{text}) {}
Value::Value(Binary binary) : data_(std::move(binary)) {}
Value::Value(Array elements) : data_(std::move(elements)) {}
Value::Value(Object members) : data_(std::move(members)) {}
Value::Value(const Value&) = default;
Value::Value(Value&&) noexcept = default;
Value& Value::operator=(const Value&) = default;
Value& Value::operator=(Value&&) noexcept = default;
Value::~Value() = default;

Value Value::array(std::initializer_list<Value> elements) { return Array{elements}; }
Value Value::object(std::initializer_list<Member> members) { return Object{members}; }

std::optional<bool> Value::as_bool() const {
  const bool* boolean = std::get_if<bool>(&data_);
  return boolean == nullptr ? std::nullopt : std::optional{*boolean};
}

std::optional<std::int64_t> Value::as_int64() const {
  const auto* number = std::get_if<std::int64_t>(&data_);
  return number == nullptr ? std::nullopt : std::optional{*number};
}

std::optional<std::uint64_t> Value::as_uint64() const {
  if (const auto* number = std::get_if<std::uint64_t>(&data_)) return *number;
  const auto number = as_int64();
  return number && *number >= 0 ? std::optional{static_cast<std::uint64_t>(*number)} : std::nullopt;
}

std::optional<double> Value::as_double() const {
  if (const auto* number = std::get_if<double>(&data_)) return *number;
  if (const auto* number = std::get_if<std::int64_t>(&data_)) return static_cast<double>(*number);
  if (const auto* number = std::get_if<std::uint64_t>(&data_)) return static_cast<double>(*number);
  return std::nullopt;
}

const Value& Value::find(std::string_view name) const {
  const Object* members = as_object();
  if (members == nullptr) return kNull;
  const auto found =
      std::find_if(members->rbegin(), members->rend(), [&](const Member& member) { return member.name == name; });
  return found == members->rend() ? kNull : found->value;
}

const Value& Value::at(std::size_t index) const {
  const Array* elements = as_array();
  return elements == nullptr || index >= elements->size() ? kNull : (*elements)[index];
}

Value& Value::add(std::string name, Value value) {
  if (is_null()) data_ = Object{};
  auto* members = std::get_if<Object>(&data_);
  PLAIT_ASSERT(members != nullptr, "only an object has members");
  members->push_back({std::move(name), std::move(value)});
  return *this;
}

bool operator==(const Value& left, const Value& right) { return left.data_ == right.data_; }

std::string_view describe(FormatError error) {
  switch (error) {
    case FormatError::malformed:
      return "malformed";
    case FormatError::too_deep:
      return "nested too deeply";
    case FormatError::not_utf8:
      return "text that is not UTF-8";
    case FormatError::key_not_text:
      return "a key that is not a string";
    case FormatError::unrepresentable:
      return "a kind of value that the format does not have";
  }
  return "unknown";
}

Result<void, FormatError> encode(Format format, const Value& value, std::string& out) {
  const std::size_t size = out.size();
  auto written = format == Format::json ? codec::encode_json(value, out) : codec::encode_msgpack(value, out);
  if (!written) out.resize(size);
  return written;
}

Result<Value, FormatError> decode(Format format, ByteView data) {
  return format == Format::json ? codec::decode_json(data) : codec::decode_msgpack(data);
}

}  // namespace plait
