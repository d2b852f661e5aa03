#include "hub/topic_name.hpp"

#include <algorithm>

namespace plait::hub {

bool is_name(std::string_view name) {
  return !name.empty() && name.size() <= kTopicBytesMax &&
         std::all_of(name.begin(), name.end(), [](char c) { return c > ' ' && c < '\x7F'; });
}

bool is_pattern(std::string_view name) { return name.find_first_of("*?") != std::string_view::npos; }

bool is_topic(std::string_view name) { return is_name(name) && !is_pattern(name); }

bool is_subscribable(std::string_view name) {
  return is_name(name) && std::count(name.begin(), name.end(), '*') <= static_cast<std::ptrdiff_t>(kPatternStarsMax);
}

bool may_overlap(std::string_view pattern, std::string_view other) {
  const auto fits = [](auto left, auto left_end, auto right, auto right_end) {
    for (; left != left_end && right != right_end && *left != '*' && *right != '*'; ++left, ++right) {
      if (*left != *right && *left != '?' && *right != '?') return false;
    }
    const bool ends = left == left_end || right == right_end;
    return !ends || ((left == left_end || *left == '*') && (right == right_end || *right == '*'));
  };
  return fits(pattern.begin(), pattern.end(), other.begin(), other.end()) &&
         fits(pattern.rbegin(), pattern.rend(), other.rbegin(), other.rend());
}

}  // namespace plait::hub
