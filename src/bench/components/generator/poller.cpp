#include "bench/components/generator/poller.hpp"

#include <time.h>
#include <unistd.h>

#include <algorithm>

namespace plait::bench {

namespace {

constexpr std::uint64_t kOpenTimeout = 20 * kSecond;
constexpr std::size_t kOpeningMax = 128;

/// Keeps up to kOpeningMax opening handshakes under way.
class Opener {
 public:
  Opener(Poller& poller, const EndpointOptions& options, std::vector<Endpoint>& endpoints, std::size_t first)
      : poller_(poller), options_(options), endpoints_(endpoints), next_(first), open_(first) {}

  Result<void, Error> run() {
    const std::uint64_t deadline = now_ns() + kOpenTimeout;
    while (open_ < endpoints_.size()) {
      while (next_ < endpoints_.size() && next_ - open_ < kOpeningMax) start_next();
      if (!failure_.empty()) return err(Error{failure_});
      if (open_ == endpoints_.size()) break;
      if (now_ns() > deadline) return err(Error{"the server did not finish the opening handshakes within 20 s"});
      for (const epoll_event& event : poller_.wait(kSecond / 10)) advance(event.data.u32);
    }
    return {};
  }

 private:
  void start_next() {
    const std::size_t index = next_++;
    if (!endpoints_[index].start(options_)) {
      failure_ = endpoints_[index].failure();
      return;
    }
    poller_.add(endpoints_[index].fd(), static_cast<std::uint32_t>(index));
    advance(index);
  }

  void advance(std::size_t index) {
    Endpoint& endpoint = endpoints_[index];
    if (endpoint.phase() == Endpoint::Phase::open) return;
    const auto phase = endpoint.advance(options_);
    if (phase == Endpoint::Phase::open) ++open_;
    if (phase == Endpoint::Phase::failed) failure_ = endpoint.failure();
  }

  Poller& poller_;
  const EndpointOptions& options_;
  std::vector<Endpoint>& endpoints_;
  std::size_t next_;
  std::size_t open_;
  std::string failure_;
};

}  // namespace

std::uint64_t now_ns() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * kSecond + static_cast<std::uint64_t>(now.tv_nsec);
}

Poller::Poller(bool spin) : fd_(epoll_create1(EPOLL_CLOEXEC)), spin_(spin) {}

Poller::~Poller() { close(fd_); }

void Poller::add(int fd, std::uint32_t index) {
  epoll_event event{};
  event.events = EPOLLIN | EPOLLOUT | EPOLLET;
  event.data.u32 = index;
  epoll_ctl(fd_, EPOLL_CTL_ADD, fd, &event);
}

std::span<const epoll_event> Poller::wait(std::uint64_t timeout_ns) {
  if (spin_) timeout_ns = 0;
  const timespec timeout{.tv_sec = static_cast<time_t>(timeout_ns / kSecond),
                         .tv_nsec = static_cast<long>(timeout_ns % kSecond)};
  const int count = epoll_pwait2(fd_, events_.data(), static_cast<int>(events_.size()), &timeout, nullptr);
  return {events_.data(), static_cast<std::size_t>(std::max(0, count))};
}

Result<void, Error> open_endpoints(Poller& poller, const EndpointOptions& options, std::vector<Endpoint>& endpoints,
                                   std::size_t first) {
  return Opener(poller, options, endpoints, first).run();
}

}  // namespace plait::bench
