#include "net/reader.hpp"

#include <poll.h>

namespace plait::net {

void wait_until_unread(int fd) {
  constexpr int kNoTimeout = -1;
  pollfd watched{.fd = fd, .events = 0, .revents = 0};  // POLLERR and POLLHUP are always reported
  while (true) {
    if (::poll(&watched, 1, kNoTimeout) > 0 && (watched.revents & (POLLERR | POLLHUP)) != 0) return;
    if ((watched.revents & POLLNVAL) != 0) watched.fd = -1;  // closed by the parent: nothing to watch
  }
}

}  // namespace plait::net
