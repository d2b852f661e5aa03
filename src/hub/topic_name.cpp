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

}  // namespace plait::hub
