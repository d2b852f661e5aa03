#include "fault/fault.hpp"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdarg>
#include <filesystem>
#include <map>
#include <optional>
#include <ostream>
#include <utility>

#include "core/assert.hpp"

namespace plait::fault {
namespace {

thread_local Plan* current = nullptr;

bool moves_bytes(Call call) {
  return call == Call::recv || call == Call::readv || call == Call::send || call == Call::sendmsg;
}
bool makes_descriptor(Call call) {
  return call == Call::accept4 || call == Call::socket || call == Call::epoll_create1 || call == Call::eventfd ||
         call == Call::timerfd_create;
}

/// Sets errno and answers true if the plan wants this call to fail.
bool fails(Call call) {
  const int number = current == nullptr ? 0 : current->next(call);
  if (number != 0) errno = number;
  return number != 0;
}

std::size_t bytes_max() { return current == nullptr ? SIZE_MAX : current->transfer_bytes_max(); }

struct Watch {
  int epoll;
  epoll_event event;
};

std::map<int, Watch>& watches() {
  thread_local std::map<int, Watch> watches;
  return watches;
}

/// The first non-empty buffer, shortened; none if nothing has to be.
std::optional<iovec> shortened(const iovec* parts, std::size_t count) {
  if (bytes_max() == SIZE_MAX) return std::nullopt;
  for (std::size_t i = 0; i < count; ++i) {
    if (parts[i].iov_len > 0) return iovec{parts[i].iov_base, std::min(parts[i].iov_len, bytes_max())};
  }
  return std::nullopt;
}

}  // namespace

bool can_fail_with(Call call, int system_errno) {
  switch (system_errno) {
    case EINTR:
      return moves_bytes(call) || call == Call::read || call == Call::write || call == Call::accept4 ||
             call == Call::connect || call == Call::epoll_wait;
    case EAGAIN:
      return moves_bytes(call) || call == Call::read || call == Call::accept4;
    case ECONNRESET:
      return moves_bytes(call);
    case EPIPE:
      return call == Call::send || call == Call::sendmsg;
    case ECONNABORTED:
      return call == Call::accept4;
    case ECONNREFUSED:
    case ENETUNREACH:
      return call == Call::connect;
    case EMFILE:
    case ENFILE:
      return makes_descriptor(call);
    case ENOBUFS:
      return call == Call::accept4 || call == Call::socket || call == Call::send || call == Call::sendmsg;
    case ENOMEM:
      return makes_descriptor(call) || moves_bytes(call) || call == Call::epoll_add;
    case ENOSPC:
      return call == Call::epoll_add;
    default:
      return false;
  }
}

Plan& Plan::fail_nth(int n, int system_errno) {
  n_ = n;
  errno_ = system_errno;
  return *this;
}

Plan& Plan::fail_every(int period, int system_errno) {
  PLAIT_ASSERT(period >= 2, "a call that always fails is never over");
  period_ = period;
  errno_ = system_errno;
  return *this;
}

Plan& Plan::shorten_transfers(std::size_t max) {
  transfer_bytes_max_ = max;
  return *this;
}

int Plan::next(Call call) {
  ++made_.at(static_cast<std::size_t>(call));
  if (!can_fail_with(call, errno_)) return 0;
  ++counted_;
  if (counted_ != n_ && (period_ == 0 || counted_ % period_ != 0)) return 0;
  ++fired_;
  last_ = call;
  return errno_;
}

std::string Plan::last() const {
  constexpr std::array kNames{"recv",      "readv",      "read",    "send",          "sendmsg",
                              "write",     "accept4",    "connect", "socket",        "epoll_create1",
                              "epoll_add", "epoll_wait", "eventfd", "timerfd_create"};
  return fired_ == 0 ? "none" : kNames.at(static_cast<std::size_t>(last_));
}

Injection::Injection(Plan& plan) {
  PLAIT_ASSERT(current == nullptr, "one injection at a time");
  current = &plan;
}

Injection::~Injection() { current = nullptr; }

OpenFiles::OpenFiles() {
  for (const auto& entry : std::filesystem::directory_iterator{"/proc/self/fd"}) {
    std::error_code gone;  // the iterator's own descriptor
    const std::string target = std::filesystem::read_symlink(entry.path(), gone).string();
    if (!target.starts_with("/proc/")) files_.insert(entry.path().filename().string() + " " + target);
  }
}

std::ostream& operator<<(std::ostream& out, const OpenFiles& files) {
  for (const std::string& file : files.files_) out << "\n  " << file;
  return out;
}

}  // namespace plait::fault

// The linker sends every call of NAME to __wrap_NAME and gives the real one the name __real_NAME.
// NOLINTBEGIN(bugprone-reserved-identifier)
using plait::fault::bytes_max;
using plait::fault::Call;
using plait::fault::fails;
using plait::fault::shortened;
using plait::fault::watches;

extern "C" {

int __real_epoll_ctl(int, int, int, epoll_event*);
int __wrap_epoll_ctl(int epoll, int operation, int fd, epoll_event* event) {
  if (operation == EPOLL_CTL_ADD && fails(Call::epoll_add)) return -1;
  if (event != nullptr)
    watches()[fd] = {epoll, *event};
  else
    watches().erase(fd);
  return __real_epoll_ctl(epoll, operation, fd, event);
}

// What a shortened read left must look like the bytes of a later packet, which an edge-triggered epoll tells of.
ssize_t tell_of_the_rest(int fd, ssize_t got) {
  const auto watch = watches().find(fd);
  if (got > 0 && watch != watches().end())
    __real_epoll_ctl(watch->second.epoll, EPOLL_CTL_MOD, fd, &watch->second.event);
  return got;
}

ssize_t __real_recv(int, void*, std::size_t, int);
ssize_t __wrap_recv(int fd, void* data, std::size_t size, int flags) {
  if (fails(Call::recv)) return -1;
  if (size <= bytes_max()) return __real_recv(fd, data, size, flags);
  return tell_of_the_rest(fd, __real_recv(fd, data, bytes_max(), flags));
}

ssize_t __real_readv(int, const iovec*, int);
ssize_t __wrap_readv(int fd, const iovec* parts, int count) {
  if (fails(Call::readv)) return -1;
  const auto one = shortened(parts, static_cast<std::size_t>(count));
  return one ? tell_of_the_rest(fd, __real_readv(fd, &*one, 1)) : __real_readv(fd, parts, count);
}

ssize_t __real_read(int, void*, std::size_t);
ssize_t __wrap_read(int fd, void* data, std::size_t size) {
  return fails(Call::read) ? -1 : __real_read(fd, data, size);
}

ssize_t __real_send(int, const void*, std::size_t, int);
ssize_t __wrap_send(int fd, const void* data, std::size_t size, int flags) {
  return fails(Call::send) ? -1 : __real_send(fd, data, std::min(size, bytes_max()), flags);
}

ssize_t __real_sendmsg(int, const msghdr*, int);
ssize_t __wrap_sendmsg(int fd, const msghdr* message, int flags) {
  if (fails(Call::sendmsg)) return -1;
  auto one = shortened(message->msg_iov, message->msg_iovlen);
  if (!one) return __real_sendmsg(fd, message, flags);
  msghdr shorter = *message;
  shorter.msg_iov = &*one;
  shorter.msg_iovlen = 1;
  return __real_sendmsg(fd, &shorter, flags);
}

// src/net calls some of these without their wrappers.
long __real_syscall(long, ...);
long __wrap_syscall(long number, ...) {
  va_list list;
  va_start(list, number);
  std::array<long, 6> arguments;
  for (long& argument : arguments) argument = va_arg(list, long);
  va_end(list);
  const auto [fd, data, size, flags, name, length] = arguments;
  auto* memory = reinterpret_cast<void*>(data);
  switch (number) {
    case SYS_recvfrom:
      return __wrap_recv(static_cast<int>(fd), memory, static_cast<std::size_t>(size), static_cast<int>(flags));
    case SYS_sendto:
      return __wrap_send(static_cast<int>(fd), memory, static_cast<std::size_t>(size), static_cast<int>(flags));
    case SYS_sendmsg:
      return __wrap_sendmsg(static_cast<int>(fd), static_cast<const msghdr*>(memory), static_cast<int>(size));
    default:
      return __real_syscall(number, fd, data, size, flags, name, length);
  }
}

ssize_t __real_write(int, const void*, std::size_t);
ssize_t __wrap_write(int fd, const void* data, std::size_t size) {
  return fails(Call::write) ? -1 : __real_write(fd, data, size);
}

int __real_accept4(int, sockaddr*, socklen_t*, int);
int __wrap_accept4(int fd, sockaddr* name, socklen_t* length, int flags) {
  return fails(Call::accept4) ? -1 : __real_accept4(fd, name, length, flags);
}

int __real_connect(int, const sockaddr*, socklen_t);
int __wrap_connect(int fd, const sockaddr* name, socklen_t length) {
  if (!fails(Call::connect)) return __real_connect(fd, name, length);
  if (const int number = errno; number == EINTR) {  // an interrupted connect goes on
    __real_connect(fd, name, length);
    errno = number;
  }
  return -1;
}

int __real_socket(int, int, int);
int __wrap_socket(int family, int type, int protocol) {
  return fails(Call::socket) ? -1 : __real_socket(family, type, protocol);
}

int __real_epoll_create1(int);
int __wrap_epoll_create1(int flags) { return fails(Call::epoll_create1) ? -1 : __real_epoll_create1(flags); }

int __real_epoll_wait(int, epoll_event*, int, int);
int __wrap_epoll_wait(int epoll, epoll_event* events, int count, int timeout) {
  return fails(Call::epoll_wait) ? -1 : __real_epoll_wait(epoll, events, count, timeout);
}

int __real_timerfd_create(int, int);
int __wrap_timerfd_create(int clock, int flags) {
  return fails(Call::timerfd_create) ? -1 : __real_timerfd_create(clock, flags);
}

int __real_eventfd(unsigned, int);
int __wrap_eventfd(unsigned count, int flags) { return fails(Call::eventfd) ? -1 : __real_eventfd(count, flags); }

}  // extern "C"
// NOLINTEND(bugprone-reserved-identifier)
