// Whatever crosses threads: post() and stop(). Run under TSan.
#include <gtest/gtest.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <thread>
#include <vector>

#include "unit/net/support.hpp"

namespace plait::net {
namespace {

using namespace test;

struct Looper {
  std::unique_ptr<Loop> loop;
  std::thread thread;

  explicit Looper(const LoopOptions& options = {}) : loop(make_loop(options)), thread([this] { loop->run(); }) {}
  ~Looper() {
    loop->stop();
    thread.join();
  }
};

LoopOptions spinning() {
  LoopOptions options;
  options.busy_poll = 50us;
  return options;
}

class LoopThreads : public testing::TestWithParam<LoopOptions> {};

TEST_P(LoopThreads, StopFromAnotherThreadEndsASleepingLoop) {
  for (int i = 0; i < 50; ++i) {
    Looper looper{GetParam()};
    std::atomic<bool> runs{false};
    looper.loop->post([&] { runs = true; });
    while (!runs) std::this_thread::yield();
  }
}

TEST_P(LoopThreads, EveryPostWakesTheLoop) {
  Looper looper{GetParam()};
  for (int i = 0; i < 1000; ++i) {
    std::atomic<bool> ran{false};
    looper.loop->post([&] { ran = true; });
    while (!ran) std::this_thread::yield();
  }
}

TEST_P(LoopThreads, TasksOfOneThreadRunInOrderOnTheLoopsThread) {
  constexpr int kPosters = 3;
  constexpr int kTasks = 2000;
  Looper looper{GetParam()};
  const auto loop_thread = looper.thread.get_id();
  std::vector<int> next(kPosters, 0);
  std::atomic<int> done{0};
  std::vector<std::thread> posters;
  for (int poster = 0; poster < kPosters; ++poster) {
    posters.emplace_back([&, poster] {
      for (int i = 0; i < kTasks; ++i) {
        looper.loop->post([&, poster, i] {
          EXPECT_EQ(std::this_thread::get_id(), loop_thread);
          EXPECT_EQ(next[static_cast<std::size_t>(poster)]++, i);
          ++done;
        });
      }
    });
  }
  for (auto& poster : posters) poster.join();
  while (done < kPosters * kTasks) std::this_thread::yield();
}

TEST_P(LoopThreads, SeveralLoopsPostToEachOther) {
  constexpr int kHops = 3000;
  std::vector<std::unique_ptr<Looper>> loopers;
  for (int i = 0; i < 3; ++i) loopers.push_back(std::make_unique<Looper>(GetParam()));
  std::atomic<int> finished{0};
  std::function<void(std::size_t, int)> hop = [&](std::size_t at, int left) {
    if (left == 0) {
      ++finished;
      return;
    }
    const std::size_t to = (at + 1) % loopers.size();
    loopers[to]->loop->post([&hop, to, left] { hop(to, left - 1); });
  };
  for (std::size_t i = 0; i < loopers.size(); ++i) loopers[i]->loop->post([&hop, i] { hop(i, kHops); });
  while (finished < 3) std::this_thread::yield();
  loopers.clear();
}

TEST_P(LoopThreads, AThreadMayPostWhileTheLoopStops) {
  for (int i = 0; i < 50; ++i) {
    auto loop = make_loop(GetParam());
    int ran = 0;
    std::thread poster{[&] {
      for (int n = 0; n < 100; ++n) loop->post([&] { ++ran; });
      loop->stop();
      for (int n = 0; n < 100; ++n) loop->post([&] { ++ran; });
    }};
    loop->run();
    poster.join();
    loop->run_once(0s);
    EXPECT_EQ(ran, 200) << "what came too late waits for the next turn";
  }
}

INSTANTIATE_TEST_SUITE_P(Waiting, LoopThreads, testing::Values(LoopOptions{}, spinning()),
                         [](const auto& set) { return set.index == 0 ? "Blocking" : "BusyPoll"; });

std::atomic<Loop*> loop_of_handler{nullptr};

// TSan runs a handler at once only where it knows the thread to be in a system call that blocks; a signal that meets
// the thread on its way there waits until that call returns, which here would be never. Hence the wait for its sleep.
TEST(LoopThreadsSignal, StopFromASignalHandlerOfTheSleepingThread) {
  Looper looper;
  loop_of_handler = looper.loop.get();
  std::atomic<pid_t> thread{0};
  looper.loop->post([&] { thread = ::gettid(); });
  struct sigaction action {};
  struct sigaction before {};
  action.sa_handler = [](int) { loop_of_handler.load()->stop(); };
  ASSERT_EQ(::sigaction(SIGUSR1, &action, &before), 0);
  while (thread == 0 || !is_asleep(thread)) std::this_thread::yield();
  ASSERT_EQ(::pthread_kill(looper.thread.native_handle(), SIGUSR1), 0);
  looper.thread.join();
  looper.thread = std::thread{[] {}};  // for the destructor to join
  EXPECT_EQ(::sigaction(SIGUSR1, &before, nullptr), 0);
}

}  // namespace
}  // namespace plait::net
