// What each layer's table of its errors must be, so that an error's number finds its rule.
#pragma once

#include <cstddef>

namespace plait::core {

/// Whether `rules`, which have a member `error`, stand in the order of the enumerators, from 0 to `last`, none left
/// out.
template <class Rules, class Error>
[[nodiscard]] constexpr bool stand_in_order(const Rules& rules, Error last) {
  for (std::size_t i = 0; i < rules.size(); ++i) {
    if (static_cast<std::size_t>(rules[i].error) != i) return false;
  }
  return rules.size() == static_cast<std::size_t>(last) + 1;
}

}  // namespace plait::core
