// Loop: one thread's events, by epoll; one turn is
//
//   wait → every ready handler → timers → posted tasks → hooks (writes of this turn) → free what was retired
//
// All input of the turn is handled before anything queued by it is written, so that bursts leave as one write per
// connection; where many connections write, what comes meanwhile is handled between them. Everything here is for the
// loop's own thread, except post() and stop().
#pragma once

#include <plait/result.hpp>

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "core/buffer_pool.hpp"
#include "core/executor.hpp"
#include "net/busy_poll.hpp"

namespace plait::net {

/// Gets a file descriptor's readiness. Not owned by the loop.
class EventHandler {
 public:
  /// EPOLLOUT, for those that know no more of epoll.
  static const std::uint32_t kWritable;
  /// `events` are epoll's bits (EPOLLIN, EPOLLOUT, EPOLLHUP, EPOLLERR, EPOLLRDHUP).
  virtual void handle_events(std::uint32_t events) = 0;
  /// handle_events() is near: a place to prefetch() what it will use beyond the handler itself.
  virtual void prefetch() const {}

 protected:
  ~EventHandler() = default;
};

/// A node of the loop's circular list of hooks.
class HookLink {
 protected:
  friend class Loop;
  void make_list() { next_ = previous_ = this; }
  void insert_before(HookLink& other);
  void unlink();
  HookLink* next_ = nullptr;
  HookLink* previous_ = nullptr;
};

/// Something that wants to be called once at the end of this turn. Intrusive; removes itself when destroyed.
class TurnHook : private HookLink {
 public:
  TurnHook() = default;
  TurnHook(const TurnHook&) = delete;
  TurnHook& operator=(const TurnHook&) = delete;
  virtual ~TurnHook() {
    if (hooked()) unlink();
  }
  [[nodiscard]] bool hooked() const { return next_ != nullptr; }

 protected:
  virtual void on_turn_end() = 0;
  /// on_turn_end() is near: a place to prefetch() what it will use beyond the hook itself.
  virtual void prefetch_for_turn_end() const {}

 private:
  friend class Loop;
};

class Alarm;

/// Base of objects that may be destroyed from inside their own functions: Loop::retire() frees them after the turn.
class Retirable {
 public:
  virtual ~Retirable() = default;
};

struct LoopOptions {
  /// One buffer per loop that every read goes to. Below 256 KiB pipelined large messages lose two thirds of their rate.
  std::size_t receive_buffer_bytes = std::size_t{512} << 10;
  /// Adaptive busy-poll: spin at most this long after the last event before blocking; zero never spins. The budget
  /// halves when a spin finds nothing and doubles when it finds work, so it dies out where the peer needs this CPU
  /// (BusyPollBudget has the rule). 50 µs suits request and answer; it costs up to a CPU per loop while traffic flows.
  core::TimePoint::duration busy_poll{0};
};

class Loop final : public core::Executor {
 public:
  /// Open. Errors: open()'s.
  static Result<std::unique_ptr<Loop>, Error> make(const LoopOptions& options = {});
  /// For who cannot fail yet. Until open() it watches nothing, and what is posted or due may come 10 ms late.
  explicit Loop(const LoopOptions& options = {});
  ~Loop() override;
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  /// Makes the loop's file descriptors if it has none. Fails with the errno of epoll_create1, eventfd, timerfd_create
  /// or epoll_ctl; it may be called again then.
  Result<void, Error> open();

  /// Turns until stop(); at once if stop() was called before. The calling thread becomes the loop's thread.
  void run();
  /// One turn that waits at most `wait_max` for the first event, also after stop(). For tests and blocking clients, and
  /// for what is left to do once run() has returned.
  void run_once(core::TimePoint::duration wait_max);
  /// Makes run() return after the current turn. From any thread, also from a signal handler.
  void stop();

  void post(std::function<void()> task) override;
  [[nodiscard]] core::TimePoint now() const override { return in_turn_ ? now_ : core::TimePoint::clock::now(); }
  void schedule(core::Timer& timer, core::TimePoint deadline) override { wheel_.schedule(timer, deadline); }

  /// Watches `fd` for `events` (EPOLLIN…), level-triggered unless EPOLLET is among them. rewatch() tells anew of what
  /// is ready, too. `handler` must outlive the watch; unwatch before closing the fd.
  Result<void, Error> watch(int fd, std::uint32_t events, EventHandler& handler);
  Result<void, Error> rewatch(int fd, std::uint32_t events, EventHandler& handler);
  /// Also drops events of this turn that were not delivered yet, those of the other descriptors that `handler` watches
  /// among them: none of these may be edge-triggered.
  void unwatch(int fd, EventHandler& handler);

  /// Calls hook.on_turn_end() once, at the end of this turn, first come first served, those that hooks add among them
  /// (so a hook must not add itself unconditionally). Where there are many, the rest follow at the end of the next
  /// turns, which do not wait. A hook that waits already keeps its place.
  void at_turn_end(TurnHook& hook);
  /// The same at the end of the next turn, which does not wait: for a hook with more to do than one turn's worth.
  void at_next_turn_end(TurnHook& hook);
  /// Frees `object` at the end of the turn. Its destructor may retire more, which is freed then, too.
  void retire(std::unique_ptr<Retirable> object) { retired_.push_back(std::move(object)); }

  /// The shared receive buffer; its contents last until the next handler runs.
  [[nodiscard]] MutableByteView receive_buffer() { return {receive_buffer_.get(), receive_buffer_bytes_}; }
  [[nodiscard]] core::BufferPool& buffers() { return buffers_; }

 private:
  friend class Alarm;
  struct Ready;
  Result<void, Error> try_open();
  void close_descriptors();
  void turn(core::TimePoint::duration wait_max);
  int wait(core::TimePoint::duration wait_max);
  void doze(core::TimePoint::duration wait_max) const;
  int wait_adaptively(core::TimePoint::duration wait_max);
  int spin(core::TimePoint::duration wait_max);
  int block_timed(core::TimePoint::duration wait_max);
  int block(core::TimePoint::duration wait_max);
  int poll(int timeout_ms);
  [[nodiscard]] bool must_not_wait() const;
  [[nodiscard]] core::TimePoint next_deadline() const;
  void set_timer(core::TimePoint deadline);
  void ring_alarms();
  void wake();
  void dispatch(int count);
  void prefetch_next() const;
  void run_tasks();
  void run_hooks(bool saw_input);
  void run_hook();
  void take_next_hooks();
  [[nodiscard]] bool has_hooks() const { return hooks_.next_ != &hooks_; }
  void free_retired();

  int epoll_fd_ = -1;  // none: not open
  int wake_fd_ = -1;   // an eventfd, watched edge-triggered, so that it never has to be read
  int timer_fd_ = -1;  // a timerfd, watched likewise
  core::TimePoint timer_set_to_ = core::TimePoint::max();  // what it is set to
  bool in_run_ = false;
  bool in_turn_ = false;
  core::TimePoint now_;
  core::TimerWheel wheel_;
  std::vector<Alarm*> alarms_;
  core::BufferPool buffers_;
  std::unique_ptr<std::uint8_t[]> receive_buffer_;
  std::size_t receive_buffer_bytes_;
  BusyPollBudget busy_poll_;

  std::unique_ptr<Ready> ready_;  // the events of this turn
  HookLink hooks_;                // the list's sentinel
  HookLink next_hooks_;           // likewise, of the next turn's
  int hooks_before_look_ = 0;     // of the last turn that left some for the next; else 0
  std::vector<std::unique_ptr<Retirable>> retired_;
  std::vector<std::unique_ptr<Retirable>> dying_;

  std::mutex tasks_mutex_;  // guards posted_
  std::vector<std::function<void()>> posted_;
  std::vector<std::function<void()>> running_;
  // A poster sets has_posted_, then looks at may_sleep_; the loop sets may_sleep_, then looks at has_posted_. So one of
  // them sees the other (both sequentially consistent), and a loop that is awake costs its posters no system call.
  std::atomic<bool> has_posted_{false};
  std::atomic<bool> may_sleep_{false};
  std::atomic<bool> stopping_{false};
};

}  // namespace plait::net
