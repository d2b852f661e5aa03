// A JSON document that is put together and taken apart by name: what a generator tells the runner, and the results
// file. codec's JsonParser reads it.
#pragma once

#include <plait/result.hpp>

#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace plait::bench {

class Json {
 public:
  using Array = std::vector<Json>;
  using Object = std::vector<std::pair<std::string, Json>>;  ///< keeps the order of insertion

  Json() = default;                                        ///< null
  Json(bool value) : value_(value) {}                      // NOLINT(google-explicit-constructor)
  Json(double value) : value_(value) {}                    // NOLINT(google-explicit-constructor)
  Json(std::string value) : value_(std::move(value)) {}    // NOLINT(google-explicit-constructor)
  Json(const char* value) : value_(std::string{value}) {}  // NOLINT(google-explicit-constructor)
  Json(Array value) : value_(std::move(value)) {}          // NOLINT(google-explicit-constructor)
  Json(Object value) : value_(std::move(value)) {}         // NOLINT(google-explicit-constructor)
  static Json array_of(const std::vector<double>& values) { return Json{Array(values.begin(), values.end())}; }

  /// Appends a member; the value must be an object or null (which becomes one).
  void set(std::string name, Json value);

  /// The member, or null when there is none or this is no object.
  [[nodiscard]] const Json& operator[](std::string_view name) const;
  [[nodiscard]] bool is_null() const { return std::holds_alternative<std::monostate>(value_); }
  [[nodiscard]] double number_or(double other) const;
  [[nodiscard]] std::string text_or(const std::string& other) const;
  [[nodiscard]] bool bool_or(bool other) const;
  [[nodiscard]] std::vector<double> numbers() const;  ///< the numbers of an array, or nothing
  [[nodiscard]] const Array& items() const;           ///< of an array, or nothing

  /// One line, or indented by `indent` spaces a level. Numbers that are not finite become null.
  [[nodiscard]] std::string dump(int indent = 0) const;
  /// Errors are codec::JsonError's words.
  static Result<Json, Error> parse(std::string_view text);

 private:
  void write(std::string& out, int indent, int depth) const;
  std::variant<std::monostate, bool, double, std::string, Array, Object> value_;
};

}  // namespace plait::bench
