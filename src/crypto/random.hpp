// Unpredictable bytes from OpenSSL's generator, one call at a time or cheaply from a buffer.
#pragma once

#include <plait/bytes.hpp>

#include <array>
#include <cstdint>

namespace plait::crypto {

/// Fills `out`. Ends the process when the system has no randomness.
void random_bytes(MutableByteView out);

/// Hands out unpredictable bytes in small pieces, as masking keys need them (RFC 6455 §5.3, §10.3): a call of the
/// generator costs far more than four bytes are worth. Each byte is handed out once and wiped. One per thread.
class RandomSource {
 public:
  static constexpr std::size_t kBufferBytes = 4096;

  RandomSource() = default;
  RandomSource(const RandomSource&) = delete;
  RandomSource& operator=(const RandomSource&) = delete;
  ~RandomSource();

  void fill(MutableByteView out);
  [[nodiscard]] std::array<std::uint8_t, 4> next_masking_key();

 private:
  std::array<std::uint8_t, kBufferBytes> buffer_;
  std::size_t used_ = kBufferBytes;
};

}  // namespace plait::crypto
