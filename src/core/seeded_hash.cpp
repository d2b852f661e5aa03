#include "core/seeded_hash.hpp"

#include <bit>
#include <cstring>
#include <random>

namespace plait::core {
namespace {

struct SipState {
  std::uint64_t v0;
  std::uint64_t v1;
  std::uint64_t v2;
  std::uint64_t v3;

  void round() {
    v0 += v1;
    v1 = std::rotl(v1, 13) ^ v0;
    v0 = std::rotl(v0, 32);
    v2 += v3;
    v3 = std::rotl(v3, 16) ^ v2;
    v0 += v3;
    v3 = std::rotl(v3, 21) ^ v0;
    v2 += v1;
    v1 = std::rotl(v1, 17) ^ v2;
    v2 = std::rotl(v2, 32);
  }
  void take(std::uint64_t word) {
    v3 ^= word;
    round();
    v0 ^= word;
  }
};

std::uint64_t word_of(std::string_view bytes) {
  std::uint64_t word = 0;
  std::memcpy(&word, bytes.data(), bytes.size());  // little-endian
  return word;
}

SipKey random_key() {
  std::random_device device;
  const auto word = [&device] { return std::uint64_t{device()} << 32 | device(); };
  return {word(), word()};
}

}  // namespace

std::uint64_t siphash_1_3(const SipKey& key, std::string_view data) {
  SipState state{key[0] ^ 0x736F6D6570736575, key[1] ^ 0x646F72616E646F6D, key[0] ^ 0x6C7967656E657261,
                 key[1] ^ 0x7465646279746573};
  const std::uint64_t size_byte = std::uint64_t{data.size()} << 56;
  for (; data.size() >= 8; data.remove_prefix(8)) state.take(word_of(data.substr(0, 8)));
  state.take(data.empty() ? size_byte : size_byte | word_of(data));
  state.v2 ^= 0xFF;
  for (int i = 0; i < 3; ++i) state.round();
  return state.v0 ^ state.v1 ^ state.v2 ^ state.v3;
}

std::size_t SeededHash::operator()(std::string_view data) const {
  static const SipKey key = random_key();
  return static_cast<std::size_t>(siphash_1_3(key, data));
}

}  // namespace plait::core
