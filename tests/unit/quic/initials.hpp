// Initial packets of a client's (RFC 9000 §17.2.2), taken apart and made: anybody can who saw the first one.
#pragma once

#include <plait/bytes.hpp>

#include <cstdint>
#include <vector>

namespace plait::quic {

struct Initial {
  std::vector<std::uint8_t> destination;
  std::vector<std::uint8_t> source;
  std::uint8_t number = 0;
  std::vector<std::uint8_t> payload;
};

/// A UDP datagram with nothing else, padded to 1200 bytes. With the keys that belong to its destination.
std::vector<std::uint8_t> seal(const Initial& initial);
/// The first packet of a datagram, without a token.
Initial open_initial(ByteView datagram);

std::vector<std::uint8_t> crypto_frame(std::uint16_t offset, ByteView data);
/// All that the CRYPTO frames of a payload without other frames than PADDING and PING carry.
std::vector<std::uint8_t> crypto_data(ByteView payload);

}  // namespace plait::quic
