// What a server that has run does not do again.
#include <csignal>

#include "integration/server/support.hpp"

namespace plait::test {
namespace {

TEST(ServerRun, ListenComesBeforeIt) {
  TestServer server;
  server.listen();
  server.start();
  server->stop();
  ASSERT_TRUE(server.join());
  const auto late = server->listen("ws://127.0.0.1:0/late", handler<Echo>());
  ASSERT_FALSE(late) << *late;
  EXPECT_NE(late.error().message.find("before run()"), std::string::npos) << late.error().message;
}

TEST(ServerRun, IsCalledOnce) {
  TestServer server;
  server.listen();
  server->http("/page", [](const HttpRequest&) { return HttpResponse{}; });
  server.start();
  server->stop();
  ASSERT_TRUE(server.join());
  const auto again = server->run();
  ASSERT_FALSE(again);
  EXPECT_NE(again.error().message.find("run() already"), std::string::npos) << again.error().message;
}

TEST(ServerRun, ThatFailsKeepsNeitherSignalsNorPorts) {
  struct sigaction before {};
  struct sigaction after {};
  ASSERT_EQ(::sigaction(SIGTERM, nullptr, &before), 0);
  ServerOptions options;
  options.threads = 2;
  options.handle_signals = true;
  Server server{options};
  const auto first = server.listen("tcp://127.0.0.1:0/", handler<Echo>());
  const auto second = server.listen("ws://127.0.0.1:0/x", handler<Echo>());
  ASSERT_TRUE(first && second);
  server.http("/x", [](const HttpRequest&) { return HttpResponse{}; });  // taken, but the first knows no /x and accepts
  for (const std::string& url : {*first, *second}) ASSERT_GE(find_socket(::getsockname, port_of(url)), 0) << url;
  const auto ran = server.run();
  ASSERT_FALSE(ran);
  EXPECT_NE(ran.error().message.find("/x"), std::string::npos) << ran.error().message;
  ASSERT_EQ(::sigaction(SIGTERM, nullptr, &after), 0);
  EXPECT_EQ(after.sa_handler, before.sa_handler);
  const Server another{options};  // which may have the signals now
  for (const std::string& url : {*first, *second}) EXPECT_LT(find_socket(::getsockname, port_of(url)), 0) << url;
}

}  // namespace
}  // namespace plait::test
