#include "integration/server/udp_relay.hpp"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstring>

namespace plait::test {
namespace {

int loopback_socket() { return ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0); }

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  return address;
}

}  // namespace

UdpRelay::UdpRelay(const std::string& url)
    : front_(loopback_socket()), back_(loopback_socket()), stop_(::eventfd(0, 0)) {
  const std::size_t begin = url.rfind(':') + 1;
  const std::size_t end = std::min(url.find('/', begin), url.size());
  std::uint16_t port = 0;
  EXPECT_EQ(std::from_chars(url.data() + begin, url.data() + end, port).ptr, url.data() + end) << url;
  const sockaddr_in any = loopback(0);
  const sockaddr_in server = loopback(port);
  EXPECT_EQ(::bind(front_, reinterpret_cast<const sockaddr*>(&any), sizeof any), 0);
  EXPECT_EQ(::connect(back_, reinterpret_cast<const sockaddr*>(&server), sizeof server), 0);
  sockaddr_in name{};
  socklen_t size = sizeof name;
  EXPECT_EQ(::getsockname(front_, reinterpret_cast<sockaddr*>(&name), &size), 0);
  url_ = url.substr(0, begin) + std::to_string(ntohs(name.sin_port)) + url.substr(end);
  thread_ = std::thread{[this] { run(); }};
}

UdpRelay::~UdpRelay() {
  EXPECT_EQ(::eventfd_write(stop_, 1), 0);
  thread_.join();
  for (const int fd : {front_, back_, stop_}) ::close(fd);
}

void UdpRelay::run() {
  std::array<pollfd, 3> waiting{{{front_, POLLIN, 0}, {back_, POLLIN, 0}, {stop_, POLLIN, 0}}};
  while (::poll(waiting.data(), waiting.size(), -1) >= 0 && waiting[2].revents == 0) {
    if (waiting[0].revents != 0) forward_to_server();
    if (waiting[1].revents != 0) forward_to_client();
  }
}

void UdpRelay::forward_to_server() {
  sockaddr_in from{};
  socklen_t size = sizeof from;
  const ssize_t got = ::recvfrom(front_, buffer_.data(), buffer_.size(), 0, reinterpret_cast<sockaddr*>(&from), &size);
  static_assert(sizeof from == sizeof client_);
  std::memcpy(client_.data(), &from, sizeof from);
  if (got < 0 || static_cast<std::size_t>(got) > bytes_max_) return;
  static_cast<void>(::send(back_, buffer_.data(), static_cast<std::size_t>(got), 0));
}

void UdpRelay::forward_to_client() {
  const ssize_t got = ::recv(back_, buffer_.data(), buffer_.size(), 0);
  if (got < 0) return;
  static_cast<void>(::sendto(front_, buffer_.data(), static_cast<std::size_t>(got), 0,
                             reinterpret_cast<const sockaddr*>(client_.data()), sizeof(sockaddr_in)));
}

}  // namespace plait::test
