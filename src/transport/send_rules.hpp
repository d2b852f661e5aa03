// What the sessions of every wire go by when they take a message.
#pragma once

#include <plait/limits.hpp>

#include <cstddef>

namespace plait::transport {

/// From this size on a payload that lies in a block is written from there instead of being copied behind its header.
inline constexpr std::size_t kReferenceBytesMin = 2048;

/// Whether a message of `size` payload bytes may wait behind `backlog`. One that is larger than the whole queue may
/// when nothing waits: it could never be sent otherwise.
[[nodiscard]] inline bool fits_queue(const Limits& limits, std::size_t size, std::size_t backlog) {
  return (backlog <= limits.send_queue_bytes_max && size <= limits.send_queue_bytes_max - backlog) || backlog == 0;
}

}  // namespace plait::transport
