#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

#include "net/address.hpp"
#include "net/socket.hpp"
#include "net/unix_socket_file.hpp"

namespace plait::net {
namespace {

constexpr std::uint16_t kFirstUnprivilegedPort = 1024;

void set(int fd, int level, int option, int value) { ::setsockopt(fd, level, option, &value, sizeof value); }

/// What a person can do about it.
std::string fix_for(int number, const Address& address) {
  const std::string port = std::to_string(address.port);
  const bool is_unix = !address.unix_path.empty();
  switch (number) {
    case EADDRINUSE:
      if (is_unix) return "another program listens there: stop it, or use another path";
      return "port " + port + " is in use: stop the program that has it (ss -ltnp 'sport = :" + port +
             "' names it), or use another port; 0 picks a free one";
    case EACCES:
    case EPERM:
      if (!is_unix && address.port < kFirstUnprivilegedPort) {
        return "port " + port + " needs a privilege: use a port from 1024 up, or grant CAP_NET_BIND_SERVICE";
      }
      return "permission denied: use an address or a path that this user may listen on";
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
      return "too many open files: raise the limit (ulimit -n)";
    default:
      return "";
  }
}

Unexpected<Error> cannot_listen(const Address& address, int number) {
  const std::string what = "cannot listen on " + to_text(address);
  const std::string fix = fix_for(number, address);
  return fix.empty() ? system_error(what, number) : err(Error{what + ": " + fix, number});
}

/// Set on the listening socket because every accepted one inherits it, which saves a call per connection.
void set_inherited_options(int fd, int family, bool reuse_port) {
  if (family == AF_UNIX) return;
  set(fd, SOL_SOCKET, SO_REUSEADDR, 1);
  set(fd, SOL_SOCKET, SO_REUSEPORT, reuse_port ? 1 : 0);
  set(fd, IPPROTO_TCP, TCP_NODELAY, 1);
  if (family == AF_INET6) set(fd, IPPROTO_IPV6, IPV6_V6ONLY, 0);  // "::" also takes IPv4, whatever the system's default
}

bool bind_replacing_stale_file(int fd, const SocketAddress& name, const std::string& unix_path) {
  if (::bind(fd, name.get(), name.length) == 0) return true;
  if (errno != EADDRINUSE || unix_path.empty() || !UnixSocketFile::is_stale(unix_path)) return false;
  ::unlink(unix_path.c_str());
  return ::bind(fd, name.get(), name.length) == 0;
}

std::uint16_t bound_port(int fd) {
  SocketAddress name;
  name.length = sizeof name.storage;
  return ::getsockname(fd, name.get(), &name.length) == 0 ? name.port() : std::uint16_t{0};
}

}  // namespace

Result<Listener, Error> Listener::bind(const Address& address, const ListenOptions& options) {
  const auto names = resolve(address);
  if (!names) return err(Error{"cannot listen: " + names.error().message, names.error().system_errno});
  const SocketAddress& name = names->front();
  Listener listener;
  listener.socket_ = Socket{::socket(name.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
  const int fd = listener.fd();
  if (fd < 0) return cannot_listen(address, errno);
  set_inherited_options(fd, name.family(), options.reuse_port);
  if (!bind_replacing_stale_file(fd, name, address.unix_path)) return cannot_listen(address, errno);
  if (!address.unix_path.empty()) listener.file_ = UnixSocketFile{address.unix_path};
  if (::listen(fd, options.backlog) != 0) return cannot_listen(address, errno);
  listener.port_ = bound_port(fd);
  return listener;
}

Result<Listener, Error> Listener::share() const {
  Listener listener;
  listener.socket_ = Socket{::fcntl(fd(), F_DUPFD_CLOEXEC, 0)};
  if (!listener.socket_.is_open()) return system_error("cannot share a listening socket", errno);
  listener.port_ = port_;
  return listener;
}

IoResult Listener::accept(Socket& accepted) const {
  int taken = -1;
  do taken = ::accept4(fd(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
  while (taken < 0 && errno == EINTR);
  if (taken >= 0) {
    accepted = Socket{taken};
    return {};
  }
  switch (errno) {
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
    case EBADF:
    case EINVAL:
    case ENOTSOCK:
      return {IoStatus::error, 0, errno};
    default:
      // Nobody waits, or who waited is gone, or the network is (accept(2)): the next readiness tells.
      return {IoStatus::would_block, 0, 0};
  }
}

}  // namespace plait::net
