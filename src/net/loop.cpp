#include "net/loop.hpp"

#include <poll.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <limits>

#include "core/assert.hpp"
#include "core/guard.hpp"
#include "core/prefetch.hpp"
#include "net/address.hpp"
#include "net/alarm.hpp"

namespace plait::net {
namespace {

using Clock = std::chrono::steady_clock;
using Duration = core::TimePoint::duration;

constexpr Duration kForever = Duration::max();
constexpr std::chrono::milliseconds kDoze{10};
constexpr std::size_t kEventsMax = 1024;
constexpr std::size_t kPrefetchBytes = 256;  // of a handler
constexpr int kHooksBeforeLookMin = 16;
constexpr int kHooksBeforeLookMax = 256;

/// Rounded up, so that a timer's turn does not begin just before its deadline.
int to_milliseconds(Duration wait) {
  if (wait > kForever / 2) return -1;  // what a spin took from it is left out
  const auto count = std::chrono::ceil<std::chrono::milliseconds>(wait).count();
  return static_cast<int>(std::clamp<std::int64_t>(count, 0, std::numeric_limits<int>::max()));
}

}  // namespace

struct Loop::Ready {
  std::array<epoll_event, kEventsMax> events;
  int count = 0;
  int next = 0;
};

void HookLink::insert_before(HookLink& other) {
  next_ = &other;
  previous_ = other.previous_;
  previous_->next_ = this;
  other.previous_ = this;
}

void HookLink::unlink() {
  next_->previous_ = previous_;
  previous_->next_ = next_;
  next_ = nullptr;
  previous_ = nullptr;
}

Loop::Loop(const LoopOptions& options)
    : now_(Clock::now()),
      wheel_(now_),
      receive_buffer_(std::make_unique_for_overwrite<std::uint8_t[]>(options.receive_buffer_bytes)),
      receive_buffer_bytes_(options.receive_buffer_bytes),
      busy_poll_(options.busy_poll),
      ready_(std::make_unique<Ready>()) {
  hooks_.make_list();
  next_hooks_.make_list();
}

const std::uint32_t EventHandler::kWritable = EPOLLOUT;

Result<std::unique_ptr<Loop>, Error> Loop::make(const LoopOptions& options) {
  auto loop = std::make_unique<Loop>(options);
  if (auto opened = loop->open(); !opened) return err(std::move(opened.error()));
  return loop;
}

Result<void, Error> Loop::open() {
  if (epoll_fd_ >= 0) return {};
  auto opened = try_open();
  if (!opened) close_descriptors();
  return opened;
}

Result<void, Error> Loop::try_open() {
  epoll_fd_ = ::epoll_create1(EPOLL_CLOEXEC);
  if (epoll_fd_ < 0) return system_error("epoll_create1", errno);
  wake_fd_ = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  if (wake_fd_ < 0) return system_error("eventfd", errno);
  timer_fd_ = ::timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
  if (timer_fd_ < 0) return system_error("timerfd_create", errno);
  for (const int fd : {wake_fd_, timer_fd_}) {
    epoll_event event{.events = EPOLLIN | EPOLLET, .data = {.ptr = nullptr}};
    if (::epoll_ctl(epoll_fd_, EPOLL_CTL_ADD, fd, &event) != 0) return system_error("epoll_ctl", errno);
  }
  return {};
}

Loop::~Loop() {
  PLAIT_ASSERT(!in_turn_, "a loop must not be destroyed from inside one of its turns");
  // Whatever is destroyed here may still use the loop: its timers, its pool, post() and retire().
  while (has_posted_ || !retired_.empty()) {
    free_retired();
    std::vector<std::function<void()>> left;
    const std::lock_guard lock{tasks_mutex_};
    left.swap(posted_);
    has_posted_ = false;
  }
  take_next_hooks();
  while (has_hooks()) hooks_.next_->unlink();
  close_descriptors();
}

void Loop::close_descriptors() {
  for (int* fd : {&timer_fd_, &wake_fd_, &epoll_fd_}) {
    if (*fd >= 0) ::close(*fd);
    *fd = -1;
  }
}

void Loop::run() {
  in_run_ = true;
  while (!stopping_.load(std::memory_order_relaxed)) turn(kForever);
  in_run_ = false;
  stopping_ = false;
}

void Loop::run_once(Duration wait_max) { turn(wait_max); }

void Loop::turn(Duration wait_max) {
  PLAIT_ASSERT(!in_turn_, "run() and run_once() must not be called from inside a turn");
  in_turn_ = true;
  take_next_hooks();
  const int count = wait(wait_max);
  now_ = Clock::now();
  if (timer_set_to_ <= now_) timer_set_to_ = core::TimePoint::max();  // has come
  dispatch(count);
  wheel_.advance(now_);
  ring_alarms();
  const bool saw_input = count > 0 || has_posted_;
  run_tasks();
  run_hooks(saw_input);
  free_retired();
  in_turn_ = false;
}

void Loop::stop() {
  const int saved_errno = errno;
  stopping_ = true;
  wake();
  errno = saved_errno;
}

void Loop::post(std::function<void()> task) {
  {
    const std::lock_guard lock{tasks_mutex_};
    posted_.push_back(std::move(task));
    has_posted_ = true;
  }
  wake();
}

void Loop::wake() {
  if (!may_sleep_.exchange(false)) return;
  const std::uint64_t one = 1;
  while (::write(wake_fd_, &one, sizeof one) < 0 && errno == EINTR) {
  }
}

bool Loop::must_not_wait() const { return has_posted_ || (in_run_ && stopping_) || has_hooks(); }

int Loop::wait(Duration wait_max) {
  if (epoll_fd_ < 0) {
    doze(wait_max);
    return 0;
  }
  if (wait_max <= Duration::zero() || must_not_wait()) return poll(0);
  return busy_poll_.enabled() ? wait_adaptively(wait_max) : block(wait_max);
}

/// Of a loop that is not open: nothing can wake it.
void Loop::doze(Duration wait_max) const {
  if (!must_not_wait()) ::poll(nullptr, 0, to_milliseconds(std::min<Duration>(wait_max, kDoze)));
}

core::TimePoint Loop::next_deadline() const {
  core::TimePoint next = wheel_.next_deadline().value_or(core::TimePoint::max());
  for (const Alarm* alarm : alarms_) next = std::min(next, alarm->deadline_);
  return next;
}

/// The next timer wakes the loop through a timerfd instead of epoll_wait's own time-out, which the kernel would set up
/// and tear down in every wait. One that comes too early, because its timer was cancelled or moved, costs one
/// empty turn.
void Loop::set_timer(core::TimePoint deadline) {
  timer_set_to_ = deadline;
  // An it_value of zero would disarm it.
  const auto since_epoch = std::max(timer_set_to_.time_since_epoch(), Duration{1});
  const auto seconds = std::chrono::floor<std::chrono::seconds>(since_epoch);
  itimerspec at{};
  at.it_value.tv_sec = seconds.count();
  at.it_value.tv_nsec = (since_epoch - seconds).count();
  const int result = ::timerfd_settime(timer_fd_, TFD_TIMER_ABSTIME, &at, nullptr);
  PLAIT_ASSERT(result == 0, "timerfd_settime fails only for a wrong argument");
}

/// Each is looked for anew, since what rings may make and destroy others, and goes to the back, so that one that is due
/// again at once keeps none waiting.
void Loop::ring_alarms() {
  for (std::size_t left = alarms_.size(); left > 0; --left) {
    const auto due =
        std::find_if(alarms_.begin(), alarms_.end(), [this](const Alarm* a) { return a->deadline_ <= now_; });
    if (due == alarms_.end()) return;
    Alarm& alarm = **due;
    std::rotate(due, due + 1, alarms_.end());
    alarm.clear();
    alarm.ring_();
  }
}

int Loop::wait_adaptively(Duration wait_max) {
  if (busy_poll_.current() == Duration::zero()) return block_timed(wait_max);
  // What is there already would not need a spin, so it says nothing about the budget.
  const int count = poll(0);
  if (count > 0 || must_not_wait()) return count;
  return spin(wait_max);
}

/// Looks for events until the budget is used up, then blocks. Between looks whoever waits for this CPU gets it, often
/// the very peer.
int Loop::spin(Duration wait_max) {
  const core::TimePoint begin = Clock::now();
  const Duration limit = std::min({busy_poll_.current(), wait_max, next_deadline() - begin});
  int count = 0;
  bool found = false;
  Duration took{0};
  do {
    ::sched_yield();
    count = poll(0);
    found = count > 0 || must_not_wait();
    took = Clock::now() - begin;
  } while (!found && took < limit);
  const bool cut_short = !found && took < busy_poll_.current();  // by wait_max or a deadline
  if (!cut_short) busy_poll_.spin_ended(found, took);
  return found ? count : block(wait_max - took);
}

/// Blocks without a spin, and notes how soon that ended.
int Loop::block_timed(Duration wait_max) {
  const core::TimePoint begin = Clock::now();
  const int count = block(wait_max);
  if (count > 0) busy_poll_.block_found_work(Clock::now() - begin);
  return count;
}

/// Where much arrives something is there by now, and the deadline is another one when nothing is any more. What is due
/// already needs no timer either.
int Loop::block(Duration wait_max) {
  if (const core::TimePoint deadline = next_deadline(); deadline < timer_set_to_) {
    const int count = poll(0);
    if (count > 0 || deadline <= Clock::now()) return count;
    set_timer(deadline);
  }
  may_sleep_ = true;
  const int count = poll(must_not_wait() ? 0 : to_milliseconds(wait_max));
  may_sleep_.store(false, std::memory_order_relaxed);
  return count;
}

int Loop::poll(int timeout_ms) {
  const int count = ::epoll_wait(epoll_fd_, ready_->events.data(), kEventsMax, timeout_ms);
  PLAIT_ASSERT(count >= 0 || errno == EINTR, "epoll_wait fails otherwise only for a wrong argument");
  return std::max(count, 0);
}

void Loop::dispatch(int count) {
  ready_->count = count;
  for (ready_->next = 0; ready_->next < ready_->count;) {
    const epoll_event event = ready_->events[static_cast<std::size_t>(ready_->next++)];
    prefetch_next();
    if (event.data.ptr != nullptr) static_cast<EventHandler*>(event.data.ptr)->handle_events(event.events);
  }
  ready_->count = 0;
}

/// With hundreds of connections each one's state has left the cache since it was last used. While a handler is in its
/// system calls, the next one's parts are brought back, and the one after it, through which its parts are found.
inline void Loop::prefetch_next() const {
  if (ready_->next + 1 >= ready_->count) return;
  const epoll_event* next = &ready_->events[static_cast<std::size_t>(ready_->next)];
  core::prefetch(next[1].data.ptr, kPrefetchBytes);
  if (const auto* handler = static_cast<const EventHandler*>(next->data.ptr)) handler->prefetch();
}

void Loop::run_tasks() {
  if (!has_posted_.load(std::memory_order_relaxed)) return;
  {
    const std::lock_guard lock{tasks_mutex_};
    running_.swap(posted_);
    has_posted_ = false;
  }
  for (auto& task : running_) core::guarded("a task posted to a loop", task);
  running_.clear();
}

void Loop::at_turn_end(TurnHook& hook) {
  if (!hook.hooked()) hook.insert_before(hooks_);
}

void Loop::at_next_turn_end(TurnHook& hook) {
  if (!hook.hooked()) hook.insert_before(next_hooks_);
}

void Loop::take_next_hooks() {
  while (next_hooks_.next_ != &next_hooks_) {
    HookLink& next = *next_hooks_.next_;
    next.unlink();
    next.insert_before(hooks_);
  }
}

/// Hundreds of connections that write, as after a fan-out, leave the rest to the next turn, whose input comes first:
/// what it adds to the output of those that have not written yet leaves in the same system call. How many write before
/// the next look doubles while there is nothing to see. Hooks get at least as much time as all else in the turn, so
/// that input cannot keep them waiting.
void Loop::run_hooks(bool saw_input) {
  if (!has_hooks()) return;
  const core::TimePoint begin = Clock::now();
  const core::TimePoint due = begin + (begin - now_);
  const bool looked_in_vain = hooks_before_look_ > 0 && !saw_input;
  hooks_before_look_ = looked_in_vain ? std::min(2 * hooks_before_look_, kHooksBeforeLookMax) : kHooksBeforeLookMin;
  do {
    for (int left = hooks_before_look_; left > 0 && has_hooks(); --left) run_hook();
  } while (has_hooks() && Clock::now() < due);
  if (!has_hooks()) hooks_before_look_ = 0;
}

inline void Loop::run_hook() {
  auto& hook = static_cast<TurnHook&>(*hooks_.next_);
  hook.unlink();
  if (has_hooks()) {
    static_cast<const TurnHook*>(hooks_.next_)->prefetch_for_turn_end();
    core::prefetch(hooks_.next_->next_, kPrefetchBytes);
  }
  hook.on_turn_end();
}

void Loop::free_retired() {
  while (!retired_.empty()) {
    dying_.swap(retired_);
    dying_.clear();
  }
}

Result<void, Error> Loop::watch(int fd, std::uint32_t events, EventHandler& handler) {
  epoll_event event{.events = events, .data = {.ptr = &handler}};
  if (::epoll_ctl(epoll_fd_, EPOLL_CTL_ADD, fd, &event) != 0)
    return system_error("cannot watch a file descriptor", errno);
  return {};
}

Result<void, Error> Loop::rewatch(int fd, std::uint32_t events, EventHandler& handler) {
  epoll_event event{.events = events, .data = {.ptr = &handler}};
  if (::epoll_ctl(epoll_fd_, EPOLL_CTL_MOD, fd, &event) != 0)
    return system_error("cannot watch a file descriptor", errno);
  return {};
}

void Loop::unwatch(int fd, EventHandler& handler) {
  ::epoll_ctl(epoll_fd_, EPOLL_CTL_DEL, fd, nullptr);
  // Level-triggered: what is dropped for another descriptor of the same handler comes again in the next turn.
  for (int i = ready_->next; i < ready_->count; ++i) {
    epoll_event& event = ready_->events[static_cast<std::size_t>(i)];
    if (event.data.ptr == &handler) event.data.ptr = nullptr;
  }
}

}  // namespace plait::net
