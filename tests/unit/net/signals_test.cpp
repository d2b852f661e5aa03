#include "net/signals.hpp"

#include <gmock/gmock.h>
#include <signal.h>

#include <thread>
#include <vector>

#include "unit/net/support.hpp"

namespace plait::net {
namespace {

using namespace test;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

struct sigaction action_of(int signal) {
  struct sigaction action {};
  EXPECT_EQ(::sigaction(signal, nullptr, &action), 0);
  return action;
}

std::unique_ptr<SignalWatcher> watch(Loop& loop, std::initializer_list<int> signals, std::function<void(int)> then) {
  auto watcher = SignalWatcher::make(loop, signals, std::move(then));
  EXPECT_TRUE(watcher) << watcher.error().message;
  return std::move(*watcher);
}

TEST(SignalWatcher, CallsOnTheLoopNotInTheHandler) {
  auto loop = make_loop();
  std::vector<int> seen;
  const auto watcher = watch(*loop, {SIGHUP, SIGTERM}, [&](int signal) { seen.push_back(signal); });
  ::raise(SIGTERM);
  EXPECT_THAT(seen, IsEmpty());
  loop->run_once(1h);
  EXPECT_THAT(seen, ElementsAre(SIGTERM));
  ::raise(SIGHUP);
  loop->run_once(1h);
  EXPECT_THAT(seen, ElementsAre(SIGTERM, SIGHUP));
  loop->run_once(0s);
  EXPECT_EQ(seen.size(), 2U);
}

TEST(SignalWatcher, SignalsOfOneKindMayBecomeOneCallOfSeveralKindsDoNot) {
  auto loop = make_loop();
  std::vector<int> seen;
  const auto watcher = watch(*loop, {SIGHUP, SIGTERM}, [&](int signal) { seen.push_back(signal); });
  for (int i = 0; i < 3; ++i) ::raise(SIGHUP);
  ::raise(SIGTERM);
  loop->run_once(1h);
  EXPECT_THAT(seen, ElementsAre(SIGHUP, SIGTERM));
}

TEST(SignalWatcher, TakesASignalThatAnotherThreadGets) {
  auto loop = make_loop();
  const auto watcher = watch(*loop, {SIGHUP}, [&](int) { loop->stop(); });
  std::thread other{[] { ::pthread_kill(::pthread_self(), SIGHUP); }};
  loop->run();
  other.join();
}

TEST(SignalWatcher, LeavesTheSignalAsItWas) {
  auto loop = make_loop();
  const auto before = action_of(SIGHUP);
  {
    const auto watcher = watch(*loop, {SIGHUP}, [](int) {});
    EXPECT_NE(action_of(SIGHUP).sa_handler, before.sa_handler);
  }
  EXPECT_EQ(action_of(SIGHUP).sa_handler, before.sa_handler);
  const auto again = watch(*loop, {SIGHUP}, [](int) {});
}

TEST(SignalWatcher, TellsWhetherASignalWasIgnored) {
  auto loop = make_loop();
  const auto before = ::signal(SIGHUP, SIG_IGN);
  {
    const auto watcher = watch(*loop, {SIGHUP, SIGUSR1}, [](int) {});
    EXPECT_TRUE(watcher->was_ignored(SIGHUP));
    EXPECT_FALSE(watcher->was_ignored(SIGUSR1));
  }
  ::signal(SIGHUP, before);
}

TEST(SignalWatcher, ASignalOfThePreviousWatcherIsNotDeliveredToTheNext) {
  auto loop = make_loop();
  watch(*loop, {SIGHUP}, [](int) { FAIL() << "the watcher is gone"; });
  auto first = watch(*loop, {SIGHUP}, [](int) { FAIL() << "the watcher is gone"; });
  ::raise(SIGHUP);
  first.reset();
  const auto second = watch(*loop, {SIGHUP}, [](int) { FAIL() << "not its signal"; });
  loop->run_once(0s);
}

TEST(SignalWatcher, MayBeDestroyedInsideItsCallback) {
  auto loop = make_loop();
  int calls = 0;
  std::unique_ptr<SignalWatcher> watcher;
  watcher = watch(*loop, {SIGHUP, SIGTERM}, [&](int) {
    ++calls;
    watcher.reset();
  });
  ::raise(SIGHUP);
  ::raise(SIGTERM);
  loop->run_once(1h);
  EXPECT_EQ(calls, 1);
}

// What the second one had before it failed is free again, and what the first one has is still its own.
TEST(SignalWatcher, ASignalHasOneWatcher) {
  auto loop = make_loop();
  int calls = 0;
  const auto first = watch(*loop, {SIGHUP}, [&](int) { ++calls; });
  const auto second = SignalWatcher::make(*loop, {SIGTERM, SIGHUP}, [](int) {});
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().system_errno, EBUSY);
  watch(*loop, {SIGTERM}, [](int) {});
  ::raise(SIGHUP);
  loop->run_once(1h);
  EXPECT_EQ(calls, 1);
}

}  // namespace
}  // namespace plait::net
