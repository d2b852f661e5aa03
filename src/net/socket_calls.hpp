// System calls that sockets of both kinds make, without their ceremony.
#pragma once

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "net/address.hpp"

namespace plait::net {

/// What the system does not know is left as it is.
inline void set_option(int fd, int level, int option, int value) {
  ::setsockopt(fd, level, option, &value, sizeof value);
}

/// For a stream to a peer; sockets that a listener accepts have its options. Nothing to set on a Unix socket.
/// TCP_NOTSENT_LOWAT: the kernel keeps what is on its way and so much more, rather than megabytes for a peer that reads
/// slowly. What it does not take is counted by us, so marks and buffered_bytes() tell how old the news is that waits.
inline void set_stream_options(int fd, int family) {
  constexpr int kNotSentBytesMax = 128 << 10;
  if (family == AF_UNIX) return;
  set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
  set_option(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, kNotSentBytesMax);
}

/// What a socket is bound to.
[[nodiscard]] inline SocketAddress bound_name(int fd) {
  SocketAddress name;
  name.length = sizeof name.storage;
  ::getsockname(fd, name.get(), &name.length);
  return name;
}

}  // namespace plait::net
