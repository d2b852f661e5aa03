#include "bench/components/echo/wake_timer.hpp"

#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <cerrno>

#include "net/address.hpp"

namespace plait::bench {

Result<void, Error> WakeTimer::attach(net::Loop& loop) {
  timer_ = net::Socket{::timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC)};
  if (!timer_.is_open()) return net::system_error("timerfd_create", errno);
  return loop.watch(timer_.fd(), EPOLLIN, *this);
}

void WakeTimer::wake_at(std::chrono::steady_clock::time_point when) {
  const auto since_boot = when.time_since_epoch();  // steady_clock is CLOCK_MONOTONIC
  const auto seconds = std::chrono::floor<std::chrono::seconds>(since_boot);
  const itimerspec setting{.it_interval = {},
                           .it_value = {.tv_sec = seconds.count(), .tv_nsec = (since_boot - seconds).count()}};
  ::timerfd_settime(timer_.fd(), TFD_TIMER_ABSTIME, &setting, nullptr);
}

void WakeTimer::handle_events(std::uint32_t /*events*/) {
  std::uint64_t expirations = 0;
  static_cast<void>(::read(timer_.fd(), &expirations, sizeof expirations));
}

}  // namespace plait::bench
