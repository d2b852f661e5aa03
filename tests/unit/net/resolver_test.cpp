// Names are looked up on other threads, and answered on the loop.
#include "net/resolver.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <set>
#include <thread>

namespace plait::net {
namespace {

using namespace std::chrono_literals;

Addresses literals(const std::vector<std::string>& hosts) {
  Addresses addresses;
  for (const std::string& host : hosts) addresses.push_back(*as_literal({.host = host, .port = 443}));
  return addresses;
}

std::vector<std::string> texts(const Addresses& addresses) {
  std::vector<std::string> all;
  for (const SocketAddress& address : addresses) all.push_back(address.text());
  return all;
}

// Lookups that wait until they are let go.
class Gate {
 public:
  void open() {
    const std::lock_guard lock{mutex_};
    is_open_ = true;
    changed_.notify_all();
  }
  void pass() {
    std::unique_lock lock{mutex_};
    ++waiting_;
    changed_.notify_all();
    changed_.wait(lock, [&] { return is_open_; });
    ++passed_;
    changed_.notify_all();
  }
  void wait_for_waiting(int count) {
    std::unique_lock lock{mutex_};
    changed_.wait(lock, [&] { return waiting_ >= count; });
  }
  void wait_for_passed(int count) {
    std::unique_lock lock{mutex_};
    changed_.wait(lock, [&] { return passed_ >= count; });
  }
  [[nodiscard]] int waiting() {
    const std::lock_guard lock{mutex_};
    return waiting_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool is_open_ = false;
  int waiting_ = 0;
  int passed_ = 0;
};

class ResolverTest : public testing::Test {
 protected:
  ResolverTest() : loop_(std::move(*Loop::make())) {}
  bool turn_until(const std::function<bool()>& done) {
    const auto give_up = std::chrono::steady_clock::now() + 20s;
    while (!done() && std::chrono::steady_clock::now() < give_up) loop_->run_once(10ms);
    return done();
  }

  std::unique_ptr<Loop> loop_;
};

TEST_F(ResolverTest, AnswersOnTheLoopWhatAnotherThreadFound) {
  std::atomic<bool> elsewhere{false};
  const auto own = std::this_thread::get_id();
  Resolver resolver{*loop_, [&](const Address& address) -> Result<Addresses, Error> {
                      elsewhere = std::this_thread::get_id() != own;
                      return literals({address.host == "two.test" ? "192.0.2.2" : "192.0.2.1"});
                    }};
  std::vector<std::string> found;
  const auto query = resolver.start({.host = "two.test"}, [&](const auto& addresses) {
    EXPECT_EQ(std::this_thread::get_id(), own);
    found = texts(*addresses);
  });
  EXPECT_TRUE(found.empty()) << "never inside the call";
  ASSERT_TRUE(turn_until([&] { return !found.empty(); }));
  EXPECT_EQ(found, std::vector<std::string>{"192.0.2.2:443"});
  EXPECT_TRUE(elsewhere);
}

TEST_F(ResolverTest, AnErrorIsAnAnswer) {
  Resolver resolver{*loop_, [](const Address&) -> Result<Addresses, Error> { return err(Error{"no such host", 7}); }};
  std::optional<Error> error;
  const auto query = resolver.start({.host = "x"}, [&](const auto& found) { error = found.error(); });
  ASSERT_TRUE(turn_until([&] { return error.has_value(); }));
  EXPECT_EQ(error->message, "no such host");
}

TEST_F(ResolverTest, ALookUpThatHangsHoldsNeitherTheLoopNorOthersUp) {
  Gate gate;
  Resolver resolver{*loop_, [&](const Address& address) -> Result<Addresses, Error> {
                      if (address.host == "slow") gate.pass();
                      return literals({"192.0.2.1"});
                    }};
  int answers = 0;
  bool slow_answered = false;
  const auto slow = resolver.start({.host = "slow"}, [&](const auto&) { slow_answered = true; });
  const auto fast = resolver.start({.host = "fast"}, [&](const auto&) { ++answers; });
  ASSERT_TRUE(turn_until([&] { return answers == 1; }));
  EXPECT_FALSE(slow_answered);
  gate.open();
  ASSERT_TRUE(turn_until([&] { return slow_answered; }));
}

TEST_F(ResolverTest, ThreadsAreBoundedAndAllAreAnswered) {
  Gate gate;
  std::mutex mutex;
  std::set<std::thread::id> threads;
  Resolver resolver{*loop_, [&](const Address&) -> Result<Addresses, Error> {
                      {
                        const std::lock_guard lock{mutex};
                        threads.insert(std::this_thread::get_id());
                      }
                      gate.pass();
                      return literals({"192.0.2.1"});
                    }};
  int answers = 0;
  std::vector<std::unique_ptr<Resolver::Query>> queries;
  for (int i = 0; i < 20; ++i) {
    queries.push_back(resolver.start({.host = "x"}, [&](const auto&) { ++answers; }));
  }
  gate.wait_for_waiting(4);
  EXPECT_EQ(gate.waiting(), 4);
  gate.open();
  EXPECT_TRUE(turn_until([&] { return answers == 20; }));
  const std::lock_guard lock{mutex};
  EXPECT_EQ(threads.size(), 4U);
}

TEST_F(ResolverTest, ACancelledQueryIsNotAnswered) {
  Gate gate;
  Resolver resolver{*loop_, [&](const Address& address) -> Result<Addresses, Error> {
                      if (address.host == "cancelled") gate.pass();
                      return literals({"192.0.2.1"});
                    }};
  bool answered = false;
  auto query = resolver.start({.host = "cancelled"}, [&](const auto&) { answered = true; });
  gate.wait_for_waiting(1);
  query = nullptr;
  gate.open();
  gate.wait_for_passed(1);
  bool later = false;
  const auto other = resolver.start({.host = "other"}, [&](const auto&) { later = true; });
  ASSERT_TRUE(turn_until([&] { return later; }));
  EXPECT_FALSE(answered);
}

// Every one was looked up, and those that came later waited for it.
TEST_F(ResolverTest, WhatNobodyAsksAnyMoreIsNotLookedUp) {
  const auto gate = std::make_shared<Gate>();  // the threads' too, which may outlive the test
  Resolver resolver{*loop_, [gate](const Address&) -> Result<Addresses, Error> {
                      gate->pass();
                      return literals({"192.0.2.1"});
                    }};
  for (int i = 0; i < 100; ++i) resolver.start({.host = "cancelled"}, [](const auto&) { FAIL(); });
  bool answered = false;
  const auto query = resolver.start({.host = "last"}, [&](const auto&) { answered = true; });
  gate->open();
  ASSERT_TRUE(turn_until([&] { return answered; }));
  EXPECT_LE(gate->waiting(), 5);
}

TEST_F(ResolverTest, EndingItWaitsForNobody) {
  Gate gate;
  bool answered = false;
  auto token = std::make_shared<int>();
  const std::weak_ptr<int> thread_runs = token;
  std::unique_ptr<Resolver::Query> query;  // outlives the resolver, or it alone would keep the answer back
  {
    Resolver resolver{*loop_, [&gate, token = std::move(token)](const Address&) -> Result<Addresses, Error> {
                        gate.pass();
                        return literals({"192.0.2.1"});
                      }};
    query = resolver.start({.host = "x"}, [&](const auto&) { answered = true; });
    gate.wait_for_waiting(1);
  }
  gate.open();
  while (!thread_runs.expired()) std::this_thread::yield();
  loop_->run_once(0ms);
  EXPECT_FALSE(answered);
}

TEST_F(ResolverTest, FindsLocalhost) {
  Resolver resolver{*loop_};
  std::optional<Addresses> found;
  const auto query = resolver.start({.host = "localhost", .port = 7}, [&](const auto& result) {
    ASSERT_TRUE(result) << result.error().message;
    found = *result;
  });
  ASSERT_TRUE(turn_until([&] { return found.has_value(); }));
  EXPECT_FALSE(found->empty());
  const std::set<std::string> loopback{"127.0.0.1:7", "[::1]:7"};
  for (const std::string& text : texts(*found)) EXPECT_TRUE(loopback.contains(text)) << text;
}

TEST(Literals, AreNotLookedUp) {
  EXPECT_EQ(as_literal({.host = "127.0.0.1", .port = 1})->text(), "127.0.0.1:1");
  EXPECT_EQ(as_literal({.host = "::1", .port = 2})->text(), "[::1]:2");
  EXPECT_FALSE(as_literal({.host = "localhost", .port = 3}));
  EXPECT_FALSE(as_literal({.host = "", .port = 3}));
  EXPECT_FALSE(as_literal({.unix_path = "/run/x.sock"}));
}

// RFC 8305 §4.
TEST(Interleaving, AlternatesAndKeepsTheOrderOfEachFamily) {
  const auto interleaved = [](const std::vector<std::string>& hosts) {
    return texts(interleave_families(literals(hosts)));
  };
  using Texts = std::vector<std::string>;
  EXPECT_EQ(interleaved({}), Texts{});
  EXPECT_EQ(interleaved({"::1", "::2", "::3", "192.0.2.1", "192.0.2.2"}),
            (Texts{"[::1]:443", "192.0.2.1:443", "[::2]:443", "192.0.2.2:443", "[::3]:443"}));
  EXPECT_EQ(interleaved({"192.0.2.1", "::1", "::2"}), (Texts{"192.0.2.1:443", "[::1]:443", "[::2]:443"}));
  EXPECT_EQ(interleaved({"192.0.2.1", "192.0.2.2"}), (Texts{"192.0.2.1:443", "192.0.2.2:443"}));
}

}  // namespace
}  // namespace plait::net
