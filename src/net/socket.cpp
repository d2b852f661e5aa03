#include "net/socket.hpp"

#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>

#include "core/assert.hpp"
#include "net/address.hpp"
#include "net/socket_calls.hpp"

namespace plait::net {
namespace {

// What each message passes is called without glibc's wrapper. The wrapper is a cancellation point, which in a process
// of several threads costs two locked instructions, about 20 ns of a send's 350; no thread of ours is ever cancelled.
ssize_t receive(int fd, MutableByteView into) {
  return ::syscall(SYS_recvfrom, fd, into.data(), into.size(), 0, nullptr, nullptr);
}
ssize_t send(int fd, ByteView data) {
  return ::syscall(SYS_sendto, fd, data.data(), data.size(), MSG_NOSIGNAL, nullptr, 0);
}
ssize_t send(int fd, const msghdr& message) { return ::syscall(SYS_sendmsg, fd, &message, MSG_NOSIGNAL); }

/// Repeats `call` while signals interrupt it, and sorts its answer. Zero bytes mean `when_zero`.
template <class Call>
IoResult perform(IoStatus when_zero, Call call) {
  ssize_t moved = 0;
  do moved = call();
  while (moved < 0 && errno == EINTR);
  if (moved > 0) return {IoStatus::ok, 0, static_cast<std::size_t>(moved)};
  if (moved == 0) return {when_zero, 0, 0};
  if (errno == EAGAIN || errno == EWOULDBLOCK) return {IoStatus::would_block, 0, 0};
  return {IoStatus::error, errno, 0};
}

/// More buffers than a call takes are a short read or write.
std::size_t usable(std::span<const iovec> buffers) { return std::min<std::size_t>(buffers.size(), IOV_MAX); }

bool begins_connecting(int fd, const SocketAddress& address) {
  // An interrupted connect goes on in the background, just like one that is in progress.
  return ::connect(fd, address.get(), address.length) == 0 || errno == EINPROGRESS || errno == EINTR;
}

}  // namespace

Socket::~Socket() { close(); }

void Socket::close() {
  if (fd_ >= 0) ::close(std::exchange(fd_, -1));
}

IoResult Socket::read(MutableByteView into) const {
  PLAIT_ASSERT(!into.empty(), "reading nothing would look like the peer's FIN");
  return perform(IoStatus::end, [&] { return receive(fd_, into); });
}

IoResult Socket::read(std::span<const iovec> into) const {
  PLAIT_ASSERT(!into.empty(), "reading nothing would look like the peer's FIN");
  return perform(IoStatus::end, [&] { return ::readv(fd_, into.data(), static_cast<int>(usable(into))); });
}

IoResult Socket::write(ByteView data) const {
  return perform(IoStatus::ok, [&] { return send(fd_, data); });
}

IoResult Socket::write(std::span<const iovec> data) const {
  msghdr message{};
  message.msg_iov = const_cast<iovec*>(data.data());
  message.msg_iovlen = usable(data);
  return perform(IoStatus::ok, [&] { return send(fd_, message); });
}

std::size_t Socket::unacknowledged_bytes() const {
  int bytes = 0;
  return ::ioctl(fd_, TIOCOUTQ, &bytes) == 0 && bytes > 0 ? static_cast<std::size_t>(bytes) : 0;
}

std::size_t Socket::unread_bytes() const {
  int bytes = 0;
  return ::ioctl(fd_, FIONREAD, &bytes) == 0 && bytes > 0 ? static_cast<std::size_t>(bytes) : 0;
}

void Socket::shutdown_write() const { ::shutdown(fd_, SHUT_WR); }

void Socket::reset_on_close() const {
  const linger at_once{.l_onoff = 1, .l_linger = 0};
  ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
}

Result<Socket, Error> Socket::connect(const SocketAddress& address) {
  Socket socket{::socket(address.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
  if (socket.is_open()) {
    set_stream_options(socket.fd(), address.family());
    if (begins_connecting(socket.fd(), address)) return socket;
  }
  return system_error("cannot connect to " + address.text(), errno);
}

Result<Socket, Error> Socket::connect(const Address& address) {
  const auto candidates = resolve(address);
  if (!candidates) return err(candidates.error());
  int number = 0;
  for (const SocketAddress& candidate : *candidates) {
    if (auto socket = connect(candidate))
      return socket;
    else
      number = socket.error().system_errno;
  }
  return system_error("cannot connect to " + to_text(address), number);
}

int Socket::finish_connect() const {
  int number = 0;
  socklen_t length = sizeof number;
  return ::getsockopt(fd_, SOL_SOCKET, SO_ERROR, &number, &length) == 0 ? number : errno;
}

std::string Socket::peer() const {
  SocketAddress name;
  name.length = sizeof name.storage;
  if (::getpeername(fd_, name.get(), &name.length) == 0) return name.text();
  // A connection that is over still has the address, for those who say how much of it they want.
  for (const socklen_t length : {socklen_t{sizeof(sockaddr_in6)}, socklen_t{sizeof(sockaddr_in)}}) {
    name.length = length;
    if (::getsockopt(fd_, SOL_SOCKET, SO_PEERNAME, name.get(), &name.length) == 0) return name.text();
  }
  return "not connected";
}

}  // namespace plait::net
