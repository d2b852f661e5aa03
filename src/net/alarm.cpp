#include "net/alarm.hpp"

#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "core/assert.hpp"
#include "net/address.hpp"

namespace plait::net {

Alarm::~Alarm() {
  if (fd_ < 0) return;
  loop_.unwatch(fd_, *this);
  ::close(fd_);
}

Result<void, Error> Alarm::open() {
  fd_ = ::timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
  if (fd_ < 0) return system_error("timerfd_create", errno);
  return loop_.watch(fd_, EPOLLIN | EPOLLET, *this);  // edge-triggered, so that it never has to be read
}

void Alarm::set(core::TimePoint deadline) {
  if (deadline >= set_to_) return;
  set_to_ = deadline;
  // An it_value of zero would disarm it.
  const auto since_epoch = std::max(deadline.time_since_epoch(), core::TimePoint::duration{1});
  const auto seconds = std::chrono::floor<std::chrono::seconds>(since_epoch);
  itimerspec at{};
  at.it_value.tv_sec = seconds.count();
  at.it_value.tv_nsec = (since_epoch - seconds).count();
  const int result = ::timerfd_settime(fd_, TFD_TIMER_ABSTIME, &at, nullptr);
  PLAIT_ASSERT(result == 0, "timerfd_settime fails only for a wrong argument");
}

void Alarm::handle_events(std::uint32_t) {
  set_to_ = core::TimePoint::max();
  ring_();
}

}  // namespace plait::net
