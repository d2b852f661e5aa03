#include "quic/path.hpp"

#include <algorithm>

namespace plait::quic {
namespace {

constexpr std::uint8_t kLoopbackNet = 127;
constexpr std::size_t kIpv4Offset = 4;  // in sockaddr_in, after family and port
constexpr std::size_t kIpv6Offset = 8;  // in sockaddr_in6, after the flow label, too
constexpr std::array<std::uint8_t, 16> kIpv6Loopback{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
constexpr std::array<std::uint8_t, 12> kMappedIpv4{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};

}  // namespace

bool Address::is_loopback() const {
  if (size < kBytesMax) return size > kIpv4Offset && bytes[kIpv4Offset] == kLoopbackNet;
  const ByteView ip = view().subspan(kIpv6Offset, kIpv6Loopback.size());
  if (std::ranges::equal(ip.first(kMappedIpv4.size()), kMappedIpv4)) return ip[kMappedIpv4.size()] == kLoopbackNet;
  return std::ranges::equal(ip, kIpv6Loopback);
}

}  // namespace plait::quic
