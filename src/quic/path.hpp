// Address and Path: where a UDP datagram comes from and goes to, as the bytes of a sockaddr. No socket is behind them.
#pragma once

#include <plait/bytes.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

namespace plait::quic {

/// The bytes of a sockaddr_in or sockaddr_in6; empty when default-constructed.
struct Address {
  static constexpr std::size_t kBytesMax = 28;  ///< sizeof(sockaddr_in6)

  /// `sockaddr` is that of a sockaddr_in or sockaddr_in6; a longer one gives an empty Address.
  static Address of(ByteView sockaddr) {
    Address address;
    if (sockaddr.size() > kBytesMax) return address;
    std::copy(sockaddr.begin(), sockaddr.end(), address.bytes.begin());
    address.size = static_cast<std::uint8_t>(sockaddr.size());
    return address;
  }
  [[nodiscard]] ByteView view() const { return {bytes.data(), size}; }
  [[nodiscard]] bool empty() const { return size == 0; }
  /// 127.0.0.0/8 or ::1, also as an IPv4 address in IPv6.
  [[nodiscard]] bool is_loopback() const;
  bool operator==(const Address& other) const { return std::ranges::equal(view(), other.view()); }

  alignas(8) std::array<std::uint8_t, kBytesMax> bytes{};
  std::uint8_t size = 0;
};

/// RFC 9000 §9: both ends. `local` is the address that the socket is bound to, or the one that the datagram was sent
/// to where the driver knows it; it must not vary for one peer without reason, since a change is a migration.
struct Path {
  Address local;
  Address remote;
  bool operator==(const Path&) const = default;
};

/// The two ECN bits of the IP header (RFC 9000 §13.4).
enum class Ecn : std::uint8_t { not_ect = 0, ect_1 = 1, ect_0 = 2, ce = 3 };

}  // namespace plait::quic
