#include "hub/handler.hpp"

#include <gtest/gtest.h>
#include <plait/log.hpp>

#include <stdexcept>

#include "fake.hpp"
#include "hub/access.hpp"

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
  [[nodiscard]] const ClientCertificate* certificate() const override { return nullptr; }
  [[nodiscard]] bool is_origin_allowed() const override { return true; }
  void accept(std::string_view) override { accepted = true; }
  void reject(int status, std::string_view reason) override {
    rejected_status = status;
    rejected_reason = reason;
  }
  OpeningId defer() override { return {}; }
  bool accepted = false;
  int rejected_status = 0;
  std::string rejected_reason;

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

TEST(HubHandler, ARefusalStatusRefusesTheOpening) {
  HubOptions options = test_options();
  options.authenticate = [](const OpeningRequest&) {
    return Identity{.authenticated = false, .user = {}, .reason = "token has expired", .refusal_status = 401};
  };
  FakeHub hub{1, std::move(options)};
  Handler handler{*hub.engine};
  FakeRequest request;
  handler.on_request(request);
  EXPECT_FALSE(request.accepted);
  EXPECT_EQ(request.rejected_status, 401);
  EXPECT_EQ(request.rejected_reason, "token has expired");
}

TEST(HubHandler, WhatComesToASessionThatIsClosingIsNotMissed) {
  FakeHub hub;
  const auto client = hub.connect();
  client->subscribe("a");
  hub.settle();
  client->session.close(close_code::kNormal, {});
  for (int i = 0; i < 3; ++i) hub.engine->publish("a", "1", {});
  hub.settle();
  EXPECT_EQ(hub.engine->stats().publications, 3u);
  EXPECT_EQ(hub.engine->stats().missed_by_sessions, 0u);
}

class HubExpiry : public testing::Test {
 protected:
  static constexpr WallTime kBegin{std::chrono::hours{500'000}};

  /// An open session whose token ends `lifetime` later.
  void open(WallTime::duration lifetime) {
    HubOptions options = test_options();
    options.wall_clock = [this] { return wall_; };
    options.authenticate = [lifetime](const OpeningRequest&) {
      return Identity{.user = "user-7", .reason = {}, .expires = kBegin + lifetime};
    };
    hub_ = std::make_unique<FakeHub>(1, std::move(options));
    handler_ = std::make_unique<Handler>(*hub_->engine);
    FakeRequest request;
    handler_->on_request(request);
    handler_->on_open(session_);
    session_.take();
  }
  void pass(WallTime::duration time) {
    wall_ += time;
    hub_->advance(time);
  }

  WallTime wall_ = kBegin;
  FakeSession session_{0};
  std::unique_ptr<FakeHub> hub_;
  std::unique_ptr<Handler> handler_;
};

TEST_F(HubExpiry, ASessionEndsWithItsToken) {
  open(std::chrono::hours{10});
  for (int i = 0; i < 9; ++i) pass(std::chrono::hours{1});
  pass(std::chrono::minutes{59});
  EXPECT_TRUE(session_.take().empty());
  EXPECT_EQ(session_.close_code, 0U);
  pass(std::chrono::minutes{1} + std::chrono::seconds{1});
  const auto messages = session_.take();
  ASSERT_EQ(types(messages), "error");
  EXPECT_EQ(messages[0].data,
            R"({"code":"AUTH_FAILED","message":"the authentication has expired","recoverable":false})");
  EXPECT_EQ(session_.close_code, 4401);
  EXPECT_EQ(session_.close_reason, "the authentication has expired");
  handler_->on_message(session_, Message::text(R"({"t":"publish","p":{"topic":"a","data":1},"cid":"1"})"));
  hub_->settle();
  EXPECT_TRUE(session_.take().empty()) << "what comes later is not heard";
  EXPECT_EQ(hub_->engine->stats().publications, 0u);
  handler_->on_close(session_, {});
  hub_->settle();
  EXPECT_EQ(hub_->engine->stats().connections_open, 0u);
}

TEST_F(HubExpiry, WhatComesAfterItIsNotMissed) {
  open(std::chrono::hours{1});
  handler_->on_message(session_, Message::text(R"({"t":"subscription","p":{"action":"subscribe","topics":["a"]}})"));
  hub_->settle();
  pass(std::chrono::hours{1} + std::chrono::seconds{1});
  EXPECT_EQ(session_.close_code, 4401);
  for (int i = 0; i < 3; ++i) hub_->engine->publish("a", "1", {});
  hub_->settle();
  EXPECT_EQ(hub_->engine->stats().publications, 3u);
  EXPECT_EQ(hub_->engine->stats().missed_by_sessions, 0u);
  handler_->on_close(session_, {});
}

TEST_F(HubExpiry, ATokenThatEndsWhileItsSessionOpensEndsIt) {
  open(-std::chrono::seconds{1});
  pass(std::chrono::milliseconds{20});
  EXPECT_EQ(session_.close_code, 4401);
  handler_->on_close(session_, {});
}

TEST_F(HubExpiry, ATokenForEverIsNoTimerInThePast) {
  open(WallTime::max() - kBegin);
  for (int i = 0; i < 50; ++i) pass(std::chrono::hours{24});
  EXPECT_EQ(session_.close_code, 0U);
  handler_->on_close(session_, {});
}

TEST_F(HubExpiry, TheWallClockDecides) {
  open(std::chrono::hours{2});
  wall_ -= std::chrono::hours{1};  // it was wrong
  for (int i = 0; i < 2; ++i) pass(std::chrono::minutes{61});
  EXPECT_EQ(session_.close_code, 0U);
  wall_ += std::chrono::hours{24};
  pass(std::chrono::minutes{61});
  EXPECT_EQ(session_.close_code, 4401);
  handler_->on_close(session_, {});
}

TEST_F(HubExpiry, ASessionThatIsGoneIsNotTouched) {
  open(std::chrono::hours{1});
  handler_->on_close(session_, {});
  pass(std::chrono::hours{2});
  EXPECT_EQ(session_.close_code, 0U);
}

TEST(HubFacadeDeathTest, AttachComesFirst) {
  Hub hub;
  FakeSession session{0};
  const auto handler = hub.handler()();
  EXPECT_DEATH(handler->on_open(session), "Server::attach");
  EXPECT_DEATH(hub.publish("a", "1"), "Server::attach");
}

TEST(HubFacade, WhatTheCallbackOfAPublicationThrowsIsLogged) {
  std::string logged;
  set_log_sink([&](LogLevel, std::string_view line) { logged.append(line).append("\n"); });
  FakeExecutor executor;
  Hub hub;
  HubAccess::attach(hub, {&executor});
  hub.publish("a", "1", [](const auto&) { throw std::runtime_error{"no database"}; });
  hub.publish("a", "2", [](const auto&) { throw 42; });
  while (executor.run_posted()) {
  }
  EXPECT_EQ(hub.stats().publications, 2u);
  EXPECT_NE(logged.find("threw: no database\n"), std::string::npos) << logged;
  EXPECT_NE(logged.find("threw something that is not a std::exception\n"), std::string::npos) << logged;
  set_log_sink({});
}

TEST(HubFacade, PublishesRefusesBadNamesAndCounts) {
  FakeExecutor executor;
  Hub hub;
  HubAccess::attach(hub, {&executor});
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
