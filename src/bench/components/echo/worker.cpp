#include "bench/components/echo/worker.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cstring>

namespace plait::bench {

std::optional<Error> find_mismatch(ByteView payload, std::uint64_t stream_offset, ByteView received) {
  while (!received.empty()) {
    const std::size_t at = stream_offset % payload.size();
    const ByteView expected = payload.subspan(at, std::min(payload.size() - at, received.size()));
    if (std::memcmp(expected.data(), received.data(), expected.size()) != 0) {
      const auto differs = std::mismatch(expected.begin(), expected.end(), received.begin());
      const auto position = static_cast<std::size_t>(differs.first - expected.begin());
      return Error{
          fmt::format("the echo differs in message {} at byte {} (both from 0): sent 0x{:02x}, received 0x{:02x}",
                      stream_offset / payload.size(), at + position, *differs.first, *differs.second),
          0};
    }
    received = received.subspan(expected.size());
    stream_offset += expected.size();
  }
  return std::nullopt;
}

}  // namespace plait::bench
