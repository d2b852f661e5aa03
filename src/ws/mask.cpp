#include "ws/mask.hpp"

#include <array>
#include <cstring>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace plait::ws {
namespace {

template <class Word>
Word load(const std::uint8_t* source) {
  Word word;
  std::memcpy(&word, source, sizeof word);
  return word;
}

template <class Word>
void store(std::uint8_t* destination, Word word) {
  std::memcpy(destination, &word, sizeof word);
}

void mask_bytes(std::uint8_t* destination, const std::uint8_t* source, std::size_t size, std::uint32_t key) {
  for (std::size_t i = 0; i < size; ++i, key >>= 8) destination[i] = static_cast<std::uint8_t>(source[i] ^ key);
}

// At least one Word. Each kernel below is this with its own word.
template <class Word>
void mask_with(std::uint8_t* destination, const std::uint8_t* source, std::size_t size, Word key, Word end_key) {
  const std::size_t end = size - sizeof(Word);
  const Word last = load<Word>(source + end) ^ end_key;
  for (std::size_t i = 0; i < end; i += sizeof(Word)) store<Word>(destination + i, load<Word>(source + i) ^ key);
  store<Word>(destination + end, last);
}

std::uint64_t twice(std::uint32_t key) { return std::uint64_t{key} << 32 | key; }

void mask_words(std::uint8_t* destination, const std::uint8_t* source, std::size_t size, std::uint32_t key) {
  if (size < 4) return mask_bytes(destination, source, size, key);
  const std::uint32_t end_key = rotate_key(key, size);
  if (size < 8) return mask_with<std::uint32_t>(destination, source, size, key, end_key);
  mask_with<std::uint64_t>(destination, source, size, twice(key), twice(end_key));
}

#if defined(__x86_64__)

void mask_sse2(std::uint8_t* destination, const std::uint8_t* source, std::size_t size, std::uint32_t key) {
  if (size < 16) return mask_words(destination, source, size, key);
  const auto xor_at = [source](std::size_t i, __m128i wide_key) {
    return _mm_xor_si128(_mm_loadu_si128(reinterpret_cast<const __m128i*>(source + i)), wide_key);
  };
  const auto store_at = [destination](std::size_t i, __m128i data) {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(destination + i), data);
  };
  const std::size_t end = size - 16;
  const __m128i wide_key = _mm_set1_epi32(static_cast<int>(key));
  const __m128i last = xor_at(end, _mm_set1_epi32(static_cast<int>(rotate_key(key, size))));
  for (std::size_t i = 0; i < end; i += 16) store_at(i, xor_at(i, wide_key));
  store_at(end, last);
}

__attribute__((target("avx2"))) void mask_avx2(std::uint8_t* destination, const std::uint8_t* source, std::size_t size,
                                               std::uint32_t key) {
  if (size < 32) return mask_sse2(destination, source, size, key);
  const std::size_t end = size - 32;
  const __m256i wide_key = _mm256_set1_epi32(static_cast<int>(key));
  const __m256i end_key = _mm256_set1_epi32(static_cast<int>(rotate_key(key, size)));
  const __m256i last = _mm256_xor_si256(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(source + end)), end_key);
  for (std::size_t i = 0; i < end; i += 32) {
    const __m256i data = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(source + i));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(destination + i), _mm256_xor_si256(data, wide_key));
  }
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(destination + end), last);
}

__attribute__((target("avx512f"))) void mask_avx512(std::uint8_t* destination, const std::uint8_t* source,
                                                    std::size_t size, std::uint32_t key) {
  if (size < 64) return mask_avx2(destination, source, size, key);
  const std::size_t end = size - 64;
  const __m512i wide_key = _mm512_set1_epi32(static_cast<int>(key));
  const __m512i end_key = _mm512_set1_epi32(static_cast<int>(rotate_key(key, size)));
  const __m512i last = _mm512_xor_si512(_mm512_loadu_si512(source + end), end_key);
  for (std::size_t i = 0; i < end; i += 64) {
    _mm512_storeu_si512(destination + i, _mm512_xor_si512(_mm512_loadu_si512(source + i), wide_key));
  }
  _mm512_storeu_si512(destination + end, last);
}

#endif

using KernelList = std::array<detail::NamedMaskKernel, 4>;

// The best first; the last is always "words".
std::size_t list_kernels(KernelList& list) {
  std::size_t count = 0;
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx512f") != 0) list[count++] = {"avx512", mask_avx512};
  if (__builtin_cpu_supports("avx2") != 0) list[count++] = {"avx2", mask_avx2};
  list[count++] = {"sse2", mask_sse2};
#endif
  list[count++] = {"words", mask_words};
  return count;
}

KernelList kernels{};
const std::size_t kernel_count = list_kernels(kernels);

// Constant-initialised, so that it can be called while other statics are still being made.
constinit detail::MaskKernel best_kernel = mask_words;
[[maybe_unused]] const bool best_kernel_chosen = (best_kernel = kernels[0].run, true);

}  // namespace

void mask(MutableByteView payload, std::uint32_t key, std::uint64_t offset) {
  if (key == 0) return;  // also what a frame without masking has
  best_kernel(payload.data(), payload.data(), payload.size(), rotate_key(key, offset));
}

void mask_copy(std::uint8_t* destination, ByteView source, std::uint32_t key) {
  best_kernel(destination, source.data(), source.size(), key);
}

std::span<const detail::NamedMaskKernel> detail::mask_kernels() { return {kernels.data(), kernel_count}; }
detail::MaskKernel detail::chosen_mask_kernel() { return best_kernel; }

}  // namespace plait::ws
