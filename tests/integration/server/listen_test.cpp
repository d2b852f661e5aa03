// What a server listens on, before and while its loops begin to turn.
#include "integration/server/support.hpp"

namespace plait::test {
namespace {

// The kernel lets sockets of one user share a port; a server's own addresses must not by mistake.
TEST(ServerListen, AnAddressThatAnotherOneCoversIsRefusedAndNamed) {
  const Folder folder;
  ServerOptions options;
  options.threads = 2;
  options.tls = write_certificate(folder);
  for (const std::string scheme : {"ws", "https"}) {
    for (const auto& [first, second] : {std::pair{"0.0.0.0", "127.0.0.1"}, std::pair{"127.0.0.1", "0.0.0.0"}}) {
      Server server{options};
      const auto bound = server.listen(scheme + "://" + first + ":0/", handler<Echo>());
      ASSERT_TRUE(bound) << bound.error().message;
      const std::string port = std::to_string(port_of(*bound));
      const auto beside = server.listen(scheme + "://" + second + ":" + port + "/", handler<Echo>());
      ASSERT_FALSE(beside) << *beside;
      const std::string& message = beside.error().message;
      EXPECT_NE(message.find("port " + port + " is in use"), std::string::npos) << message;
      EXPECT_NE(message.find("this server itself listens there, on \"" + *bound + "\""), std::string::npos) << message;
    }
  }
}

TEST(ServerListen, WhatAnotherProgramHasIsNotTakenForTheServersOwn) {
  Server other;
  Server server;
  const auto taken = other.listen("ws://127.0.0.1:0/", handler<Echo>());
  const auto bound = server.listen("ws://127.0.0.1:0/", handler<Echo>());
  ASSERT_TRUE(taken && bound);
  const auto refused = server.listen(*taken, handler<Echo>());
  ASSERT_FALSE(refused) << *refused;
  EXPECT_EQ(refused.error().message.find("itself"), std::string::npos) << refused.error().message;
}

// Each loop has a listening socket of its own. Those of the others come when run() is called, while clients connect.
TEST(ServerListen, ClientsAreTakenFromTheCallOnWhicheverLoopsTurn) {
  ServerOptions options;
  options.threads = 4;
  TestServer server{options};
  const std::string url = server.listen();
  Client client;
  constexpr int kClients = 64;
  int echoed = 0;
  std::vector<std::string> failed;
  const auto connect = [&] {
    Calls calls;
    calls.on_open = [](Session& session) { session.send(Message::text("x")); };
    calls.on_message = [&](Session& session, const Message&) {
      ++echoed;
      session.close();
    };
    calls.on_close = [&](Session&, const CloseInfo& info) {
      if (!info.clean) failed.push_back(info.reason);
    };
    EXPECT_TRUE(client.connect(url, std::make_unique<Called>(calls)));
  };
  for (int i = 0; i < kClients; ++i) {
    if (i == kClients / 4) server.start();
    connect();
    client.run_once(Duration::zero());
  }
  client.run();
  EXPECT_EQ(echoed, kClients);
  EXPECT_EQ(failed, std::vector<std::string>{});
}

}  // namespace
}  // namespace plait::test
