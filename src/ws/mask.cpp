#include "ws/mask.hpp"

#include <array>
#include <cstring>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace plait::ws {
namespace {

template <class Word>
void mask_word(std::uint8_t* destination, const std::uint8_t* source, Word key) {
  Word word;
  std::memcpy(&word, source, sizeof word);
  word ^= key;
  std::memcpy(destination, &word, sizeof word);
}

void mask_words(std::uint8_t* destination, const std::uint8_t* source, std::size_t size, std::uint32_t key) {
  const std::uint64_t wide_key = std::uint64_t{key} << 32 | key;
  std::size_t done = 0;
  for (; size - done >= 8; done += 8) mask_word(destination + done, source + done, wide_key);
  if (size - done >= 4) {
    mask_word(destination + done, source + done, key);
    done += 4;
  }
  for (; done < size; ++done, key >>= 8) mask_word(destination + done, source + done, static_cast<std::uint8_t>(key));
}

#if defined(__x86_64__)

void mask_sse2(std::uint8_t* destination, const std::uint8_t* source, std::size_t size, std::uint32_t key) {
  const __m128i wide_key = _mm_set1_epi32(static_cast<int>(key));
  std::size_t done = 0;
  for (; size - done >= 16; done += 16) {
    const __m128i data = _mm_loadu_si128(reinterpret_cast<const __m128i*>(source + done));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(destination + done), _mm_xor_si128(data, wide_key));
  }
  mask_words(destination + done, source + done, size - done, key);
}

__attribute__((target("avx2"))) void mask_avx2(std::uint8_t* destination, const std::uint8_t* source, std::size_t size,
                                               std::uint32_t key) {
  const __m256i wide_key = _mm256_set1_epi32(static_cast<int>(key));
  std::size_t done = 0;
  for (; size - done >= 32; done += 32) {
    const __m256i data = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(source + done));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(destination + done), _mm256_xor_si256(data, wide_key));
  }
  mask_words(destination + done, source + done, size - done, key);
}

__attribute__((target("avx512f,avx512bw"))) void mask_avx512(std::uint8_t* destination, const std::uint8_t* source,
                                                             std::size_t size, std::uint32_t key) {
  const __m512i wide_key = _mm512_set1_epi32(static_cast<int>(key));
  std::size_t done = 0;
  for (; size - done >= 64; done += 64) {
    const __m512i data = _mm512_loadu_si512(source + done);
    _mm512_storeu_si512(destination + done, _mm512_xor_si512(data, wide_key));
  }
  const __mmask64 tail = (std::uint64_t{1} << (size - done)) - 1;
  const __m512i data = _mm512_maskz_loadu_epi8(tail, source + done);
  _mm512_mask_storeu_epi8(destination + done, tail, _mm512_xor_si512(data, wide_key));
}

#endif

struct Kernels {
  std::array<detail::NamedMaskKernel, 4> list{};
  std::size_t count = 0;

  void add(const char* name, detail::MaskKernel run) { list[count++] = {name, run}; }

  Kernels() {
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512bw") != 0) add("avx512", mask_avx512);
    if (__builtin_cpu_supports("avx2") != 0) add("avx2", mask_avx2);
    add("sse2", mask_sse2);
#endif
    add("words", mask_words);
  }
};

const Kernels& kernels() {
  static const Kernels kernels;
  return kernels;
}

}  // namespace

void mask(MutableByteView payload, std::uint32_t key, std::uint64_t offset) {
  kernels().list[0].run(payload.data(), payload.data(), payload.size(), rotate_key(key, offset));
}

void mask_copy(std::uint8_t* destination, ByteView source, std::uint32_t key) {
  kernels().list[0].run(destination, source.data(), source.size(), key);
}

const char* mask_kernel_name() { return kernels().list[0].name; }

std::span<const detail::NamedMaskKernel> detail::mask_kernels() { return {kernels().list.data(), kernels().count}; }

}  // namespace plait::ws
