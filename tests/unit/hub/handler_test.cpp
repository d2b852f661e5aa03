#include "hub/handler.hpp"

#include <gtest/gtest.h>

#include "fake.hpp"

namespace plait::hub {
namespace {

using namespace test;

class FakeRequest final : public OpeningRequest {
 public:
  [[nodiscard]] std::string_view method() const override { return "GET"; }
  [[nodiscard]] std::string_view parameter(std::string_view) const override { return {}; }
  [[nodiscard]] std::string_view path() const override { return "/wse"; }
  [[nodiscard]] std::string_view query() const override { return {}; }
  [[nodiscard]] std::string_view header(std::string_view name) const override {
    return name == "authorization" ? std::string_view{"Bearer good"} : std::string_view{};
  }
  [[nodiscard]] const std::vector<std::string_view>& subprotocols() const override { return subprotocols_; }
  [[nodiscard]] std::string peer() const override { return "fake"; }
  [[nodiscard]] bool secure() const override { return false; }
  void accept(std::string_view) override { accepted = true; }
  void reject(int, std::string_view) override { rejected = true; }
  OpeningId defer() override { return {}; }
  bool accepted = false;
  bool rejected = false;

 private:
  std::vector<std::string_view> subprotocols_;
};

HubOptions with_authenticator(bool authenticated) {
  HubOptions options = test_options();
  options.authenticate = [authenticated](const OpeningRequest& request) {
    EXPECT_EQ(request.header("authorization"), "Bearer good");
    return Identity{authenticated, "user-7", "token has expired"};
  };
  return options;
}

TEST(HubHandler, AuthenticatedUserIsNamedToTheClient) {
  FakeHub hub{1, with_authenticator(true)};
  Handler handler{*hub.engine};
  FakeRequest request;
  FakeSession session{0};
  handler.on_request(request);
  EXPECT_TRUE(request.accepted);
  handler.on_open(session);
  EXPECT_NE(session.take().at(0).text.find(R"("user_id":"user-7")"), std::string::npos);
  handler.on_close(session, {});
}

TEST(HubHandler, RefusedUserGetsAnErrorAndCode4401) {
  FakeHub hub{1, with_authenticator(false)};
  Handler handler{*hub.engine};
  FakeRequest request;
  FakeSession session{0};
  handler.on_request(request);
  EXPECT_TRUE(request.accepted) << "a browser could not see why otherwise";
  handler.on_open(session);
  const auto messages = session.take();
  ASSERT_EQ(types(messages), "error");
  EXPECT_EQ(messages[0].data, R"({"code":"AUTH_FAILED","message":"token has expired","recoverable":false})");
  EXPECT_EQ(session.close_code, 4401);
  EXPECT_EQ(session.close_reason, "token has expired");
  handler.on_message(session, Message::text(R"({"t":"ping"})"));
  handler.on_writable(session);
  handler.on_close(session, {});
  EXPECT_TRUE(session.take().empty());
  EXPECT_EQ(hub.engine->stats().connections_open, 0u);
}

TEST(HubFacade, PublishesRefusesBadNamesAndCounts) {
  FakeExecutor executor;
  Hub hub;
  hub.attach({&executor});
  const auto handler = hub.handler()();
  FakeSession session{0};
  handler->on_open(session);
  handler->on_message(session, Message::text(R"({"t":"subscription","p":{"action":"subscribe","topics":["a"]}})"));
  while (executor.run_posted()) {
  }
  session.take();
  EXPECT_FALSE(hub.publish("a*", "1"));
  EXPECT_TRUE(hub.publish("a", "1"));
  while (executor.run_posted()) {
  }
  EXPECT_EQ(publications(session.take()), "1");
  EXPECT_EQ(hub.stats().publications, 1u);
  EXPECT_EQ(hub.stats().deliveries, 1u);
  handler->on_close(session, {});
}

}  // namespace
}  // namespace plait::hub
