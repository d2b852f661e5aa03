// The frames of reliable datagrams (spec/messaging.md §5).
#pragma once

#include <plait/bytes.hpp>

#include <cstdint>
#include <optional>
#include <string>

namespace plait::messaging {

struct ReliableFrame {
  bool acknowledges = false;
  std::uint32_t sequence = 0;
  ByteView payload;  ///< of data
};

inline constexpr std::size_t kReliableHeaderBytes = 9;

/// None: not a frame of this format.
[[nodiscard]] std::optional<ReliableFrame> decode_reliable(ByteView datagram);
[[nodiscard]] std::string encode_data(std::uint32_t sequence, ByteView payload);
[[nodiscard]] std::string encode_acknowledgement(std::uint32_t sequence);

}  // namespace plait::messaging
