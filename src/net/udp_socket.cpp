#include "net/udp_socket.hpp"

#include <linux/errqueue.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "net/listen_advice.hpp"
#include "net/socket_calls.hpp"

namespace plait::net {
namespace {

constexpr std::uint8_t kEcnBits = 3;
constexpr std::uint32_t kLongHeaderBit = 0x80;  // RFC 9000 §17.2

// What a datagram was sent to and with which ECN bits, both families; "::" also takes IPv4.
void ask_for_details(int fd, int family) {
  set_option(fd, IPPROTO_IP, IP_RECVTOS, 1);
  set_option(fd, IPPROTO_IP, IP_PKTINFO, 1);
  // A QUIC packet is never fragmented (RFC 9000 §14); too large a one is lost, as path MTU discovery expects.
  set_option(fd, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_PROBE);
  set_option(fd, SOL_UDP, UDP_GRO, 1);
  if (family != AF_INET6) return;
  set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, 0);
  set_option(fd, IPPROTO_IPV6, IPV6_RECVTCLASS, 1);
  set_option(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
  set_option(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_PROBE);
}

void ask_for_refusals(int fd, int family) {
  set_option(fd, IPPROTO_IP, IP_RECVERR, 1);
  if (family == AF_INET6) set_option(fd, IPPROTO_IPV6, IPV6_RECVERR, 1);
}

void set_buffers(int fd, int bytes) {
  set_option(fd, SOL_SOCKET, SO_RCVBUF, bytes);
  set_option(fd, SOL_SOCKET, SO_SNDBUF, bytes);
}

Unexpected<Error> cannot_bind(const Address& address, int number) {
  const std::string what = "cannot listen on UDP " + to_text(address);
  const std::string advice = listen_advice(number, address, PortKind::udp);
  return advice.empty() ? system_error(what, number) : err(Error{what + ": " + advice, number});
}

template <class Value>
Value read_value(const cmsghdr& control) {
  Value value;
  std::memcpy(&value, CMSG_DATA(&control), sizeof value);
  return value;
}

void set_local(UdpBatch& batch, const in_addr& address, std::uint16_t port) {
  sockaddr_in name{};
  name.sin_family = AF_INET;
  name.sin_port = htons(port);
  name.sin_addr = address;
  batch.local = {};
  std::memcpy(&batch.local.storage, &name, sizeof name);
  batch.local.length = sizeof name;
}

void set_local(UdpBatch& batch, const in6_addr& address, std::uint16_t port) {
  sockaddr_in6 name{};
  name.sin6_family = AF_INET6;
  name.sin6_port = htons(port);
  name.sin6_addr = address;
  batch.local = {};
  std::memcpy(&batch.local.storage, &name, sizeof name);
  batch.local.length = sizeof name;
}

// One control message of a received batch.
void take_detail(const cmsghdr& control, std::uint16_t port, UdpBatch& batch) {
  const auto is = [&control](int level, int type) { return control.cmsg_level == level && control.cmsg_type == type; };
  if (is(SOL_UDP, UDP_GRO)) batch.segment_bytes = static_cast<std::size_t>(read_value<int>(control));
  if (is(IPPROTO_IP, IP_TOS)) batch.ecn = read_value<std::uint8_t>(control) & kEcnBits;
  if (is(IPPROTO_IPV6, IPV6_TCLASS)) batch.ecn = static_cast<std::uint8_t>(read_value<int>(control)) & kEcnBits;
  if (is(IPPROTO_IP, IP_PKTINFO)) set_local(batch, read_value<in_pktinfo>(control).ipi_addr, port);
  if (is(IPPROTO_IPV6, IPV6_PKTINFO)) set_local(batch, read_value<in6_pktinfo>(control).ipi6_addr, port);
}

bool says_refused(const cmsghdr& control) {
  const bool is_error = (control.cmsg_level == IPPROTO_IP && control.cmsg_type == IP_RECVERR) ||
                        (control.cmsg_level == IPPROTO_IPV6 && control.cmsg_type == IPV6_RECVERR);
  return is_error && read_value<sock_extended_err>(control).ee_errno == ECONNREFUSED;
}

// The control messages of one batch to send.
class SendDetails {
 public:
  template <class Value>
  void add(int level, int type, const Value& value) {
    auto* control = reinterpret_cast<cmsghdr*>(bytes_.data() + used_);
    control->cmsg_level = level;
    control->cmsg_type = type;
    control->cmsg_len = CMSG_LEN(sizeof value);
    std::memcpy(CMSG_DATA(control), &value, sizeof value);
    used_ += CMSG_SPACE(sizeof value);
  }
  void attach(msghdr& message) {
    message.msg_control = used_ > 0 ? bytes_.data() : nullptr;
    message.msg_controllen = used_;
  }

 private:
  alignas(cmsghdr) std::array<std::uint8_t, CMSG_SPACE(sizeof(in6_pktinfo)) + 2 * CMSG_SPACE(sizeof(int))> bytes_{};
  std::size_t used_ = 0;
};

bool is_mapped_ipv4(const SocketAddress& address) {
  if (address.family() != AF_INET6) return false;
  return IN6_IS_ADDR_V4MAPPED(&reinterpret_cast<const sockaddr_in6*>(&address.storage)->sin6_addr);
}

void add_source(const SocketAddress& local, SendDetails& details) {
  if (local.family() == AF_INET) {
    in_pktinfo info{};
    info.ipi_spec_dst = reinterpret_cast<const sockaddr_in*>(&local.storage)->sin_addr;
    details.add(IPPROTO_IP, IP_PKTINFO, info);
  } else if (local.family() == AF_INET6) {
    in6_pktinfo info{};
    info.ipi6_addr = reinterpret_cast<const sockaddr_in6*>(&local.storage)->sin6_addr;
    details.add(IPPROTO_IPV6, IPV6_PKTINFO, info);
  }
}

void add_ecn(const SocketAddress& remote, int ecn, SendDetails& details) {
  if (ecn == 0) return;
  if (remote.family() == AF_INET || is_mapped_ipv4(remote)) return details.add(IPPROTO_IP, IP_TOS, ecn);
  details.add(IPPROTO_IPV6, IPV6_TCLASS, ecn);
}

// What ICMP says of a datagram that was sent before, to another peer perhaps, is told by the next system call, once.
bool may_be_of_earlier(int number) {
  return number == ECONNREFUSED || number == EHOSTUNREACH || number == ENETUNREACH || number == EMSGSIZE;
}

IoResult result_of(ssize_t moved) {
  if (moved >= 0) return {IoStatus::ok, 0, static_cast<std::size_t>(moved)};
  if (errno == EAGAIN || errno == EWOULDBLOCK) return {IoStatus::would_block, 0, 0};
  return {IoStatus::error, errno, 0};
}

}  // namespace

Result<UdpSocket, Error> UdpSocket::bind(const Address& address, const Options& options) {
  const auto names = resolve(address);
  if (!names) return err(Error{"cannot listen: " + names.error().message, names.error().system_errno});
  UdpSocket socket;
  if (!socket.open(names->front(), options)) return cannot_bind(address, errno);
  return socket;
}

Result<UdpSocket, Error> UdpSocket::bind(const SocketAddress& name, const Options& options) {
  UdpSocket socket;
  if (!socket.open(name, options)) return system_error("cannot bind UDP " + name.text(), errno);
  return socket;
}

Result<UdpSocket, Error> UdpSocket::another() const { return bind(name_, {.reuse_port = true}); }

/// On failure errno says why.
bool UdpSocket::open(const SocketAddress& name, const Options& options) {
  socket_ = Socket{::socket(name.family(), SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
  if (!socket_.is_open()) return false;
  set_option(fd(), SOL_SOCKET, SO_REUSEPORT, options.reuse_port ? 1 : 0);
  ask_for_details(fd(), name.family());
  if (options.report_refusals) ask_for_refusals(fd(), name.family());
  set_buffers(fd(), options.buffer_bytes);
  if (::bind(fd(), name.get(), name.length) != 0) return false;
  set_option(fd(), SOL_SOCKET, SO_REUSEPORT, 1);  // only what is bound from now on may share the port
  name_ = bound_name(fd());
  return true;
}

// The Destination Connection ID begins at byte 6 of a long header, at byte 1 of a short one (RFC 9000 §17.2, §17.3).
Result<void, Error> UdpSocket::steer_by_connection_id(unsigned count) const {
  const std::array<sock_filter, 7> program{{
      BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 0),
      BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, kLongHeaderBit, 2, 0),
      BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 1),
      BPF_STMT(BPF_JMP | BPF_JA, 1),
      BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 6),
      BPF_STMT(BPF_ALU | BPF_MOD | BPF_K, count),
      BPF_STMT(BPF_RET | BPF_A, 0),
  }};
  const sock_fprog filter{.len = program.size(), .filter = const_cast<sock_filter*>(program.data())};
  if (::setsockopt(fd(), SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &filter, sizeof filter) != 0) {
    return system_error("cannot steer UDP datagrams by connection ID", errno);
  }
  return {};
}

IoResult UdpSocket::receive(MutableByteView buffer, UdpBatch& batch) const {
  iovec vector{buffer.data(), buffer.size()};
  alignas(cmsghdr) std::array<std::uint8_t, 256> control;
  msghdr message{};
  message.msg_name = &batch.remote.storage;
  message.msg_namelen = sizeof batch.remote.storage;
  message.msg_iov = &vector;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  ssize_t moved = 0;
  do moved = ::recvmsg(fd(), &message, 0);
  while (moved < 0 && errno == EINTR);
  const IoResult result = result_of(moved);
  if (result.status != IoStatus::ok) return result;
  batch.remote.length = message.msg_namelen;
  batch.bytes = buffer.first(result.bytes);
  batch.segment_bytes = result.bytes;
  batch.ecn = 0;
  for (cmsghdr* found = CMSG_FIRSTHDR(&message); found != nullptr; found = CMSG_NXTHDR(&message, found)) {
    take_detail(*found, name_.port(), batch);
  }
  return result;
}

IoResult UdpSocket::receive_refused(MutableByteView buffer) const {
  iovec vector{buffer.data(), buffer.size()};
  alignas(cmsghdr) std::array<std::uint8_t, 512> control;
  msghdr message{};
  message.msg_iov = &vector;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  IoResult result = result_of(::recvmsg(fd(), &message, MSG_ERRQUEUE));
  if (result.status != IoStatus::ok) return result;  // the kernel has written nothing to `control`
  bool refused = false;
  for (cmsghdr* found = CMSG_FIRSTHDR(&message); found != nullptr; found = CMSG_NXTHDR(&message, found)) {
    refused = refused || says_refused(*found);
  }
  if (!refused) result.bytes = 0;
  return result;
}

IoResult UdpSocket::send(const UdpBatch& batch) const {
  iovec vector{const_cast<std::uint8_t*>(batch.bytes.data()), batch.bytes.size()};
  SendDetails details;
  add_source(batch.local, details);
  add_ecn(batch.remote, batch.ecn, details);
  if (batch.segment_bytes < batch.bytes.size()) {
    details.add(SOL_UDP, UDP_SEGMENT, static_cast<std::uint16_t>(batch.segment_bytes));
  }
  msghdr message{};
  message.msg_name = const_cast<sockaddr_storage*>(&batch.remote.storage);
  message.msg_namelen = batch.remote.length;
  message.msg_iov = &vector;
  message.msg_iovlen = 1;
  details.attach(message);
  ssize_t moved = 0;
  bool again = true;
  do moved = ::sendmsg(fd(), &message, MSG_NOSIGNAL);
  while (moved < 0 && (errno == EINTR || (may_be_of_earlier(errno) && std::exchange(again, false))));
  return result_of(moved);
}

}  // namespace plait::net
