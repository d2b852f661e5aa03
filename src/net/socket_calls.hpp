// System calls that sockets of both kinds make, without their ceremony.
#pragma once

#include <sys/socket.h>

#include "net/address.hpp"

namespace plait::net {

/// What the system does not know is left as it is.
inline void set_option(int fd, int level, int option, int value) {
  ::setsockopt(fd, level, option, &value, sizeof value);
}

/// What a socket is bound to.
[[nodiscard]] inline SocketAddress bound_name(int fd) {
  SocketAddress name;
  name.length = sizeof name.storage;
  ::getsockname(fd, name.get(), &name.length);
  return name;
}

}  // namespace plait::net
