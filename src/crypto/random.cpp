#include "crypto/random.hpp"

#include <openssl/crypto.h>
#include <openssl/rand.h>

#include <algorithm>
#include <cstring>

#include "core/assert.hpp"

namespace plait::crypto {

void random_bytes(MutableByteView out) {
  constexpr std::size_t kCallMax = std::size_t{1} << 30;  // RAND_bytes counts in int
  while (!out.empty()) {
    const std::size_t size = std::min(out.size(), kCallMax);
    PLAIT_ASSERT(RAND_bytes(out.data(), static_cast<int>(size)) == 1, "the system gives no random bytes");
    out = out.subspan(size);
  }
}

RandomSource::~RandomSource() { OPENSSL_cleanse(buffer_.data(), buffer_.size()); }

void RandomSource::fill(MutableByteView out) {
  while (!out.empty()) {
    if (used_ == kBufferBytes) {
      random_bytes(buffer_);
      used_ = 0;
    }
    const std::size_t size = std::min(out.size(), kBufferBytes - used_);
    std::memcpy(out.data(), buffer_.data() + used_, size);
    std::memset(buffer_.data() + used_, 0, size);
    used_ += size;
    out = out.subspan(size);
  }
}

std::array<std::uint8_t, 4> RandomSource::next_masking_key() {
  std::array<std::uint8_t, 4> key;
  fill(key);
  return key;
}

}  // namespace plait::crypto
