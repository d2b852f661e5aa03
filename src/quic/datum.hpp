// What GnuTLS reads.
#pragma once

#include <plait/bytes.hpp>

#include <gnutls/gnutls.h>

namespace plait::quic {

/// `bytes` as GnuTLS takes them: by a pointer to non-const also where it only reads.
[[nodiscard]] inline gnutls_datum_t datum(ByteView bytes) {
  return {const_cast<std::uint8_t*>(bytes.data()), static_cast<unsigned>(bytes.size())};
}

}  // namespace plait::quic
