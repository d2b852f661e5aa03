// Words that endpoint, connection and their users share.
#pragma once

#include <plait/session.hpp>

#include <cstdint>
#include <string>

#include "core/timer.hpp"

namespace plait::quic {

using core::TimePoint;

/// RFC 9000 §2.1; from 0 to 2^62 - 1, as ngtcp2 and HTTP/3 have it. The two low bits say who opened it and whether it
/// is unidirectional.
using StreamId = std::int64_t;

using Direction = StreamDirection;

constexpr Direction direction_of(StreamId id) {
  return (id & 2) != 0 ? Direction::unidirectional : Direction::bidirectional;
}
constexpr bool is_opened_by_server(StreamId id) { return (id & 1) != 0; }

/// Instead of an ID, for a datagram whose fate nobody asks for.
inline constexpr DatagramId kUnnamed = ~DatagramId{0};
enum class DatagramError : std::uint8_t {
  unsupported,  ///< the peer takes none, or has not said yet
  empty,        ///< ngtcp2 1.11 aborts the process for one without payload
  too_large,    ///< above datagram_bytes_max()
  closed,
};

/// Why a connection ended.
struct CloseReason {
  enum class Kind : std::uint8_t {
    local,              ///< close() was called; code is the application's
    peer_application,   ///< the peer's CONNECTION_CLOSE of type 0x1d; code is its application's
    peer_transport,     ///< of type 0x1c; code is one of RFC 9000 §20.1
    idle_timeout,       ///< nothing came for the idle timeout
    handshake_timeout,  ///< the handshake took too long
    stateless_reset,    ///< the peer knows the connection no more (RFC 9000 §10.3)
    tls,                ///< the handshake failed here; code is 0x100 + the alert
    protocol,           ///< the peer broke a rule; code is the one that we sent (RFC 9000 §20.1)
    version,            ///< the server speaks no QUIC version 1
    refused,            ///< nobody listens at the server's port
  };
  Kind kind = Kind::local;
  std::uint64_t code = 0;
  /// The peer's reason phrase (any bytes), or a sentence of ours that says what to do.
  std::string reason;
};

}  // namespace plait::quic
