#include "bench/components/raw_loop.hpp"

#include "bench/components/loopback.hpp"
#include "bench/text_file.hpp"

#include <arpa/inet.h>
#include <fmt/core.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>

namespace plait::bench {

namespace {

constexpr std::size_t kReadBufferBytes = 512 << 10;
constexpr std::size_t kPartialBytesMax = 1 << 20;
constexpr std::uint32_t kReadable = EPOLLIN | EPOLLRDHUP | EPOLLET;

class RawLoop {
 public:
  RawLoop(RawProtocol& protocol, bool spins)
      : protocol_(protocol), buffer_(kPartialBytesMax + kReadBufferBytes), timeout_ms_(spins ? 0 : -1) {}

  Result<void, Error> listen(const std::string& scheme, std::uint16_t port) {
    sockaddr_in address = loopback(port);
    socklen_t length = sizeof address;
    const int on = 1;
    listener_ = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    if (bind(listener_, generic, length) != 0 || ::listen(listener_, 4096) != 0) {
      return err(Error{fmt::format("cannot listen on 127.0.0.1:{}: {}", port, std::strerror(errno)), errno});
    }
    getsockname(listener_, generic, &length);
    watch(listener_, EPOLLIN, nullptr);
    return print_line(fmt::format("listening {}://127.0.0.1:{}", scheme, ntohs(address.sin_port)));
  }

  void run() {
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigprocmask(SIG_BLOCK, &signals, nullptr);
    signals_ = signalfd(-1, &signals, SFD_CLOEXEC);
    watch(signals_, EPOLLIN, this);
    while (!stopped_) {
      const int count = epoll_wait(epoll_, events_.data(), static_cast<int>(events_.size()), timeout_ms_);
      for (int i = 0; i < count; ++i) dispatch(events_[static_cast<std::size_t>(i)]);
      protocol_.on_turn_end();
      remove_dead();
    }
  }

 private:
  void dispatch(const epoll_event& event) {
    if (event.data.ptr == nullptr) {
      accept_all();
    } else if (event.data.ptr == this) {
      stopped_ = true;
    } else {
      serve(*static_cast<RawConnection*>(event.data.ptr), event.events);
    }
  }

  void watch(int fd, std::uint32_t interest, void* who, int operation = EPOLL_CTL_ADD) const {
    epoll_event event{};
    event.events = interest;
    event.data.ptr = who;
    epoll_ctl(epoll_, operation, fd, &event);
  }

  void accept_all() {
    for (;;) {
      const int fd = accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (fd < 0) return;
      const int on = 1;
      setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
      connections_.push_back(std::make_unique<RawConnection>(fd));
      connections_.back()->slot = connections_.size() - 1;
      watch(fd, kReadable, connections_.back().get());
    }
  }

  void serve(RawConnection& connection, std::uint32_t events) {
    if (connection.has_backlog()) {
      watch(connection.fd(), connection.drain() ? kReadable : EPOLLOUT, &connection, EPOLL_CTL_MOD);
      if (connection.is_dead()) dead_.push_back(&connection);
      return;
    }
    const std::size_t kept = connection.partial.size();
    if (kept > 0) std::memcpy(buffer_.data(), connection.partial.data(), kept);
    const ssize_t got = recv(connection.fd(), buffer_.data() + kept, kReadBufferBytes, 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (got <= 0) {
      connection.kill();
    } else {
      connection.partial.clear();
      protocol_.on_data(connection, {buffer_.data(), kept + static_cast<std::size_t>(got)});
      if (connection.partial.size() > kPartialBytesMax) connection.kill();
    }
    if (connection.is_dead()) {
      dead_.push_back(&connection);
    } else if (connection.has_backlog()) {
      watch(connection.fd(), EPOLLOUT, &connection, EPOLL_CTL_MOD);
    } else if (got == static_cast<ssize_t>(kReadBufferBytes) || (events & EPOLLRDHUP) != 0) {
      watch(connection.fd(), kReadable, &connection, EPOLL_CTL_MOD);  // to be told of what was left
    }
  }

  void remove_dead() {
    for (RawConnection* connection : dead_) {
      protocol_.on_close(*connection);
      const std::size_t slot = connection->slot;
      connections_.back()->slot = slot;
      std::swap(connections_[slot], connections_.back());
      connections_.pop_back();
    }
    dead_.clear();
  }

  RawProtocol& protocol_;
  std::vector<std::uint8_t> buffer_;
  std::vector<std::unique_ptr<RawConnection>> connections_;
  std::vector<RawConnection*> dead_;
  std::array<epoll_event, 256> events_{};
  int epoll_ = epoll_create1(EPOLL_CLOEXEC);
  int timeout_ms_;
  int listener_ = -1;
  int signals_ = -1;
  bool stopped_ = false;
};

}  // namespace

RawConnection::~RawConnection() { close(fd_); }

std::size_t RawConnection::try_send(ByteView data) {
  const ssize_t sent = ::send(fd_, data.data(), data.size(), MSG_NOSIGNAL);
  if (sent >= 0) return static_cast<std::size_t>(sent);
  if (errno != EAGAIN && errno != EINTR) dead_ = true;
  return 0;
}

void RawConnection::send(ByteView data) {
  if (!has_backlog()) data = data.subspan(try_send(data));
  if (!data.empty()) backlog_ += as_text(data);
}

bool RawConnection::drain() {
  sent_ += try_send(as_bytes(backlog_).subspan(sent_));
  if (has_backlog()) return false;
  backlog_.clear();
  sent_ = 0;
  return true;
}

Result<void, Error> run_raw_loop(RawProtocol& protocol, const std::string& scheme, std::uint16_t port, bool spins) {
  RawLoop loop(protocol, spins);
  if (auto listening = loop.listen(scheme, port); !listening) return listening;
  loop.run();
  return {};
}

}  // namespace plait::bench
