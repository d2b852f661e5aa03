// Identity and time of a message as text: UUID version 7 (RFC 9562) and RFC 3339.
#pragma once

#include <plait/broker.hpp>
#include <plait/bytes.hpp>

#include <array>
#include <cstdint>
#include <functional>
#include <string>

namespace plait::wire {

/// Fills a view with random bytes; what it is called with needs no secrecy, only uniqueness.
using RandomBytes = std::function<void(MutableByteView)>;

/// Makes UUIDs of version 7. Randomness is fetched for many at a time.
class IdSource {
 public:
  explicit IdSource(RandomBytes random) : random_(std::move(random)) {}
  MessageId next(WallTime now);

 private:
  static constexpr std::size_t kRandomBytesPerId = 10;
  RandomBytes random_;
  std::array<std::uint8_t, 64 * kRandomBytesPerId> pool_{};
  std::size_t used_ = sizeof(pool_);
};

/// Appends the 36 characters of an id.
void append_id(std::string& out, const MessageId& id);
/// Appends "2026-02-22T02:50:00.123Z".
void append_time(std::string& out, WallTime time);
/// Appends 8 lower-case hexadecimal digits.
void append_epoch(std::string& out, std::uint32_t epoch);

}  // namespace plait::wire
