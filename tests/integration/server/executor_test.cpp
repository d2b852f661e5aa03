// Tasks and timers of a user's on the loops of a server and of a client.
#include <plait/executor.hpp>
#include <plait/middleware.hpp>

#include <algorithm>
#include <set>
#include <stdexcept>
#include <thread>
#include <unordered_set>

#include "integration/server/support.hpp"

namespace plait::test {
namespace {

TEST(ServerExecutors, ATaskRunsOnEachLoopOnTheThreadOfItsSessions) {
  ServerOptions options;
  options.threads = 3;
  TestServer server{options};
  Box<std::pair<std::uint32_t, std::thread::id>> opened;
  const std::string url = server.listen("ws", calling({.on_open = [&](Session& session) {
                                          opened.set({session.id().loop, std::this_thread::get_id()});
                                        }}));
  const auto loops = server->executors();
  ASSERT_EQ(loops.size(), 3U);
  EXPECT_EQ(loops.front(), server->executor());
  std::mutex mutex;
  std::vector<std::pair<std::size_t, std::thread::id>> ran;
  for (std::size_t i = 0; i < loops.size(); ++i) {
    loops[i]->post([&, i] {
      const std::lock_guard lock{mutex};
      ran.emplace_back(i, std::this_thread::get_id());
    });
  }
  server.start();
  const auto all_ran = [&] {
    const std::lock_guard lock{mutex};
    return ran.size() == loops.size();
  };
  ASSERT_TRUE(wait_until(all_ran));
  const auto client = BlockingClient::connect(url);
  ASSERT_TRUE(client) << client.error().message;
  const auto [loop, thread] = opened.wait();
  std::set<std::thread::id> threads;
  for (const auto& [index, on] : ran) {
    threads.insert(on);
    EXPECT_EQ(on == thread, index == loop);
  }
  EXPECT_EQ(threads.size(), 3U);
}

TEST(ServerExecutors, ATimerThatWasSetBeforeRunReachesSessionsWithoutALock) {
  ServerOptions options;
  options.threads = 1;
  std::set<Session*> members;
  TestServer server{options};
  const std::string url =
      server.listen("ws", calling({.on_open = [&](Session& session) { members.insert(&session); },
                                   .on_close = [&](Session& session, const CloseInfo&) { members.erase(&session); }}));
  Timer ticks{*server->executor(), [&] {
                for (Session* member : members) member->send(Message::text("tick"));
              }};
  ticks.every(10ms);
  server.start();
  auto client = BlockingClient::connect(url);
  ASSERT_TRUE(client) << client.error().message;
  for (int i = 0; i < 3; ++i) {
    const auto received = client->receive();
    ASSERT_TRUE(received && *received);
    EXPECT_EQ((*received)->data.text(), "tick");
  }
  server->stop();
  ASSERT_TRUE(server.join());
  EXPECT_TRUE(ticks.is_set()) << "it rings no more, and may be cancelled from here";
  ticks.cancel();
}

TEST(ServerExecutors, AnExceptionOutOfATaskIsLogged) {
  TestServer server;
  const QuietLog log;
  Box<bool> after;
  server.listen();
  server->executor()->post([] { throw std::runtime_error{"user"}; });
  server->executor()->post([&] { after.set(true); });
  server.start();
  EXPECT_TRUE(after.wait());
  EXPECT_NE(log.text().find("a task posted to a loop threw: user"), std::string::npos) << log.text();
}

TEST(ClientExecutor, RunsTasksWithoutASessionButDoesNotKeepRunGoing) {
  Client client;
  bool ran = false;
  std::thread{[&] { client.executor().post([&] { ran = true; }); }}.join();
  client.run();
  EXPECT_FALSE(ran);
  client.run_once(0s);
  EXPECT_TRUE(ran);
  int rung = 0;
  Timer timer{client.executor(), [&] { ++rung; }};
  timer.every(1ms);
  EXPECT_TRUE(turn_until(client, [&] { return rung >= 3; }));
}

TEST(NullHandlers, AreErrorsAndNoCrashes) {
  Client client;
  const auto connected = client.connect("ws://127.0.0.1:1/", nullptr);
  ASSERT_FALSE(connected);
  EXPECT_NE(connected.error().message.find("the handler is null"), std::string::npos) << connected.error().message;
  EXPECT_FALSE(client.get("https://127.0.0.1:1/", std::unique_ptr<ResponseHandler>{}));
  EXPECT_FALSE(client.get("https://127.0.0.1:1/", std::function<void(const Result<Response, Error>&)>{}));
  ReconnectingSession session{client, "ws://127.0.0.1:1/", nullptr};
  const auto started = session.start();
  ASSERT_FALSE(started);
  EXPECT_EQ(started.error().message, "the handler is null");

  TestServer server;
  const auto listening = server->listen("ws://127.0.0.1:0/", nullptr);
  ASSERT_FALSE(listening) << *listening;
  EXPECT_NE(listening.error().message.find("the factory of handlers is empty"), std::string::npos);
  server.listen();
  server->http("/x", {});
  const auto ran = server->run();
  ASSERT_FALSE(ran);
  EXPECT_EQ(ran.error().message, "the handler of \"/x\" is empty");
}

TEST(NullHandlers, MiddlewareToo) {
  TestServer server;
  server.listen();
  server->use(nullptr);
  const auto ran = server->run();
  ASSERT_FALSE(ran);
  EXPECT_EQ(ran.error().message, "use() was given null");
}

TEST(HandledSignals, AreOfOneServerAtATime) {
  ServerOptions options;
  options.threads = 1;
  options.handle_signals = true;
  const Server first{options};
  Server second{options};
  const auto listening = second.listen("ws://127.0.0.1:0/", handler<Echo>());
  ASSERT_TRUE(listening) << listening.error().message;
  const auto ran = second.run();
  ASSERT_FALSE(ran);
  EXPECT_EQ(ran.error().message, "another Server of this process has handle_signals: give it to one only");
}

TEST(SessionIds, AreKeysOfContainers) {
  const SessionId one{.loop = 0, .index = 5, .generation = 1}, other{.loop = 1, .index = 5, .generation = 1};
  EXPECT_EQ((std::set<SessionId>{one, other, one}.size()), 2U);
  EXPECT_EQ((std::unordered_set<SessionId>{one, other, one}.size()), 2U);
  EXPECT_LT(one, other);
  std::unordered_set<std::size_t> hashes;
  for (std::uint32_t index = 0; index < 1000; ++index) {
    for (std::uint32_t generation = 0; generation < 4; ++generation) {
      hashes.insert(std::hash<SessionId>{}({.loop = index % 4, .index = index, .generation = generation}));
    }
  }
  EXPECT_EQ(hashes.size(), 4000U);
}

}  // namespace
}  // namespace plait::test
