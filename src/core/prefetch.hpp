// prefetch: asks the CPU to bring memory into its first-level cache, without waiting for it.
#pragma once

#include <cstddef>

namespace plait::core {

/// `bytes` from `begin` on; any address may be given, also null.
inline void prefetch(const void* begin, std::size_t bytes) {
  constexpr std::size_t kCacheLineBytes = 64;
  const auto* data = static_cast<const char*>(begin);
  for (std::size_t offset = 0; offset < bytes; offset += kCacheLineBytes) __builtin_prefetch(data + offset);
}

}  // namespace plait::core
