// Loop: one thread's events. epoll, level-triggered; one turn is
//
//   wait → every ready handler → timers → posted tasks → hooks (writes of this turn) → free what was retired
//
// All input of the turn is handled before anything queued by it is written, so that bursts leave as one write per
// connection. Everything here is for the loop's own thread, except post() and stop().
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

namespace plait::net {

/// Gets a file descriptor's readiness. Not owned by the loop.
class EventHandler {
 public:
  /// `events` are epoll's bits (EPOLLIN, EPOLLOUT, EPOLLHUP, EPOLLERR, EPOLLRDHUP).
  virtual void handle_events(std::uint32_t events) = 0;

 protected:
  ~EventHandler() = default;
};

/// Something that wants to be called once at the end of this turn. Intrusive; removes itself when destroyed.
class TurnHook {
 public:
  TurnHook() = default;
  TurnHook(const TurnHook&) = delete;
  TurnHook& operator=(const TurnHook&) = delete;
  virtual ~TurnHook();
  [[nodiscard]] bool hooked() const { return link_ != nullptr; }

 protected:
  virtual void on_turn_end() = 0;

 private:
  friend class Loop;
  TurnHook* next_ = nullptr;
  TurnHook** link_ = nullptr;
};

/// Base of objects that may be destroyed from inside their own functions: Loop::retire() frees them after the turn.
class Retirable {
 public:
  virtual ~Retirable() = default;
};

struct LoopOptions {
  /// One buffer per loop that every read goes to. Below 256 KiB pipelined large messages lose two thirds of their rate.
  std::size_t receive_buffer_bytes = std::size_t{512} << 10;
  /// Adaptive busy-poll: spin at most this long after the last event before blocking; zero never spins. The budget
  /// halves when a spin finds nothing and doubles when it finds work, so it dies out where the peer needs this CPU.
  core::TimePoint::duration busy_poll{0};
};

class Loop final : public core::Executor {
 public:
  /// Fails with the errno of epoll_create1 or eventfd.
  static Result<std::unique_ptr<Loop>, Error> make(const LoopOptions& options = {});
  ~Loop() override;

  /// Turns until stop(). The calling thread becomes the loop's thread.
  void run();
  /// One turn that waits at most `wait_max` for the first event. For tests and blocking clients.
  void run_once(core::TimePoint::duration wait_max);
  /// Makes run() return after the current turn. From any thread, also from a signal handler.
  void stop();

  void post(std::function<void()> task) override;
  [[nodiscard]] core::TimePoint now() const override { return now_; }
  void schedule(core::Timer& timer, core::TimePoint deadline) override { wheel_.schedule(timer, deadline); }

  /// Watches `fd` for `events` (EPOLLIN…). `handler` must outlive the watch; unwatch before closing the fd.
  Result<void, Error> watch(int fd, std::uint32_t events, EventHandler& handler);
  Result<void, Error> rewatch(int fd, std::uint32_t events, EventHandler& handler);
  /// Also drops events of this turn that were not delivered yet.
  void unwatch(int fd, EventHandler& handler);

  /// Calls hook.on_turn_end() once, at the end of this turn; hooks added by hooks run in the same turn's end.
  void at_turn_end(TurnHook& hook);
  /// Frees `object` at the end of the turn.
  void retire(std::unique_ptr<Retirable> object) { retired_.push_back(std::move(object)); }

  /// The shared receive buffer; its contents last until the next handler runs.
  [[nodiscard]] MutableByteView receive_buffer() { return {receive_buffer_.get(), receive_buffer_bytes_}; }
  [[nodiscard]] core::BufferPool& buffers() { return buffers_; }

 private:
  class Wake;
  explicit Loop(const LoopOptions& options);

  int wait(core::TimePoint::duration wait_max);
  int spin();
  void dispatch(int count);
  void run_tasks();
  void run_hooks();

  int epoll_fd_ = -1;
  int wake_fd_ = -1;
  std::unique_ptr<Wake> wake_;
  core::TimePoint now_;
  core::TimerWheel wheel_;
  core::BufferPool buffers_;
  std::unique_ptr<std::uint8_t[]> receive_buffer_;
  std::size_t receive_buffer_bytes_;
  core::TimePoint::duration busy_poll_max_;
  core::TimePoint::duration busy_poll_budget_;

  struct Ready;
  std::unique_ptr<Ready> ready_;  // the events of this turn
  TurnHook* hooks_ = nullptr;
  std::vector<std::unique_ptr<Retirable>> retired_;

  std::mutex tasks_mutex_;  // guards posted_ and wake_pending_
  std::vector<std::function<void()>> posted_;
  bool wake_pending_ = false;
  std::vector<std::function<void()>> running_;
  std::atomic<bool> stopping_{false};
};

}  // namespace plait::net
