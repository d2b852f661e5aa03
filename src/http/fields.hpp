// Header fields (RFC 9110 §5) as views, with comparison of names without case.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
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

/// A field value that is the list of `members` (RFC 9110 §5.6.1), in their order.
[[nodiscard]] std::string encode_list(const std::vector<std::string>& members);

/// The token in a value of Authorization (RFC 6750 §2.1); empty where its scheme is another than Bearer.
[[nodiscard]] std::string_view bearer_token(std::string_view authorization);

}  // namespace plait::http
