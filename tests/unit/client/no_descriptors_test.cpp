// A client that is made while the process may open no file: whoever wants something of it is told, and once there are
// descriptors again, it works.
#include "support/no_descriptors.hpp"

#include <gmock/gmock.h>
#include <plait/client.hpp>
#include <plait/pool.hpp>

#include <cerrno>
#include <optional>
#include <string>

#include "integration/server/support.hpp"

namespace plait::client {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr const char* kNobody = "ws://127.0.0.1:1/";

void expect_told(const Error& error) {
  EXPECT_THAT(error.message, AllOf(HasSubstr("no event loop"), HasSubstr("Too many open files"), HasSubstr("ulimit")));
  EXPECT_EQ(error.system_errno, EMFILE);
}

std::unique_ptr<SessionHandler> noting(std::optional<CloseInfo>& closed) {
  return std::make_unique<test::Called>(
      test::Calls{.on_close = [&closed](Session&, const CloseInfo& info) { closed = info; }});
}

TEST(ClientWithoutDescriptors, ConnectAndGetSaySoUntilThereAreSome) {
  test::TestServer server;
  const std::string url = server.listen();
  server.start();
  std::optional<Client> client;
  {
    const test::NoDescriptors none;
    client.emplace();
    const auto connected = client->connect(url, std::make_unique<SessionHandler>());
    ASSERT_FALSE(connected);
    expect_told(connected.error());
    const auto got = client->get("https://127.0.0.1:1/", [](const auto&) { ADD_FAILURE() << "an error was returned"; });
    ASSERT_FALSE(got);
    expect_told(got.error());
    client->run_once(Duration::zero());
    client->run();
  }
  bool opened = false;
  const auto connected =
      client->connect(url, std::make_unique<test::Called>(test::Calls{.on_open = [&](Session&) { opened = true; }}));
  ASSERT_TRUE(connected) << connected.error().message;
  EXPECT_TRUE(test::turn_until(*client, [&] { return opened; }));
}

TEST(ClientWithoutDescriptors, WhatIsBuiltOnClientsSaysSo) {
  const test::NoDescriptors none;
  const auto blocking = BlockingClient::connect(kNobody);
  ASSERT_FALSE(blocking);
  expect_told(blocking.error());

  Client client;
  const auto reconnecting = ReconnectingSession{client, kNobody, std::make_unique<SessionHandler>()}.start();
  ASSERT_FALSE(reconnecting);
  expect_told(reconnecting.error());

  std::optional<Error> refused;
  SessionPool pool{client, kNobody, handler<SessionHandler>()};
  pool.acquire([&](const Result<Session*, Error>& session) { refused = session.error(); });
  ASSERT_TRUE(refused);
  expect_told(*refused);

  std::optional<CloseInfo> closed;
  LoadBalancer{client, {{.url = kNobody}}}.connect(noting(closed));
  ASSERT_TRUE(closed);
  EXPECT_THAT(closed->reason, HasSubstr("no event loop"));
}

TEST(ClientWithoutDescriptors, AFleetDoesNotStart) {
  ClientFleet fleet{{.clients = 2}};
  {
    const test::NoDescriptors none;
    const auto started = fleet.start();
    ASSERT_FALSE(started);
    EXPECT_THAT(started.error().message, HasSubstr("cannot start a fleet of 2 clients"));
    expect_told(started.error());
  }
  EXPECT_FALSE(fleet.connect(kNobody, std::make_unique<SessionHandler>()));
}

}  // namespace
}  // namespace plait::client
