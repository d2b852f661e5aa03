// SeededHash: for hash tables whose keys a peer chooses.
//
// std::hash has the same seed everywhere, and its multiplications have known collisions under any seed, so that whoever
// names topics could put thousands into one bucket. This is SipHash-1-3 (Aumasson, Bernstein 2012) with a key that is
// random in each process. Values mean nothing to another process.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace plait::core {

using SipKey = std::array<std::uint64_t, 2>;

[[nodiscard]] std::uint64_t siphash_1_3(const SipKey& key, std::string_view data);

/// With the process's key.
struct SeededHash {
  [[nodiscard]] std::size_t operator()(std::string_view data) const;
};

}  // namespace plait::core
