#include "net/listen_advice.hpp"

#include <cerrno>

namespace plait::net {
namespace {

constexpr std::uint16_t kFirstUnprivilegedPort = 1024;

std::string advice_in_use(const Address& address, PortKind kind) {
  if (!address.unix_path.empty()) return "another program listens there: stop it, or use another path";
  const std::string port = std::to_string(address.port);
  const bool is_udp = kind == PortKind::udp;
  return (is_udp ? "UDP port " : "port ") + port + " is in use: stop the program that has it (ss " +
         (is_udp ? "-lunp" : "-ltnp") + " 'sport = :" + port + "' names it), " +
         // Connections over TCP have sockets of their own; those of QUIC share the listener's.
         (is_udp ? "or wait: a server that is being stopped keeps it for up to drain_timeout; " : "") +
         "or use another port; 0 picks a free one";
}

std::string advice_not_permitted(const Address& address) {
  if (!address.unix_path.empty()) return "permission denied: use a path in a directory that this user may write to";
  if (address.port >= kFirstUnprivilegedPort) return "permission denied: use another port";
  return "port " + std::to_string(address.port) +
         " needs a privilege: use a port from 1024 up, or grant CAP_NET_BIND_SERVICE";
}

}  // namespace

std::string listen_advice(int system_errno, const Address& address, PortKind kind) {
  switch (system_errno) {
    case EADDRINUSE:
      return advice_in_use(address, kind);
    case EACCES:
    case EPERM:
      return advice_not_permitted(address);
    case EADDRNOTAVAIL:
      return "this machine does not have that address (ip addr lists those it has): use 127.0.0.1 or ::1 for this "
             "machine only, 0.0.0.0 or :: for all";
    case EAFNOSUPPORT:
      return "this machine has no IPv6: use an IPv4 address, for instance 127.0.0.1 or 0.0.0.0";
    case EEXIST:
      return "a file that is not a socket is in the way: remove it, or use another path";
    case ENOENT:
      return "its directory does not exist: make it, or use another path";
    case EMFILE:
    case ENFILE:
      return "too many open files: " + accept_advice(system_errno);
    default:
      return "";
  }
}

std::string accept_advice(int system_errno) {
  if (system_errno == EMFILE) return "raise the limit (ulimit -n; LimitNOFILE= in a unit of systemd)";
  if (system_errno == ENFILE) return "raise the limit of the whole system (sysctl fs.file-max)";
  if (system_errno == ENOSPC) return "raise the limit of this user's watches (sysctl fs.epoll.max_user_watches)";
  return "";
}

}  // namespace plait::net
