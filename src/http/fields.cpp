#include "http/fields.hpp"

#include <algorithm>

#include "http/grammar.hpp"

namespace plait::http {

std::optional<std::string_view> Fields::find(std::string_view name) const {
  for (const Field& field : fields_) {
    if (equals_ignoring_case(field.name, name)) return field.value;
  }
  return std::nullopt;
}

std::size_t Fields::count(std::string_view name) const {
  return static_cast<std::size_t>(std::count_if(
      fields_.begin(), fields_.end(), [name](const Field& field) { return equals_ignoring_case(field.name, name); }));
}

bool Fields::has_token(std::string_view name, std::string_view token) const {
  for (const Field& field : fields_) {
    if (!equals_ignoring_case(field.name, name)) continue;
    for (std::string_view list = field.value; !list.empty();) {
      if (equals_ignoring_case(trim_whitespace(take_until(list, ',')), token)) return true;
    }
  }
  return false;
}

std::string encode_list(const std::vector<std::string>& members) {
  std::string list;
  for (const std::string& member : members) list += (list.empty() ? "" : ", ") + member;
  return list;
}

std::string_view bearer_token(std::string_view authorization) {
  constexpr std::string_view kScheme = "bearer ";
  const std::string_view credentials = trim_whitespace(authorization);
  if (!equals_ignoring_case(credentials.substr(0, kScheme.size()), kScheme)) return {};
  return trim_whitespace(credentials.substr(kScheme.size()));
}

}  // namespace plait::http
