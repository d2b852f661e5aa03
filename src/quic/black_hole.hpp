// BlackHole: notices that a path has stopped carrying packets of the size that path MTU discovery found (RFC 8899
// §4.3), which ngtcp2 1.11 does not. Pure; asked when a timer of the connection expires.
#pragma once

#include <plait/limits.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "core/timer.hpp"

namespace plait::quic {

class BlackHole {
 public:
  /// Every path takes this (RFC 9000 §14).
  static constexpr std::size_t kPayloadBytesMin = 1200;

  /// Whether a timer expired since the last acknowledgement: the only time that handle_acknowledgement() is needed.
  [[nodiscard]] bool suspects() const { return silent_since_ != core::TimePoint::max(); }
  /// The peer acknowledged something that we sent.
  void handle_acknowledgement() { silent_since_ = core::TimePoint::max(); }

  /// A timer expired while packets were in flight. After the third PTO in a row without an acknowledgement (the first
  /// is noted, the others come two and six PTOs later) packets are small until the path is another one.
  void handle_expiry(core::TimePoint now, Duration pto) {
    if (!suspects()) {
      silent_since_ = now;
    } else if (now - silent_since_ >= 5 * pto) {
      found_ = true;
    }
  }

  /// What packets may have where discovery found `path_bytes_max`. A new path begins at the minimum.
  std::size_t payload_bytes_max(std::size_t path_bytes_max) {
    if (path_bytes_max <= kPayloadBytesMin) found_ = false;
    return found_ ? kPayloadBytesMin : path_bytes_max;
  }

  [[nodiscard]] bool found() const { return found_; }

 private:
  core::TimePoint silent_since_ = core::TimePoint::max();
  bool found_ = false;
};

}  // namespace plait::quic
