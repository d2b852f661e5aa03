#include "bench/components/echo/socket.hpp"

#include <fcntl.h>
#include <fmt/core.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <system_error>

#include "net/address.hpp"

namespace plait::bench {
namespace {

using Clock = std::chrono::steady_clock;
using net::IoResult;
using net::IoStatus;

std::string text_of(int number) { return std::generic_category().message(number); }

IoResult result_of(ssize_t count) {
  if (count > 0) return {.status = IoStatus::ok, .bytes = static_cast<std::size_t>(count)};
  if (count == 0) return {.status = IoStatus::end};
  if (errno == EAGAIN || errno == EWOULDBLOCK) return {.status = IoStatus::would_block, .system_errno = EAGAIN};
  return {.status = IoStatus::error, .system_errno = errno};
}

template <class Call>
IoResult uninterrupted(Call call) {
  for (;;) {
    const ssize_t count = call();
    if (count >= 0 || errno != EINTR) return result_of(count);
  }
}

void set_option(int fd, int level, int name, int value) { ::setsockopt(fd, level, name, &value, sizeof value); }

void tune(int fd, const SocketTuning& tuning) {
  if (tuning.send_buffer_bytes > 0) set_option(fd, SOL_SOCKET, SO_SNDBUF, tuning.send_buffer_bytes);
  if (tuning.receive_buffer_bytes > 0) set_option(fd, SOL_SOCKET, SO_RCVBUF, tuning.receive_buffer_bytes);
  set_option(fd, IPPROTO_TCP, TCP_NODELAY, tuning.no_delay ? 1 : 0);  // not on a Unix socket, where it changes nothing
}

int to_milliseconds(Duration time) {
  return static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(time).count());
}

void set_timeouts(int fd, Duration timeout) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(timeout);
  const auto rest = std::chrono::duration_cast<std::chrono::microseconds>(timeout - seconds);
  const timeval value{.tv_sec = seconds.count(), .tv_usec = rest.count()};
  ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &value, sizeof value);
  ::setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &value, sizeof value);
}

/// 0, or the errno of the attempt.
int await_connection(int fd, Duration timeout) {
  pollfd ready{.fd = fd, .events = POLLOUT, .revents = 0};
  if (::poll(&ready, 1, to_milliseconds(timeout)) == 0) return ETIMEDOUT;
  int number = 0;
  socklen_t size = sizeof number;
  ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &number, &size);
  return number;
}

/// 0 and `socket` is connected (still non-blocking), or the errno of the attempt.
int connect_to(const net::SocketAddress& endpoint, const BlockingOptions& options, net::Socket& socket) {
  net::Socket attempt{::socket(endpoint.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
  if (!attempt.is_open()) return errno;
  tune(attempt.fd(), options.tuning);
  if (::connect(attempt.fd(), endpoint.get(), endpoint.length) != 0) {
    if (errno != EINPROGRESS) return errno;
    if (const int number = await_connection(attempt.fd(), options.timeout); number != 0) return number;
  }
  socket = std::move(attempt);
  return 0;
}

std::string how_to_start(const net::Address& address) {
  if (!address.unix_path.empty()) return fmt::format("plait echo serve --unix {}", address.unix_path);
  return fmt::format("plait echo serve --host {} --port {}", address.host, address.port);
}

}  // namespace

void set_no_delay(const net::Socket& socket, bool on) { set_option(socket.fd(), IPPROTO_TCP, TCP_NODELAY, on ? 1 : 0); }

void set_blocking(const net::Socket& socket, bool on) {
  const int flags = ::fcntl(socket.fd(), F_GETFL);
  ::fcntl(socket.fd(), F_SETFL, on ? flags & ~O_NONBLOCK : flags | O_NONBLOCK);
}

void shutdown_read(const net::Socket& socket) { ::shutdown(socket.fd(), SHUT_RD); }
void shutdown_both(const net::Socket& socket) { ::shutdown(socket.fd(), SHUT_RDWR); }

Result<BlockingStream, Error> BlockingStream::connect(const net::Address& address, const BlockingOptions& options) {
  auto endpoints = net::resolve(address);
  if (!endpoints) return err(std::move(endpoints.error()));
  int number = EAFNOSUPPORT;
  for (const net::SocketAddress& endpoint : *endpoints) {
    if (options.ipv6_only && endpoint.family() != AF_INET6) continue;
    net::Socket socket;
    number = connect_to(endpoint, options, socket);
    if (number != 0) continue;
    set_timeouts(socket.fd(), options.timeout);
    BlockingStream stream{std::move(socket), options.busy_poll};
    stream.timeout_ms_ = to_milliseconds(options.timeout);
    return stream;
  }
  std::string message = fmt::format("cannot connect to {}: {}", net::to_text(address), text_of(number));
  if (number == ECONNREFUSED || number == ENOENT) {
    message += fmt::format("; start a server with '{}'", how_to_start(address));
  }
  return err(Error{std::move(message), number});
}

BlockingStream::BlockingStream(net::Socket socket, Duration busy_poll)
    : socket_(std::move(socket)), busy_poll_(busy_poll) {
  set_blocking(socket_, true);
}

IoResult BlockingStream::receive_if_ready(MutableByteView into) {
  return uninterrupted([&] { return ::recv(socket_.fd(), into.data(), into.size(), MSG_DONTWAIT); });
}

IoResult BlockingStream::receive_when_ready(MutableByteView into) {
  return uninterrupted([&] { return ::recv(socket_.fd(), into.data(), into.size(), 0); });
}

IoResult BlockingStream::receive(MutableByteView into) {
  if (!busy_poll_.enabled()) return receive_when_ready(into);
  const auto begin = Clock::now();
  if (busy_poll_.current() > Duration::zero()) {
    const IoResult result = spin(into, begin);
    return result.status == IoStatus::would_block ? receive_when_ready(into) : result;
  }
  const IoResult result = receive_when_ready(into);
  if (result.status == IoStatus::ok) busy_poll_.block_found_work(Clock::now() - begin);
  return result;
}

IoResult BlockingStream::spin(MutableByteView into, Clock::time_point begin) {
  const Duration budget = busy_poll_.current();
  for (;;) {
    const IoResult result = receive_if_ready(into);
    const bool found_work = result.status != IoStatus::would_block;
    const Duration took = Clock::now() - begin;
    if (!found_work && took < budget) continue;
    busy_poll_.spin_ended(found_work, took);
    return result;
  }
}

IoResult BlockingStream::wait_for(short events) {
  pollfd ready{.fd = socket_.fd(), .events = events, .revents = 0};
  const IoResult result = uninterrupted([&]() -> ssize_t { return ::poll(&ready, 1, timeout_ms_); });
  if (result.status == IoStatus::end) return {.status = IoStatus::would_block, .system_errno = EAGAIN};
  return result;
}

IoResult BlockingStream::send(ByteView data) {
  const std::size_t total = data.size();
  while (!data.empty()) {
    const auto result = uninterrupted([&] { return ::send(socket_.fd(), data.data(), data.size(), MSG_NOSIGNAL); });
    if (result.status != IoStatus::ok) return result;
    data = data.subspan(result.bytes);
  }
  return {.status = IoStatus::ok, .bytes = total};
}

IoResult BlockingStream::exchange(ByteView out, MutableByteView in) {
  const std::size_t wanted = out.size();
  std::size_t received = 0;
  while (!out.empty()) {
    auto result =
        uninterrupted([&] { return ::send(socket_.fd(), out.data(), out.size(), MSG_DONTWAIT | MSG_NOSIGNAL); });
    if (result.status == IoStatus::ok) {
      out = out.subspan(result.bytes);
      continue;
    }
    if (result.status != IoStatus::would_block) return result;
    const bool is_full = received == in.size();
    result = wait_for(is_full ? POLLOUT : POLLIN | POLLOUT);
    if (result.status != IoStatus::ok) return result;
    if (is_full) continue;
    result = receive_if_ready(in.subspan(received));
    if (result.status == IoStatus::ok) received += result.bytes;
    if (result.status == IoStatus::end || result.status == IoStatus::error) return result;
  }
  while (received < wanted) {
    const IoResult result = receive(in.subspan(received));
    if (result.status != IoStatus::ok) return result;
    received += result.bytes;
  }
  return {.status = IoStatus::ok, .bytes = received};
}

std::string describe(const IoResult& result) {
  switch (result.status) {
    case IoStatus::ok:
      return "ok";
    case IoStatus::would_block:
      return "the peer did not answer within the timeout";
    case IoStatus::end:
      return "the peer closed the connection before it had echoed everything";
    case IoStatus::error:
      return text_of(result.system_errno);
  }
  return {};
}

}  // namespace plait::bench
