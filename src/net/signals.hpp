// SignalWatcher: process signals as events of a loop.
//
// A handler notes the signal and writes an eventfd. (signalfd would need the signals blocked in every thread that
// exists and would hand the blocked mask down to every child process.)
#pragma once

#include <plait/result.hpp>

#include <functional>
#include <initializer_list>
#include <memory>

#include "net/loop.hpp"

namespace plait::net {

class SignalWatcher final : private EventHandler {
 public:
  /// Calls `on_signal(number)` on `loop` for each of `signals` that arrives, whichever thread the kernel delivers it
  /// to; several of one kind may become one call. At most one watcher for a signal at a time: EBUSY. Fails also with
  /// the errno of eventfd or epoll_ctl. `loop` must outlive the watcher; make and destroy it on one thread.
  static Result<std::unique_ptr<SignalWatcher>, Error> make(Loop& loop, std::initializer_list<int> signals,
                                                            std::function<void(int)> on_signal);
  SignalWatcher(const SignalWatcher&) = delete;
  SignalWatcher& operator=(const SignalWatcher&) = delete;
  /// Whether `signal`, one of its own, was ignored before: nohup(1) does that to SIGHUP.
  [[nodiscard]] bool was_ignored(int signal) const;
  /// The signals do again what they did before. Safe inside on_signal.
  ~SignalWatcher();

 private:
  struct Watched;
  SignalWatcher(Loop& loop, std::function<void(int)> on_signal);
  Result<void, Error> open();
  Result<void, Error> take(int signal);
  void handle_events(std::uint32_t events) override;

  Loop& loop_;
  std::function<void(int)> on_signal_;
  int wake_fd_ = -1;
  std::vector<Watched> watched_;
  bool* destroyed_ = nullptr;  // set by the destructor for handle_events, which is still running
};

}  // namespace plait::net
