// Header fields (RFC 9110 §5) as views, with comparison of names without case.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>
#include <vector>

namespace plait::http {

struct Field {
  std::string_view name;
  std::string_view value;  ///< without surrounding white space
};

class Fields {
 public:
  void add(std::string_view name, std::string_view value) { fields_.push_back({name, value}); }
  void clear() { fields_.clear(); }
  void reserve(std::size_t count) { fields_.reserve(count); }
  /// The first field of that name; nullopt if none.
  [[nodiscard]] std::optional<std::string_view> find(std::string_view name) const;
  /// How many fields have that name.
  [[nodiscard]] std::size_t count(std::string_view name) const;
  /// Whether the comma-separated list of all fields of that name has `token`, compared without case.
  [[nodiscard]] bool has_token(std::string_view name, std::string_view token) const;

  [[nodiscard]] auto begin() const { return fields_.begin(); }
  [[nodiscard]] auto end() const { return fields_.end(); }
  [[nodiscard]] std::size_t size() const { return fields_.size(); }

 private:
  std::vector<Field> fields_;
};

}  // namespace plait::http
