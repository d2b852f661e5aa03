// Clients on threads of their own, with sessions that come and go from all sides.
#include <plait/pool.hpp>

#include <set>

#include "integration/server/support.hpp"
#include "net/affinity.hpp"

namespace plait::test {
namespace {

class ClientFleets : public testing::Test {
 protected:
  ClientFleets() : url_(server_.listen("ws")) { server_.start(); }

  // What the handlers have seen, on whichever thread.
  struct Seen {
    std::vector<SessionId> open;
    std::set<std::thread::id> threads;
    std::vector<std::string> messages;
    std::vector<std::string> reasons;
  };
  [[nodiscard]] Calls calls() {
    return {.on_open =
                [this](Session& session) {
                  const std::lock_guard lock{mutex_};
                  seen_.open.push_back(session.id());
                  seen_.threads.insert(std::this_thread::get_id());
                },
            .on_message =
                [this](Session&, const Message& message) {
                  const std::lock_guard lock{mutex_};
                  seen_.messages.emplace_back(message.text());
                },
            .on_close =
                [this](Session& session, const CloseInfo& info) {
                  const std::lock_guard lock{mutex_};
                  std::erase(seen_.open, session.id());
                  seen_.reasons.push_back(info.reason);
                }};
  }
  [[nodiscard]] std::unique_ptr<SessionHandler> handler() { return std::make_unique<Called>(calls()); }
  [[nodiscard]] Seen seen() {
    const std::lock_guard lock{mutex_};
    return seen_;
  }
  void connect(ClientFleet& fleet, int count) {
    for (int i = 0; i < count; ++i) ASSERT_TRUE(fleet.connect(url_, handler()));
  }
  // The fleet counts a session before its handler hears of it.
  [[nodiscard]] bool wait_for_open(const ClientFleet& fleet, std::size_t count) {
    return wait_until([&] {
      const FleetStats stats = fleet.stats();
      return stats.open == count && stats.opening == 0 && seen().open.size() == count;
    });
  }

  TestServer server_;
  std::string url_;
  std::mutex mutex_;  // guards seen_
  Seen seen_;
};

TEST_F(ClientFleets, SessionsGoRoundAllClientsEachOnItsOwnThread) {
  ClientFleet fleet{{.clients = 3}};
  ASSERT_TRUE(fleet.start());
  connect(fleet, 6);
  ASSERT_TRUE(wait_for_open(fleet, 6));
  EXPECT_EQ(fleet.stats().sessions, (std::vector<std::size_t>{2, 2, 2}));
  EXPECT_EQ(seen().threads.size(), 3U);
  EXPECT_FALSE(seen().threads.contains(std::this_thread::get_id()));
  for (const SessionId id : seen().open) fleet.post(id, [](Session& session) { session.send(Message::text("hello")); });
  ASSERT_TRUE(wait_until([&] { return seen().messages.size() == 6; }));
  // A client counts what a read has brought once the handlers have returned.
  EXPECT_TRUE(wait_until([&] { return fleet.stats().bytes_received == 6U * 5; }));
  const FleetStats stats = fleet.stats();
  EXPECT_EQ(stats.opened_total, 6U);
  EXPECT_EQ(stats.failed_total, 0U);
  EXPECT_EQ(stats.messages_sent, 6U);
  fleet.stop();
  EXPECT_EQ(fleet.stats().messages_sent, 6U) << "of clients that are gone, too";
  EXPECT_EQ(fleet.stats().bytes_received, 6U * 5);
}

TEST_F(ClientFleets, WhatIsSentInOnOpenCounts) {
  ClientFleet fleet{{.clients = 1}};
  ASSERT_TRUE(fleet.start());
  Calls talkative = calls();
  talkative.on_open = [](Session& session) { session.send(Message::text("hello")); };
  ASSERT_TRUE(fleet.connect(url_, std::make_unique<Called>(talkative)));
  ASSERT_TRUE(wait_until([&] { return seen().messages.size() == 1; }));
  const FleetStats stats = fleet.stats();
  EXPECT_EQ(stats.messages_sent, 1U);
  EXPECT_EQ(stats.bytes_sent, 5U);
}

TEST_F(ClientFleets, LeastLoadedFillsTheGap) {
  ClientFleet fleet{{.clients = 2, .policy = FleetPolicy::least_loaded}};
  ASSERT_TRUE(fleet.start());
  connect(fleet, 4);
  ASSERT_TRUE(wait_for_open(fleet, 4));
  for (const SessionId id : seen().open) {
    if (id.loop == 1) fleet.post(id, [](Session& session) { session.close(); });
  }
  ASSERT_TRUE(wait_for_open(fleet, 2));
  connect(fleet, 2);
  ASSERT_TRUE(wait_for_open(fleet, 4));
  EXPECT_EQ(fleet.stats().sessions, (std::vector<std::size_t>{2, 2}));
}

TEST_F(ClientFleets, AnyThreadMayConnectAndAHandlerToo) {
  constexpr int kThreads = 4;
  constexpr int kEach = 10;
  ClientFleet fleet{{.clients = 2}};
  ASSERT_TRUE(fleet.start());
  Calls again = calls();
  again.on_open = [&, on_open = again.on_open](Session& session) {
    on_open(session);
    EXPECT_TRUE(fleet.connect(url_, handler()));
  };
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&] {
      for (int k = 0; k < kEach; ++k) EXPECT_TRUE(fleet.connect(url_, std::make_unique<Called>(again)));
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_TRUE(wait_for_open(fleet, std::size_t{2} * kThreads * kEach));
  EXPECT_EQ(fleet.stats().opened_total, 2U * kThreads * kEach);
}

TEST_F(ClientFleets, WhatFailsIsToldToTheHandlerAndCounted) {
  ClientFleet fleet{{.clients = 2}};
  ASSERT_TRUE(fleet.start());
  ASSERT_TRUE(fleet.connect("gopher://127.0.0.1/", handler()));
  ASSERT_TRUE(fleet.connect("ws://127.0.0.1:1/", handler()));
  ASSERT_TRUE(wait_until([&] { return seen().reasons.size() == 2; }));
  EXPECT_TRUE(wait_until([&] { return fleet.stats().failed_total == 2; }));
  EXPECT_EQ(fleet.stats().opening, 0U);
  EXPECT_EQ(fleet.stats().sessions, (std::vector<std::size_t>{0, 0}));
}

TEST_F(ClientFleets, StoppingEndsAllSessionsAndTellsTheirHandlers) {
  ClientFleet fleet{{.clients = 2}};
  ASSERT_TRUE(fleet.start());
  connect(fleet, 4);
  ASSERT_TRUE(wait_for_open(fleet, 4));
  const SessionId id = seen().open.front();
  connect(fleet, 4);  // still opening, perhaps
  fleet.stop();
  EXPECT_EQ(seen().reasons.size(), 8U);
  const FleetStats stats = fleet.stats();
  EXPECT_EQ(stats.open + stats.opening, 0U);
  EXPECT_GE(stats.opened_total, 4U);
  fleet.post(id, [](Session&) { ADD_FAILURE() << "nobody is there"; });
  fleet.stop();
}

TEST_F(ClientFleets, OneThatDoesNotRunConnectsNobody) {
  ClientFleet fleet{{.clients = 1}};
  EXPECT_EQ(fleet.connect(url_, handler()).error().message, "the fleet of clients does not run");
  fleet.post({}, [](Session&) { ADD_FAILURE() << "nobody is there"; });
  ASSERT_TRUE(fleet.start());
  EXPECT_FALSE(fleet.start()) << "twice";
  fleet.stop();
  EXPECT_FALSE(fleet.start()) << "again";
  EXPECT_FALSE(fleet.connect(url_, handler()));
  EXPECT_TRUE(seen().reasons.empty());
}

// There was one for each CPU of the machine, though a container may have a part of them.
TEST_F(ClientFleets, WithoutANumberThereIsOneClientForEachCpuThatMayBeUsed) {
  EXPECT_EQ(ClientFleet{}.size(), net::available_cpus().size());
  std::thread on_one_cpu{[] {
    ASSERT_TRUE(net::pin_this_thread(net::available_cpus().front()));
    EXPECT_EQ(ClientFleet{}.size(), 1U);
  }};
  on_one_cpu.join();
}

}  // namespace
}  // namespace plait::test
