#include "bench/components/bulk/udp_pipe.hpp"

#include "bench/components/loopback.hpp"
#include "bench/components/units.hpp"

#include <netinet/udp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

namespace plait::bench {

namespace {

constexpr int kSocketBufferBytes = 4 << 20;  // as plait's own

void set(int fd, int level, int option, int value) { setsockopt(fd, level, option, &value, sizeof value); }

}  // namespace

Result<UdpPipe, Error> UdpPipe::open(std::uint16_t port) {
  UdpPipe pipe;
  pipe.fd_ = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (pipe.fd_ < 0) return err(Error{std::string{"cannot make a UDP socket: "} + strerror(errno), errno});
  set(pipe.fd_, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_PROBE);
  set(pipe.fd_, SOL_UDP, UDP_GRO, 1);
  set(pipe.fd_, SOL_SOCKET, SO_RCVBUF, kSocketBufferBytes);
  set(pipe.fd_, SOL_SOCKET, SO_SNDBUF, kSocketBufferBytes);
  pipe.name_ = loopback(port);
  auto* generic = reinterpret_cast<sockaddr*>(&pipe.name_);
  socklen_t length = sizeof pipe.name_;
  if (bind(pipe.fd_, generic, length) != 0)
    return err(Error{std::string{"cannot bind UDP: "} + strerror(errno), errno});
  getsockname(pipe.fd_, generic, &length);
  return pipe;
}

UdpPipe::UdpPipe(UdpPipe&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), name_(other.name_), buffer_(std::move(other.buffer_)) {}

UdpPipe::~UdpPipe() {
  if (fd_ >= 0) close(fd_);
}

std::optional<UdpPipe::Batch> UdpPipe::receive() {
  Batch batch;
  iovec vector{buffer_.data(), buffer_.size()};
  alignas(cmsghdr) std::array<std::uint8_t, CMSG_SPACE(sizeof(int))> control;
  msghdr message{};
  message.msg_name = &batch.from;
  message.msg_namelen = sizeof batch.from;
  message.msg_iov = &vector;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  const ssize_t got = recvmsg(fd_, &message, 0);
  if (got < 0) return std::nullopt;
  batch.bytes = ByteView{buffer_}.first(static_cast<std::size_t>(got));
  batch.segment_bytes = batch.bytes.size();
  const cmsghdr* detail = CMSG_FIRSTHDR(&message);
  if (detail != nullptr && detail->cmsg_level == SOL_UDP && detail->cmsg_type == UDP_GRO) {
    int size = 0;
    std::memcpy(&size, CMSG_DATA(detail), sizeof size);
    batch.segment_bytes = static_cast<std::size_t>(size);
  }
  return batch;
}

void UdpPipe::send(ByteView bytes, std::size_t segment_bytes, const sockaddr_in& to) const {
  iovec vector{const_cast<std::uint8_t*>(bytes.data()), bytes.size()};
  alignas(cmsghdr) std::array<std::uint8_t, CMSG_SPACE(sizeof(std::uint16_t))> control{};
  msghdr message{};
  message.msg_name = const_cast<sockaddr_in*>(&to);
  message.msg_namelen = sizeof to;
  message.msg_iov = &vector;
  message.msg_iovlen = 1;
  if (bytes.size() > segment_bytes) {
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    cmsghdr* detail = CMSG_FIRSTHDR(&message);
    detail->cmsg_level = SOL_UDP;
    detail->cmsg_type = UDP_SEGMENT;
    detail->cmsg_len = CMSG_LEN(sizeof(std::uint16_t));
    const auto size = static_cast<std::uint16_t>(segment_bytes);
    std::memcpy(CMSG_DATA(detail), &size, sizeof size);
  }
  while (sendmsg(fd_, &message, 0) < 0 && errno == EAGAIN) {
    pollfd room{.fd = fd_, .events = POLLOUT, .revents = 0};
    poll(&room, 1, -1);
  }
}

void UdpPipe::wait(std::uint64_t nanoseconds) const {
  pollfd input{.fd = fd_, .events = POLLIN, .revents = 0};
  const timespec timeout{static_cast<time_t>(nanoseconds / kSecond), static_cast<long>(nanoseconds % kSecond)};
  ppoll(&input, 1, &timeout, nullptr);
}

}  // namespace plait::bench
