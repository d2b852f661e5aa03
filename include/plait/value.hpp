// Value: what JSON and MessagePack can say, as one type; and the two formats.
#pragma once

#include <plait/bytes.hpp>
#include <plait/config.hpp>
#include <plait/result.hpp>

#include <concepts>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace plait {

/// One member of an object; a template, since an object is a value of members that are values.
template <class V>
struct NamedValue {
  std::string name;
  V value;
  friend bool operator==(const NamedValue&, const NamedValue&) = default;
};

/// One value, owner of all that is in it. Members of an object keep their order.
class PLAIT_API Value {
 public:
  using Member = NamedValue<Value>;
  using Binary = std::vector<std::uint8_t>;
  using Array = std::vector<Value>;
  using Object = std::vector<Member>;

  /// Null.
  Value() = default;
  Value(std::nullptr_t) {}                                    // NOLINT(google-explicit-constructor)
  Value(std::same_as<bool> auto boolean) : data_(boolean) {}  // NOLINT(google-explicit-constructor)
  template <std::integral Integer>
  requires(!std::same_as<Integer, bool>) Value(Integer number) {  // NOLINT(google-explicit-constructor)
    if (std::in_range<std::int64_t>(number)) {
      data_ = static_cast<std::int64_t>(number);
    } else {
      data_ = static_cast<std::uint64_t>(number);
    }
  }
  Value(double number) : data_(number) {}                     // NOLINT(google-explicit-constructor)
  Value(std::string text) : data_(std::move(text)) {}         // NOLINT(google-explicit-constructor)
  Value(std::string_view text) : data_(std::string{text}) {}  // NOLINT(google-explicit-constructor)
  Value(const char* text) : data_(std::string{text}) {}       // NOLINT(google-explicit-constructor)
  Value(Binary binary) : data_(std::move(binary)) {}          // NOLINT(google-explicit-constructor)
  Value(Array elements) : data_(std::move(elements)) {}       // NOLINT(google-explicit-constructor)
  Value(Object members) : data_(std::move(members)) {}        // NOLINT(google-explicit-constructor)
  /// `Value::array({1, "two"})`, `Value::object({{"a", 1}})`; without arguments, empty ones.
  static Value array(std::initializer_list<Value> elements = {});
  static Value object(std::initializer_list<Member> members = {});

  // nullopt or null: it is of another kind, or (integers) not representable without loss.
  [[nodiscard]] bool is_null() const { return std::holds_alternative<std::monostate>(data_); }
  [[nodiscard]] std::optional<bool> as_bool() const;
  [[nodiscard]] std::optional<std::int64_t> as_int64() const;
  [[nodiscard]] std::optional<std::uint64_t> as_uint64() const;
  [[nodiscard]] std::optional<double> as_double() const;  ///< of any number
  [[nodiscard]] const std::string* as_string() const { return std::get_if<std::string>(&data_); }
  [[nodiscard]] const Binary* as_binary() const { return std::get_if<Binary>(&data_); }
  [[nodiscard]] const Array* as_array() const { return std::get_if<Array>(&data_); }
  [[nodiscard]] const Object* as_object() const { return std::get_if<Object>(&data_); }

  /// The member of that name, the last if there are several; a null value if there is none or this is no object, so
  /// that lookups chain without checks. Compares with every member.
  [[nodiscard]] const Value& find(std::string_view name) const;
  /// The element at `index`; a null value if there is none or this is no array.
  [[nodiscard]] const Value& at(std::size_t index) const;
  /// Adds a member behind the others. Null becomes an object; any other kind must be one.
  Value& add(std::string name, Value value);

  PLAIT_API friend bool operator==(const Value& left, const Value& right);

  /// Calls `visitor` with std::monostate (null), bool, std::int64_t, std::uint64_t (above std::int64_t only), double,
  /// std::string (UTF-8), Binary, Array or Object.
  template <class Visitor>
  decltype(auto) visit(Visitor&& visitor) const {
    return std::visit(std::forward<Visitor>(visitor), data_);
  }

 private:
  std::variant<std::monostate, bool, std::int64_t, std::uint64_t, double, std::string, Binary, Array, Object> data_;
};

enum class Format : std::uint8_t { json, msgpack };

/// Why a value could not be written or read.
enum class FormatError : std::uint8_t {
  malformed,        ///< not that format, cut short, or followed by something
  too_deep,         ///< more than 64 arrays and objects in one another
  not_utf8,         ///< text that is not UTF-8
  key_not_text,     ///< MessagePack: a key that is no string
  unrepresentable,  ///< binary in JSON (use base64, or MessagePack); a MessagePack extension
};
/// A few words for a person.
PLAIT_API std::string_view describe(FormatError error);

/// Appends `value` to `out`; after an error `out` is as it was. NaN and infinities become null in JSON, which has none.
PLAIT_API Result<void, FormatError> encode(Format format, const Value& value, std::string& out);
/// The one value that `data` is. Takes at most about 80 bytes of memory for each byte of `data`: bound its size before.
PLAIT_API Result<Value, FormatError> decode(Format format, ByteView data);

}  // namespace plait
