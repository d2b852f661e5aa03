#include "net/signals.hpp"

#include <sched.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <string>

#include "core/assert.hpp"
#include "net/address.hpp"

namespace plait::net {
namespace {

struct Slot {
  std::atomic<int> wake_fd{-1};
  std::atomic<bool> arrived{false};
  std::atomic<int> running{0};  // handlers that may still use wake_fd
};

// Signals belong to the process, so what their handler reads does, too.
std::array<Slot, NSIG> slots;

void note_signal(int signal) {
  const int saved_errno = errno;
  Slot& slot = slots[static_cast<std::size_t>(signal)];
  ++slot.running;
  if (const int wake_fd = slot.wake_fd; wake_fd >= 0) {
    slot.arrived = true;
    const std::uint64_t one = 1;
    // Cannot fail: an eventfd that is never read still counts to 2^64.
    [[maybe_unused]] const ssize_t written = ::write(wake_fd, &one, sizeof one);
  }
  --slot.running;
  errno = saved_errno;
}

void release(Slot& slot) {
  slot.wake_fd = -1;
  while (slot.running != 0) ::sched_yield();  // in another thread
}

}  // namespace

struct SignalWatcher::Watched {
  int signal;
  struct sigaction before;
};

SignalWatcher::SignalWatcher(Loop& loop, std::function<void(int)> on_signal)
    : loop_(loop), on_signal_(std::move(on_signal)) {}

Result<std::unique_ptr<SignalWatcher>, Error> SignalWatcher::make(Loop& loop, std::initializer_list<int> signals,
                                                                  std::function<void(int)> on_signal) {
  std::unique_ptr<SignalWatcher> watcher{new SignalWatcher(loop, std::move(on_signal))};
  if (auto opened = watcher->open(); !opened) return err(std::move(opened.error()));
  for (const int signal : signals) {
    if (auto taken = watcher->take(signal); !taken) return err(std::move(taken.error()));
  }
  return watcher;
}

Result<void, Error> SignalWatcher::open() {
  wake_fd_ = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  if (wake_fd_ < 0) return system_error("cannot watch signals", errno);
  return loop_.watch(wake_fd_, EPOLLIN | EPOLLET, *this);
}

Result<void, Error> SignalWatcher::take(int signal) {
  PLAIT_ASSERT(signal > 0 && signal < NSIG, "not a signal");
  Slot& slot = slots[static_cast<std::size_t>(signal)];
  int nobody = -1;
  if (!slot.wake_fd.compare_exchange_strong(nobody, wake_fd_)) {
    return err(Error{"another watcher has signal " + std::to_string(signal), EBUSY});
  }
  slot.arrived = false;
  struct sigaction action {};
  action.sa_handler = &note_signal;
  action.sa_flags = SA_RESTART;
  Watched& watched = watched_.emplace_back(Watched{signal, {}});
  ::sigaction(signal, &action, &watched.before);
  return {};
}

bool SignalWatcher::was_ignored(int signal) const {
  return std::ranges::any_of(watched_, [signal](const Watched& watched) {
    return watched.signal == signal && watched.before.sa_handler == SIG_IGN;
  });
}

SignalWatcher::~SignalWatcher() {
  for (const Watched& watched : watched_) {
    ::sigaction(watched.signal, &watched.before, nullptr);
    release(slots[static_cast<std::size_t>(watched.signal)]);
  }
  if (wake_fd_ >= 0) {
    loop_.unwatch(wake_fd_, *this);
    ::close(wake_fd_);
  }
  if (destroyed_ != nullptr) *destroyed_ = true;
}

void SignalWatcher::handle_events(std::uint32_t /*events*/) {
  bool destroyed = false;
  destroyed_ = &destroyed;
  const auto on_signal = on_signal_;  // which may destroy this
  for (std::size_t i = 0; !destroyed && i < watched_.size(); ++i) {
    const int signal = watched_[i].signal;
    if (slots[static_cast<std::size_t>(signal)].arrived.exchange(false)) on_signal(signal);
  }
  if (!destroyed) destroyed_ = nullptr;
}

}  // namespace plait::net
