// What the net tests share: a loop that must exist, handlers made of functions, connected pairs of sockets.
#pragma once

#include <gtest/gtest.h>
#include <sys/epoll.h>
#include <sys/types.h>

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "net/loop.hpp"
#include "net/socket.hpp"

namespace plait::net::test {

using namespace std::chrono_literals;

inline std::unique_ptr<Loop> make_loop(const LoopOptions& options = {}) {
  auto loop = Loop::make(options);
  EXPECT_TRUE(loop) << (loop ? "" : loop.error().message);
  return std::move(loop).value();
}

/// Turns until `done()`; fails the test after ten seconds. No turn waits longer than `done` may go unnoticed.
inline void run_until(Loop& loop, const std::function<bool()>& done) {
  const auto give_up = std::chrono::steady_clock::now() + 10s;
  while (!done()) {
    ASSERT_LT(std::chrono::steady_clock::now(), give_up) << "the condition never became true";
    loop.run_once(10ms);
  }
}

class Handler final : public EventHandler {
 public:
  explicit Handler(std::function<void(std::uint32_t)> on_events) : on_events_(std::move(on_events)) {}
  void handle_events(std::uint32_t events) override { on_events_(events); }

 private:
  std::function<void(std::uint32_t)> on_events_;
};

class Hook final : public TurnHook {
 public:
  explicit Hook(std::function<void()> then) : then_(std::move(then)) {}

 protected:
  void on_turn_end() override { then_(); }

 private:
  std::function<void()> then_;
};

class CallingTimer final : public core::Timer {
 public:
  explicit CallingTimer(std::function<void(core::TimePoint)> then) : then_(std::move(then)) {}

 protected:
  void on_timer(core::TimePoint now) override { then_(now); }

 private:
  std::function<void(core::TimePoint)> then_;
};

/// Waits (at most ten seconds) until `fd` is ready for `events` of poll(2).
bool wait_ready(int fd, short events);

/// Whether a thread of this process is asleep in the kernel (proc(5)).
bool is_asleep(pid_t thread);

struct Pair {
  Socket client;
  Socket server;
};

/// A connection to a listener on `host`, port 0.
Pair tcp_pair(const std::string& host = "127.0.0.1");
/// The two ends of an unnamed Unix stream pair.
Pair unix_pair();
/// Takes the next connection of `listener`.
Socket accept_one(const Listener& listener);

/// Sends and receives in small steps on one thread.
void write_all(const Socket& socket, std::string_view text);
std::string read_exactly(const Socket& socket, std::size_t size);

/// A new empty directory for this test; removed with its content at the end of the process.
std::string temporary_directory();

}  // namespace plait::net::test
