// TicketStream: what a server may send by TLS after the handshake: NewSessionTicket messages, in pieces of any size.
#pragma once

#include <plait/bytes.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace plait::quic {

class TicketStream {
 public:
  /// The next bytes. False: a message of another type begins in them.
  bool handle(ByteView bytes) {
    while (!bytes.empty()) {
      if (header_bytes_left_ == 0) {
        const std::size_t size = std::min<std::size_t>(bytes.size(), body_bytes_left_);
        bytes = bytes.subspan(size);
        body_bytes_left_ -= static_cast<std::uint32_t>(size);
      } else {
        if (header_bytes_left_ == kHeaderBytes && bytes[0] != kNewSessionTicket) return false;
        if (header_bytes_left_-- < kHeaderBytes) body_bytes_left_ = body_bytes_left_ << 8 | bytes[0];
        bytes = bytes.subspan(1);
      }
      if (header_bytes_left_ == 0 && body_bytes_left_ == 0) header_bytes_left_ = kHeaderBytes;
    }
    return true;
  }

 private:
  static constexpr std::uint8_t kNewSessionTicket = 4;  // RFC 8446 §4
  static constexpr unsigned kHeaderBytes = 4;           // the type, and the body's length in three

  unsigned header_bytes_left_ = kHeaderBytes;
  std::uint32_t body_bytes_left_ = 0;
};

}  // namespace plait::quic
