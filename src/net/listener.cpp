#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

#include "net/address.hpp"
#include "net/listen_advice.hpp"
#include "net/socket.hpp"
#include "net/socket_calls.hpp"
#include "net/unix_socket_file.hpp"

namespace plait::net {
namespace {

Unexpected<Error> cannot_listen(const Address& address, int number) {
  const std::string what = "cannot listen on " + to_text(address);
  const std::string advice = listen_advice(number, address, PortKind::tcp);
  return advice.empty() ? system_error(what, number) : err(Error{what + ": " + advice, number});
}

void set_options(int fd, int family, bool reuse_port) {
  if (family == AF_UNIX) return;
  set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
  set_option(fd, SOL_SOCKET, SO_REUSEPORT, reuse_port ? 1 : 0);
  set_stream_options(fd, family);  // accepted sockets inherit them, which saves calls per connection
  if (family == AF_INET6)
    set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, 0);  // "::" also takes IPv4, whatever the system's default
}

bool bind_replacing_stale_file(int fd, const SocketAddress& name, const std::string& unix_path) {
  if (::bind(fd, name.get(), name.length) == 0) return true;
  if (errno != EADDRINUSE || unix_path.empty() || !UnixSocketFile::is_stale(unix_path)) return false;
  ::unlink(unix_path.c_str());
  return ::bind(fd, name.get(), name.length) == 0;
}

}  // namespace

Result<Listener, Error> Listener::bind(const Address& address, const ListenOptions& options) {
  const auto names = resolve(address);
  if (!names) return err(Error{"cannot listen: " + names.error().message, names.error().system_errno});
  const SocketAddress& name = names->front();
  Listener listener;
  if (!listener.open(name, options, address.unix_path)) return cannot_listen(address, errno);
  return listener;
}

/// On failure errno says why.
bool Listener::open(const SocketAddress& name, const ListenOptions& options, const std::string& unix_path) {
  socket_ = Socket{::socket(name.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
  if (!socket_.is_open()) return false;
  set_options(fd(), name.family(), options.reuse_port);
  if (!bind_replacing_stale_file(fd(), name, unix_path)) return false;
  if (!unix_path.empty()) file_ = UnixSocketFile{unix_path};
  // Only what is bound from now on may share the port: see another().
  if (name.family() != AF_UNIX) set_option(fd(), SOL_SOCKET, SO_REUSEPORT, 1);
  if (::listen(fd(), options.backlog) != 0) return false;
  port_ = bound_name(fd()).port();
  backlog_ = options.backlog;
  return true;
}

Result<Listener, Error> Listener::another() const {
  const SocketAddress name = bound_name(fd());
  if (name.family() == AF_UNIX) return share();
  Listener listener;
  if (!listener.open(name, {.backlog = backlog_, .reuse_port = true}, {})) {
    return system_error("cannot listen on " + name.text() + " once more", errno);
  }
  return listener;
}

Result<Listener, Error> Listener::share() const {
  Listener listener;
  listener.socket_ = Socket{::fcntl(fd(), F_DUPFD_CLOEXEC, 0)};
  if (!listener.socket_.is_open()) return system_error("cannot share a listening socket", errno);
  listener.port_ = port_;
  listener.backlog_ = backlog_;
  return listener;
}

bool Listener::has_waiting() const {
  pollfd listening{.fd = fd(), .events = POLLIN, .revents = 0};
  return ::poll(&listening, 1, 0) > 0;
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
      return {IoStatus::error, errno, 0};
    default:
      // Nobody waits, or who waited is gone, or the network is (accept(2)): the next readiness tells.
      return {IoStatus::would_block, 0, 0};
  }
}

}  // namespace plait::net
