// Between our words and ngtcp2's. For the files of this layer.
#pragma once

#include <ngtcp2/ngtcp2.h>

#include <algorithm>
#include <chrono>
#include <cstdint>

#include "quic/connection_ids.hpp"
#include "quic/path.hpp"
#include "quic/types.hpp"

namespace plait::quic {

using NativeTime = std::uint64_t;  ///< ngtcp2_tstamp: nanoseconds of the steady clock
inline constexpr NativeTime kNever = UINT64_MAX;

inline NativeTime native(TimePoint time) {
  const auto count = std::chrono::duration_cast<std::chrono::nanoseconds>(time.time_since_epoch()).count();
  return static_cast<NativeTime>(std::max<std::int64_t>(count, 0));
}
inline TimePoint time_point(NativeTime time) { return TimePoint{std::chrono::nanoseconds{time}}; }

/// Points into `path`. ngtcp2 only reads what is given to it.
inline ngtcp2_path native(const Path& path) {
  const auto address = [](const Address& from) {
    auto* bytes = const_cast<std::uint8_t*>(from.bytes.data());
    return ngtcp2_addr{reinterpret_cast<ngtcp2_sockaddr*>(bytes), from.size};
  };
  return {address(path.local), address(path.remote), nullptr};
}
inline Path path_of(const ngtcp2_path& path) {
  const auto address = [](const ngtcp2_addr& from) {
    return Address::of({reinterpret_cast<const std::uint8_t*>(from.addr), from.addrlen});
  };
  return {address(path.local), address(path.remote)};
}
/// ngtcp2 aborts the process for a sockaddr of another family or size.
inline bool is_valid(const Address& address) {
  if (address.size < sizeof(ngtcp2_sockaddr_in)) return false;
  const auto family = reinterpret_cast<const ngtcp2_sockaddr*>(address.bytes.data())->sa_family;
  return (family == NGTCP2_AF_INET && address.size == sizeof(ngtcp2_sockaddr_in)) ||
         (family == NGTCP2_AF_INET6 && address.size == sizeof(ngtcp2_sockaddr_in6));
}
inline bool is_valid(const Path& path) { return is_valid(path.local) && is_valid(path.remote); }

/// ngtcp2 only reads what is given to it.
inline ngtcp2_vec vector_of(ByteView bytes) { return {const_cast<std::uint8_t*>(bytes.data()), bytes.size()}; }

inline ByteView view(const ngtcp2_cid& id) { return {id.data, id.datalen}; }
inline ngtcp2_cid native(ByteView id) {
  ngtcp2_cid result;
  ngtcp2_cid_init(&result, id.data(), std::min<std::size_t>(id.size(), NGTCP2_MAX_CIDLEN));
  return result;
}

}  // namespace plait::quic
