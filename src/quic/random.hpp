// RandomSource: the unpredictable bytes that the owner passes in (crypto::random_bytes; in tests a seeded generator).
#pragma once

#include <plait/bytes.hpp>

namespace plait::quic {

/// Connection IDs, path challenges and the like. GnuTLS takes the keys of the handshake from its own generator.
class RandomSource {
 public:
  virtual ~RandomSource() = default;
  virtual void fill(MutableByteView out) = 0;
};

}  // namespace plait::quic
