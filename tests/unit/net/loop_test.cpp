#include "net/loop.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <signal.h>

#include <array>
#include <cerrno>
#include <vector>

#include "unit/net/support.hpp"

namespace plait::net {
namespace {

using namespace test;
using ::testing::ElementsAre;

TEST(Loop, DeliversReadinessAgainUntilItIsConsumed) {
  auto loop = make_loop();
  auto [client, server] = unix_pair();
  int calls = 0;
  Handler handler{[&](std::uint32_t events) {
    EXPECT_EQ(events, EPOLLIN);
    ++calls;
  }};
  ASSERT_TRUE(loop->watch(server.fd(), EPOLLIN, handler));
  write_all(client, "x");
  loop->run_once(1s);
  loop->run_once(1s);
  EXPECT_EQ(calls, 2);
  EXPECT_EQ(read_exactly(server, 1), "x");
  loop->run_once(0s);
  EXPECT_EQ(calls, 2);
  loop->unwatch(server.fd(), handler);
}

TEST(Loop, RewatchChangesTheEvents) {
  auto loop = make_loop();
  auto [client, server] = unix_pair();
  std::vector<std::uint32_t> seen;
  Handler handler{[&](std::uint32_t events) { seen.push_back(events); }};
  ASSERT_TRUE(loop->watch(server.fd(), EPOLLIN, handler));
  loop->run_once(0s);
  ASSERT_TRUE(loop->rewatch(server.fd(), EPOLLOUT, handler));
  loop->run_once(0s);
  EXPECT_THAT(seen, ElementsAre(EPOLLOUT));
  loop->unwatch(server.fd(), handler);
  loop->run_once(0s);
  EXPECT_THAT(seen, ElementsAre(EPOLLOUT));
}

TEST(Loop, WatchFailsForARegularFileAndNamesTheReason) {
  auto loop = make_loop();
  const Socket file{::open("/proc/self/exe", O_RDONLY | O_CLOEXEC)};
  Handler handler{[](std::uint32_t) {}};
  const auto watched = loop->watch(file.fd(), EPOLLIN, handler);
  ASSERT_FALSE(watched);
  EXPECT_EQ(watched.error().system_errno, EPERM);
  EXPECT_FALSE(watched.error().message.empty());
  const auto rewatched = loop->rewatch(file.fd(), EPOLLIN, handler);
  ASSERT_FALSE(rewatched);
}

TEST(Loop, UnwatchDropsAnEventOfTheSameTurn) {
  auto loop = make_loop();
  std::array<Pair, 2> pairs{unix_pair(), unix_pair()};
  int calls = 0;
  std::vector<std::unique_ptr<Handler>> handlers;
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    handlers.push_back(std::make_unique<Handler>([&, i](std::uint32_t) {
      ++calls;
      const std::size_t other = 1 - i;
      loop->unwatch(pairs[other].server.fd(), *handlers[other]);
      pairs[other].server.close();
    }));
    ASSERT_TRUE(loop->watch(pairs[i].server.fd(), EPOLLIN, *handlers[i]));
    write_all(pairs[i].client, "x");
  }
  loop->run_once(1s);  // both are ready; whichever comes first unwatches the other
  EXPECT_EQ(calls, 1);
}

TEST(Loop, AHandlerMayUnwatchAndDestroyItself) {
  auto loop = make_loop();
  auto [client, server] = unix_pair();
  std::unique_ptr<Handler> handler;
  handler = std::make_unique<Handler>([&, fd = server.fd()](std::uint32_t) {
    loop->unwatch(fd, *handler);
    struct Holder : Retirable {
      std::unique_ptr<Handler> held;
    };
    auto holder = std::make_unique<Holder>();
    holder->held = std::move(handler);
    loop->retire(std::move(holder));
  });
  ASSERT_TRUE(loop->watch(server.fd(), EPOLLIN, *handler));
  write_all(client, "x");
  loop->run_once(1s);
  EXPECT_EQ(handler, nullptr);
  loop->run_once(0s);
}

TEST(Loop, ATurnGoesFromEventsToTimersTasksHooksAndRetired) {
  auto loop = make_loop();
  const Pair pair = unix_pair();
  std::vector<std::string> order;
  struct Witness : Retirable {
    explicit Witness(std::vector<std::string>& to) : order(to) {}
    ~Witness() override { order.emplace_back("retired"); }
    std::vector<std::string>& order;
  };
  Hook hook{[&] { order.emplace_back("hook"); }};
  CallingTimer timer{[&](core::TimePoint) { order.emplace_back("timer"); }};
  loop->schedule(timer, loop->now());
  Handler handler{[&](std::uint32_t) {
    order.emplace_back("event");
    loop->retire(std::make_unique<Witness>(order));
    loop->at_turn_end(hook);
    loop->post([&] { order.emplace_back("task"); });
    loop->unwatch(pair.server.fd(), handler);
  }};
  // The timer's tick passes first, so that one turn finds everything due.
  const auto tick_over = loop->now() + 2 * core::TimerWheel::kTick;
  while (std::chrono::steady_clock::now() < tick_over) {
  }
  ASSERT_TRUE(loop->watch(pair.server.fd(), EPOLLIN, handler));
  write_all(pair.client, "x");
  loop->run_once(1s);
  EXPECT_THAT(order, ElementsAre("event", "timer", "task", "hook", "retired"));
}

TEST(Loop, NowIsTheTurnsBeginning) {
  auto loop = make_loop();
  core::TimePoint first, second;
  loop->post([&] { first = loop->now(); });
  loop->post([&] {
    while (std::chrono::steady_clock::now() == first) {
    }
    second = loop->now();
  });
  loop->run_once(1s);
  EXPECT_EQ(first, second);
  loop->run_once(0s);
  EXPECT_GT(loop->now(), first);
}

// Who had not turned it for a while armed timers that were over at once.
TEST(Loop, NowBetweenTurnsIsTheTime) {
  auto loop = make_loop();
  for (int i = 0; i < 2; ++i) {
    const auto time = std::chrono::steady_clock::now();
    EXPECT_GE(loop->now(), time);
    loop->run_once(0s);
  }
}

TEST(Loop, TimersExpireNeverEarlyWhileTheLoopSleeps) {
  auto loop = make_loop();
  const auto begin = std::chrono::steady_clock::now();
  core::TimePoint fired;
  CallingTimer timer{[&](core::TimePoint now) {
    fired = now;
    loop->stop();
  }};
  loop->schedule(timer, begin + 20ms);
  loop->run();
  EXPECT_GE(fired, begin + 20ms);
}

// Never in time, if the wait were as long as if the turn had just begun. A loaded machine may hold up any timer, so one
// that is in time is enough.
TEST(Loop, ATimerIsNotDelayedByALongTurnBeforeIt) {
  auto loop = make_loop();
  bool in_time = false;
  for (int attempt = 0; attempt < 10 && !in_time; ++attempt) {
    core::TimePoint begin, turn_end, fired;
    CallingTimer timer{[&](core::TimePoint now) {
      fired = now;
      loop->stop();
    }};
    loop->post([&] {
      begin = loop->now();
      loop->schedule(timer, begin + 110ms);
      while ((turn_end = std::chrono::steady_clock::now()) < begin + 100ms) continue;
    });
    loop->run();
    EXPECT_GE(fired, begin + 110ms);
    in_time = fired < turn_end + 110ms;
  }
  EXPECT_TRUE(in_time);
}

// One that is in time is enough here, too.
TEST(Loop, RunOnceWaitsNoLongerThanAsked) {
  auto loop = make_loop();
  bool in_time = false;
  for (int attempt = 0; attempt < 3 && !in_time; ++attempt) {
    const auto begin = std::chrono::steady_clock::now();
    loop->run_once(20ms);
    const auto took = std::chrono::steady_clock::now() - begin;
    EXPECT_GE(took, 20ms);
    in_time = took < 5s;
  }
  EXPECT_TRUE(in_time);
}

TEST(Loop, TasksPostedByTasksRunInTheNextTurnWithoutWaiting) {
  auto loop = make_loop();
  std::vector<int> order;
  loop->post([&] {
    order.push_back(1);
    loop->post([&] { order.push_back(3); });
  });
  loop->post([&] { order.push_back(2); });
  loop->run_once(1h);
  EXPECT_THAT(order, ElementsAre(1, 2));
  loop->run_once(1h);
  EXPECT_THAT(order, ElementsAre(1, 2, 3));
}

TEST(Loop, TasksLeftOverAreDestroyedUnrun) {
  auto witness = std::make_shared<int>(0);
  auto loop = make_loop();
  loop->post([witness, raw = loop.get()] { raw->post([witness] { FAIL() << "ran after the loop"; }); });
  loop->run_once(0s);
  EXPECT_EQ(witness.use_count(), 2);
  loop.reset();
  EXPECT_EQ(witness.use_count(), 1);
}

TEST(Loop, StopBeforeRunReturnsAtOnceAndRunCanBeRepeated) {
  auto loop = make_loop();
  int runs = 0;
  loop->post([&] { ++runs; });
  loop->stop();
  loop->run();
  EXPECT_EQ(runs, 0);
  loop->post([&] { loop->stop(); });
  loop->run();
  EXPECT_EQ(runs, 1);
}

// Who turned a loop that had been stopped spun.
TEST(Loop, RunOnceWaitsThoughTheLoopIsStopped) {
  auto loop = make_loop();
  loop->stop();
  const auto begin = std::chrono::steady_clock::now();
  loop->run_once(20ms);
  EXPECT_GE(std::chrono::steady_clock::now() - begin, 20ms);
  loop->post([] { FAIL() << "run() ends at once all the same"; });
  loop->run();
}

TEST(LoopHooks, RunOnceInTheOrderTheyWereAdded) {
  auto loop = make_loop();
  std::vector<int> order;
  Hook first{[&] { order.push_back(1); }};
  Hook second{[&] { order.push_back(2); }};
  Hook third{[&] { order.push_back(3); }};
  loop->at_turn_end(first);
  loop->at_turn_end(second);
  loop->at_turn_end(third);
  loop->at_turn_end(first);  // keeps its place
  EXPECT_TRUE(first.hooked());
  loop->run_once(1h);  // does not wait: hooks are due
  EXPECT_THAT(order, ElementsAre(1, 2, 3));
  EXPECT_FALSE(first.hooked());
  loop->run_once(0s);
  EXPECT_EQ(order.size(), 3U);
}

TEST(LoopHooks, HooksAddedByHooksRunInTheSameTurn) {
  auto loop = make_loop();
  std::vector<int> order;
  Hook second{[&] { order.push_back(2); }};
  int again = 2;
  Hook first{[&] {
    order.push_back(1);
    loop->at_turn_end(second);
    if (--again > 0) loop->at_turn_end(first);
  }};
  loop->at_turn_end(first);
  loop->run_once(0s);
  EXPECT_THAT(order, ElementsAre(1, 2, 1, 2));
}

TEST(LoopHooks, OneOfTheNextTurnKeepsThatFromWaiting) {
  auto loop = make_loop();
  int called = 0;
  Hook hook{[&] {
    if (++called < 3) loop->at_next_turn_end(hook);
  }};
  loop->at_next_turn_end(hook);  // from outside a turn
  for (const int turn : {1, 2, 3}) {
    loop->run_once(1h);
    EXPECT_EQ(called, turn);
  }
}

TEST(LoopHooks, OneOfTheNextTurnRunsAfterThatTurnsInput) {
  auto loop = make_loop();
  auto [client, server] = unix_pair();
  std::vector<std::string> order;
  Hook hook{[&] {
    order.emplace_back("hook");
    if (order.size() == 1) loop->at_next_turn_end(hook);
    write_all(client, "x");
  }};
  Handler handler{[&](std::uint32_t) {
    order.emplace_back("input");
    read_exactly(server, 1);
  }};
  ASSERT_TRUE(loop->watch(server.fd(), EPOLLIN, handler));
  loop->at_turn_end(hook);
  loop->run_once(0s);
  EXPECT_THAT(order, ElementsAre("hook"));
  EXPECT_TRUE(hook.hooked());
  loop->run_once(1h);
  EXPECT_THAT(order, ElementsAre("hook", "input", "hook"));
  EXPECT_FALSE(hook.hooked());
  loop->at_next_turn_end(hook);
  loop.reset();
  EXPECT_FALSE(hook.hooked());
}

constexpr std::size_t kManyHooks = 1000;

std::vector<std::unique_ptr<Hook>> add_many(Loop& loop, const std::function<void()>& then) {
  std::vector<std::unique_ptr<Hook>> hooks;
  for (std::size_t i = 0; i < kManyHooks; ++i) {
    hooks.push_back(std::make_unique<Hook>(then));
    loop.at_turn_end(*hooks.back());
  }
  return hooks;
}

// How many hooks had been called when each input was handled that every 300th of them causes.
std::vector<std::size_t> called_at_inputs() {
  auto loop = make_loop();
  auto [client, server] = unix_pair();
  std::size_t called = 0;
  std::vector<std::size_t> called_at_input;
  Handler handler{[&](std::uint32_t) {
    called_at_input.push_back(called);
    read_exactly(server, 1);
  }};
  EXPECT_TRUE(loop->watch(server.fd(), EPOLLIN, handler));
  const auto hooks = add_many(*loop, [&] {
    if (called++ % 300 == 0) write_all(client, "x");
  });
  run_until(*loop, [&] { return called == kManyHooks && called_at_input.size() == 4; });
  loop->unwatch(server.fd(), handler);
  return called_at_input;
}

// Hooks get as much time as the turn has taken before them, which is long where this thread has stood still in it.
TEST(LoopHooks, InputThatComesDuringManyHooksIsHandledBetweenThem) {
  std::vector<std::size_t> called;
  const auto is_between = [&] { return called[0] < 300U && called[2] < kManyHooks; };
  for (int attempt = 0; attempt < 10; ++attempt) {
    called = called_at_inputs();
    ASSERT_EQ(called.size(), 4U);
    ASSERT_GT(called[0], 0U);
    if (is_between()) break;
  }
  EXPECT_TRUE(is_between()) << called[0] << ", " << called[2];
}

TEST(LoopHooks, InputThatTakesLongDoesNotKeepHooksWaiting) {
  auto loop = make_loop();
  auto [client, server] = unix_pair();
  std::size_t called = 0;
  std::vector<std::unique_ptr<Hook>> hooks;
  core::TimePoint turn_begin, input_end;
  Handler handler{[&](std::uint32_t) {  // is ready in every turn
    if (hooks.empty()) hooks = add_many(*loop, [&] { ++called; });
    turn_begin = loop->now();
    while ((input_end = std::chrono::steady_clock::now()) < turn_begin + 100ms) continue;
  }};
  ASSERT_TRUE(loop->watch(server.fd(), EPOLLIN, handler));
  write_all(client, "x");
  loop->run_once(1s);
  const auto hooks_took = std::chrono::steady_clock::now() - input_end;
  EXPECT_TRUE(called == kManyHooks || hooks_took >= input_end - turn_begin) << called << " called";
  loop->unwatch(server.fd(), handler);
}

TEST(LoopHooks, ALoopMayEndWithHooksLeft) {
  auto loop = make_loop();
  bool called = false;
  const auto hooks = add_many(*loop, [&] {
    if (std::exchange(called, true)) return;
    loop->stop();
  });
  loop->run();
  EXPECT_TRUE(called);
  loop.reset();
  for (const auto& hook : hooks) EXPECT_FALSE(hook->hooked());
}

TEST(LoopHooks, ADestroyedHookIsNotCalled) {
  auto loop = make_loop();
  std::vector<int> order;
  auto second = std::make_unique<Hook>([&] { order.push_back(2); });
  Hook first{[&] {
    order.push_back(1);
    second.reset();
  }};
  Hook third{[&] { order.push_back(3); }};
  loop->at_turn_end(first);
  loop->at_turn_end(*second);
  loop->at_turn_end(third);
  loop->run_once(0s);
  EXPECT_THAT(order, ElementsAre(1, 3));
}

TEST(LoopHooks, AHookMayOutliveItsLoop) {
  Hook hook{[] { FAIL() << "ran without a loop"; }};
  {
    auto loop = make_loop();
    loop->at_turn_end(hook);
  }
  EXPECT_FALSE(hook.hooked());
}

TEST(LoopRetire, ARetiredObjectsDestructorMayRetireMore) {
  struct Chain : Retirable {
    Chain(Loop& l, int r, int& c) : loop(l), rest(r), count(c) {}
    ~Chain() override {
      ++count;
      if (rest > 0) loop.retire(std::make_unique<Chain>(loop, rest - 1, count));
    }
    Loop& loop;
    int rest;
    int& count;
  };
  auto loop = make_loop();
  int freed = 0;
  loop->retire(std::make_unique<Chain>(*loop, 3, freed));
  EXPECT_EQ(freed, 0);
  loop->run_once(0s);
  EXPECT_EQ(freed, 4);
  loop->retire(std::make_unique<Chain>(*loop, 3, freed));
  loop.reset();
  EXPECT_EQ(freed, 8);
}

TEST(LoopDeathTest, ANestedTurnIsAProgrammerError) {
  auto loop = make_loop();
  loop->post([&] { loop->run_once(0s); });
  EXPECT_DEATH(loop->run_once(0s), "must not be called from inside a turn");
}

Loop* stopped_by_signal = nullptr;

TEST(Loop, StopIsSafeInASignalHandlerAndKeepsErrno) {
  auto loop = make_loop();
  stopped_by_signal = loop.get();
  struct sigaction action {};
  struct sigaction before {};
  action.sa_handler = [](int) { stopped_by_signal->stop(); };
  ASSERT_EQ(::sigaction(SIGUSR1, &action, &before), 0);
  CallingTimer timer{[&](core::TimePoint) {
    errno = 123;
    ::raise(SIGUSR1);
    EXPECT_EQ(errno, 123);
  }};
  loop->schedule(timer, loop->now() + 5ms);
  loop->run();
  EXPECT_EQ(::sigaction(SIGUSR1, &before, nullptr), 0);
}

}  // namespace
}  // namespace plait::net
