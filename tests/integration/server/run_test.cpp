// What a server that has run does not do again.
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

}  // namespace
}  // namespace plait::test
