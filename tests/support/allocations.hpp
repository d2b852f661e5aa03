// Counts what a piece of code allocates, malloc and operator new alike.
#pragma once

#include <cstddef>

namespace plait::test {

struct Allocations {
  std::size_t count = 0;
  std::size_t bytes_max = 0;  ///< the largest single one
  std::size_t bytes = 0;      ///< of all together, freed since or not
};

/// Allocations of this process since start_counting().
void start_counting();
[[nodiscard]] Allocations stop_counting();

}  // namespace plait::test
