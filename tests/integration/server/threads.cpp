// What may be called from any thread, called from other threads while two loops work.
#include <plait/client.hpp>

#include <cstdlib>
#include <set>

#include "integration/server/support.hpp"
#include "server/certificate_store.hpp"

namespace plait::test {
namespace {

TEST(ServerThreads, QuicConnectionsStayOnTheirLoopsWhilePostsReachThem) {
  constexpr int kSessions = 24;
  Folder folder;
  ServerOptions options;
  options.threads = 2;
  options.tls = write_certificate(folder);
  std::mutex mutex;
  std::vector<SessionId> ids;
  Calls calls;
  calls.on_open = [&](Session& session) {
    const std::lock_guard lock{mutex};
    ids.push_back(session.id());
  };
  calls.on_message = [](Session& session, const Message& message) { session.send(message); };
  TestServer server{options};
  const std::string url = server.listen("https", calling(calls));
  server.start();

  ConnectOptions connecting;
  connecting.verify_certificate = false;
  Client client;
  int echoed = 0, posted = 0;
  for (int i = 0; i < kSessions; ++i) {
    Calls own;
    own.on_open = [](Session& session) { session.send(Message::text("hello")); };
    own.on_message = [&](Session&, const Message& message) { ++(message.text() == "hello" ? echoed : posted); };
    ASSERT_TRUE(client.connect(url, std::make_unique<Called>(own), connecting));
  }
  ASSERT_TRUE(turn_until(client, [&] { return echoed == kSessions; }));
  std::set<std::uint32_t> loops;
  for (const SessionId id : ids) {
    loops.insert(id.loop);
    server->post(id, [](Session& session) { session.send(Message::text("posted")); });
  }
  EXPECT_EQ(loops.size(), 2U) << "random connection IDs go to both";
  ASSERT_TRUE(turn_until(client, [&] { return posted == kSessions; }));
}

TEST(ServerThreads, PostsReachSessionsOnBothLoopsWhileStatsAreRead) {
  constexpr int kSessions = 16;
  constexpr int kPosts = 50;
  ServerOptions options;
  options.threads = 2;
  std::mutex mutex;
  std::vector<SessionId> ids;
  std::atomic<int> closed{0};
  Calls calls;
  calls.on_open = [&](Session& session) {
    const std::lock_guard lock{mutex};
    ids.push_back(session.id());
  };
  calls.on_message = [](Session& session, const Message& message) { session.send(message); };
  calls.on_close = [&](Session&, const CloseInfo&) { ++closed; };
  TestServer server{options};
  const std::string url = server.listen("ws", calling(calls));
  server.start();

  std::atomic<bool> done{false};
  std::thread reader{[&] {
    std::uint64_t most = 0;
    while (!done) {
      const ServerStats stats = server->stats();
      EXPECT_GE(stats.messages_sent, most) << "counters only grow";
      most = stats.messages_sent;
    }
  }};
  Client client;
  int opened = 0;
  std::size_t received = 0;
  for (int i = 0; i < kSessions; ++i) {
    Calls own;
    own.on_open = [&](Session&) { ++opened; };
    own.on_message = [&](Session&, const Message&) { ++received; };
    ASSERT_TRUE(client.connect(url, std::make_unique<Called>(own)));
  }
  ASSERT_TRUE(wait_until([&] {
    client.run_once(5ms);
    const std::lock_guard lock{mutex};
    return opened == kSessions && ids.size() == kSessions;
  }));
  std::thread poster{[&] {
    for (int i = 0; i < kPosts; ++i) {
      for (const SessionId id : ids) {
        server->post(id, [](Session& session) { session.send(Message::text("posted")); });
      }
    }
    server->post({.loop = 99, .index = 0, .generation = 0}, [](Session&) { ADD_FAILURE() << "no such loop"; });
    server->post({.loop = 0, .index = 999'999, .generation = 0}, [](Session&) { ADD_FAILURE() << "no such session"; });
  }};
  EXPECT_TRUE(turn_until(client, [&] { return received == std::size_t{kSessions} * kPosts; }));
  poster.join();
  std::thread drainer{[&] { server->drain(); }};
  client.run();  // until all sessions are closed
  drainer.join();
  EXPECT_TRUE(server.join());
  done = true;
  reader.join();
  EXPECT_EQ(closed, kSessions);
  EXPECT_EQ(server->stats().sessions_open, 0U);
  EXPECT_EQ(server->stats().messages_sent, std::uint64_t{kSessions} * kPosts);
}

TEST(ServerThreads, EveryLoopAccepts) {
  constexpr unsigned kLoops = 3;
  constexpr int kSessionsMax = 300;  // the kernel chooses the loop by a hash of the addresses
  ServerOptions options;
  options.threads = kLoops;
  std::mutex mutex;
  std::set<std::uint32_t> loops;
  Calls calls;
  calls.on_open = [&](Session& session) {
    const std::lock_guard lock{mutex};
    loops.insert(session.id().loop);
  };
  TestServer server{options};
  const std::uint16_t port = port_of(server.listen("ws", calling(calls), ""));
  server.start();
  const auto all_have_accepted = [&] {
    const std::lock_guard lock{mutex};
    return loops == std::set<std::uint32_t>{0, 1, 2};
  };
  for (int i = 0; i < kSessionsMax && !all_have_accepted(); ++i) {
    RawClient client{port};
    client.upgrade();
  }
  EXPECT_TRUE(wait_until(all_have_accepted));
}

TEST(ServerThreads, ReloadsFromSeveralThreadsAtOnce) {
  const Folder folder;
  const QuietLog log;
  ASSERT_EQ(::setenv("XDG_STATE_HOME", folder.file("state").c_str(), 1), 0);
  ServerOptions options;
  options.threads = 2;
  options.development_certificate = true;
  TestServer server{options};
  const std::string url = server.listen("wss");
  server.start();
  std::vector<std::thread> reloaders;
  for (int i = 0; i < 3; ++i) {
    reloaders.emplace_back([&] {
      for (int j = 0; j < 10; ++j) EXPECT_TRUE(server->reload());
    });
  }
  for (auto& reloader : reloaders) reloader.join();
  ConnectOptions unverified;
  unverified.verify_certificate = false;
  EXPECT_TRUE(BlockingClient::connect(url, unverified));
}

// Else the listeners could end with an older pair than the one that certificates() tells.
TEST(ServerThreads, ReloadsHandOutOnePairBehindTheOther) {
  using Fingerprint = std::array<std::uint8_t, 32>;
  const Folder folder;
  ServerOptions options;
  options.tls = write_certificate(folder);
  std::atomic<int> under_way{0};
  std::vector<Fingerprint> handed_out;
  CertificateStore store{options, [&](const CertificateLoader::Loaded& loaded) {
                           EXPECT_EQ(++under_way, 1);
                           handed_out.push_back(loaded.description.sha256);
                           for (int i = 0; i < 1000; ++i) std::this_thread::yield();  // so that others may come
                           --under_way;
                         }};
  ASSERT_TRUE(store.load());
  std::atomic<bool> done{false};
  std::vector<std::thread> reloaders;
  for (int i = 0; i < 3; ++i) {
    reloaders.emplace_back([&] {
      while (!done) {
        const auto reloaded = store.reload();  // an error where it reads one file of a pair and then the next one's
        std::ignore = reloaded;
      }
    });
  }
  for (int i = 0; i < 20; ++i) write_certificate(folder);
  done = true;
  for (auto& reloader : reloaders) reloader.join();
  ASSERT_TRUE(store.reload());
  const auto served = store.certificates();
  EXPECT_EQ(handed_out.back(), served.front().sha256);
  const Fingerprint last = CertificateLoader{options}.load()->description.sha256;
  EXPECT_EQ(handed_out.back(), last);
}

TEST(ServerThreads, AStopAtAnyMomentEndsRun) {
  for (int i = 0; i < 20; ++i) {
    ServerOptions options;
    options.threads = 2;
    TestServer server{options};
    server.listen("ws");
    server.start();
    std::thread stopper{[&] { i % 2 == 0 ? server->stop() : server->drain(); }};
    EXPECT_TRUE(server.join()) << i;
    stopper.join();
  }
}

TEST(ServerThreads, AClientIsStoppedAndPostedToFromAnotherThread) {
  TestServer server;
  const std::string url = server.listen("ws");
  server.start();
  Client client;
  Box<SessionId> id;
  Box<bool> echoed;
  Calls own;
  own.on_open = [&](Session& session) { id.set(session.id()); };
  own.on_message = [&](Session&, const Message&) { echoed.set(true); };
  ASSERT_TRUE(client.connect(url, std::make_unique<Called>(own)));
  std::thread other{[&] {
    client.post(id.wait(), [](Session& session) { session.send(Message::text("from another thread")); });
    echoed.wait();
    client.stop();  // nothing else would wake it
  }};
  client.run();
  other.join();
}

}  // namespace
}  // namespace plait::test
