// Masking (RFC 6455 §5.3): payload XOR the four octets of the masking key, over and over. Masking is unmasking.
//
// The kernel is chosen once at run time: AVX-512, AVX2 or SSE2, 64-bit words elsewhere. Each ends with one unaligned
// step over the last bytes, loaded before anything was stored, because at the size of a typical message the tail
// decides (93 B: 10.5 ns with AVX2 and a byte tail, 5.7 ns with words alone). AVX-512's masked store would do too, but
// the next frame's header, right behind, then waits for it: 4 ns a frame.
#pragma once

#include <plait/bytes.hpp>

#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>

namespace plait::ws {

static_assert(std::endian::native == std::endian::little, "a masking key's first octet is the low byte of the word");

/// The key for the payload from `offset` on, given the key for its beginning. A key's octets are in memory order.
[[nodiscard]] inline std::uint32_t rotate_key(std::uint32_t key, std::uint64_t offset) {
  return std::rotr(key, static_cast<int>(offset % 4) * 8);
}

/// Masks `payload` in place; it begins `offset` bytes into the frame's payload.
void mask(MutableByteView payload, std::uint32_t key, std::uint64_t offset = 0);

/// Masks `source` into `destination`, which has at least its size. They may overlap if `destination` begins first.
void mask_copy(std::uint8_t* destination, ByteView source, std::uint32_t key);

/// Masks `payload` to `destination`, which is where it is or before it.
inline void mask_down(std::uint8_t* destination, MutableByteView payload, std::uint32_t key) {
  destination == payload.data() ? mask(payload, key) : mask_copy(destination, payload, key);
}

namespace detail {

/// `destination` may equal `source`, or begin before it.
using MaskKernel = void (*)(std::uint8_t* destination, const std::uint8_t* source, std::size_t size, std::uint32_t key);

struct NamedMaskKernel {
  const char* name;
  MaskKernel run;
};

/// All kernels that this machine can run, the best first; for tests.
[[nodiscard]] std::span<const NamedMaskKernel> mask_kernels();
/// The one that mask() and mask_copy() use; for tests.
[[nodiscard]] MaskKernel chosen_mask_kernel();

}  // namespace detail
}  // namespace plait::ws
