// release_memory(): an empty container that keeps no capacity.
#pragma once

namespace plait::core {

/// "container = {}" and clear() keep what was allocated.
template <class Container>
void release_memory(Container& container) {
  Container{}.swap(container);
}

}  // namespace plait::core
