// Sessions to the best of several servers.
#include <plait/pool.hpp>

#include <algorithm>
#include <map>
#include <stdexcept>

#include "integration/server/support.hpp"
#include "net/socket.hpp"

namespace plait::client {
namespace {

using namespace std::chrono_literals;
using test::Called;
using test::Calls;

class Balancing : public testing::Test {
 protected:
  static constexpr const char* kNowhere = "ws://127.0.0.1:1/";

  std::string start_server() {
    auto server = std::make_unique<test::TestServer>();
    std::string url = server->listen("ws");
    server->start();
    servers_.push_back(std::move(server));
    return url;
  }
  void make(std::vector<BalanceTarget> targets, BalancePolicy policy = BalancePolicy::round_robin,
            Duration check_interval = {}) {
    balancer_ = std::make_unique<LoadBalancer>(client_, std::move(targets), ConnectOptions{},
                                               BalancerOptions{.policy = policy, .check_interval = check_interval});
  }
  /// Connects `count` times, one after the other; to which port each came.
  std::vector<std::string> connect(int count) {
    std::vector<std::string> peers;
    for (int i = 0; i < count; ++i) {
      bool closed = false;
      balancer_->connect(std::make_unique<Called>(Calls{.on_open =
                                                            [&](Session& session) {
                                                              peers.push_back("ws://" + session.peer() + "/");
                                                              session.close();
                                                            },
                                                        .on_close =
                                                            [&](Session&, const CloseInfo& info) {
                                                              closed = true;
                                                              reason_ = info.reason;
                                                              status_ = info.status;
                                                            }}));
      EXPECT_TRUE(turn_until([&] { return closed; }));
    }
    return peers;
  }
  bool turn_until(const std::function<bool()>& done) { return test::turn_until(client_, done); }
  static std::map<std::string, int> counts(const std::vector<std::string>& all) {
    std::map<std::string, int> counts;
    for (const std::string& one : all) ++counts[one];
    return counts;
  }

  using Counts = std::map<std::string, int>;
  std::vector<std::unique_ptr<test::TestServer>> servers_;
  Client client_;
  std::unique_ptr<LoadBalancer> balancer_;
  std::string reason_;
  int status_ = 0;
};

TEST_F(Balancing, InTurn) {
  const std::string one = start_server(), two = start_server();
  make({{.url = one}, {.url = two}});
  EXPECT_EQ(connect(4), (std::vector<std::string>{one, two, one, two}));
}

TEST_F(Balancing, ByWeight) {
  const std::string one = start_server(), two = start_server();
  make({{.url = one, .weight = 3}, {.url = two, .weight = 1}}, BalancePolicy::weighted);
  const auto peers = connect(8);
  EXPECT_EQ(counts(peers), (Counts{{one, 6}, {two, 2}}));
  EXPECT_EQ(std::ranges::count(peers.begin(), peers.begin() + 4, two), 1) << "evenly mixed";
}

TEST_F(Balancing, ByLatencyAllAreMeasuredFirst) {
  const std::string one = start_server(), two = start_server();
  make({{.url = one}, {.url = two}}, BalancePolicy::least_latency);
  EXPECT_EQ(counts(connect(2)), (Counts{{one, 1}, {two, 1}}));
  const auto stats = balancer_->stats();
  const std::string faster = stats[0].latency <= stats[1].latency ? one : two;
  EXPECT_EQ(connect(1), std::vector<std::string>{faster});
}

TEST_F(Balancing, WhatDoesNotOpenGoesToTheNextAndIsAskedLast) {
  const std::string one = start_server();
  make({{.url = kNowhere}, {.url = "nonsense"}, {.url = one}});
  EXPECT_EQ(connect(3), (std::vector<std::string>{one, one, one}));
  const auto stats = balancer_->stats();
  EXPECT_EQ(stats[0].failed_total, 1U);
  EXPECT_FALSE(stats[0].is_healthy);
  EXPECT_FALSE(stats[1].is_healthy);
  EXPECT_TRUE(stats[2].is_healthy);
  EXPECT_EQ(stats[2].opened_total, 3U);
  EXPECT_EQ(stats[2].open_count, 0U);
  EXPECT_GT(stats[2].latency, Duration::zero());
}

TEST_F(Balancing, WhenAllFailTheHandlerIsToldOnce) {
  make({{.url = kNowhere}, {.url = kNowhere}});
  EXPECT_TRUE(connect(1).empty());
  EXPECT_NE(reason_.find("no server could be reached"), std::string::npos) << reason_;
  EXPECT_EQ(balancer_->stats()[1].failed_total, 1U);
}

// All targets counted as unhealthy then, without a packet to any of them.
TEST_F(Balancing, WhatIsWrongWithTheHandlerOrTheOptionsIsNoTargetsFault) {
  struct Throws final : SessionHandler {
    explicit Throws(std::string& told) : reason(told) {}
    [[nodiscard]] bool wants_parts() const override { throw std::runtime_error{"user"}; }
    void on_close(Session&, const CloseInfo& info) override { reason = info.reason; }
    std::string& reason;
  };
  const std::string one = start_server();
  make({{.url = one}, {.url = kNowhere}});
  balancer_->connect(std::make_unique<Throws>(reason_));
  EXPECT_TRUE(turn_until([&] { return !reason_.empty(); }));
  EXPECT_EQ(reason_, "the handler threw when it was asked what it wants");
  ConnectOptions unusable;
  unusable.headers = {{"Host", "x"}};
  LoadBalancer other{client_, {{.url = one}, {.url = kNowhere}}, unusable, {.check_interval = Duration::zero()}};
  bool closed = false;
  other.connect(std::make_unique<Called>(Calls{.on_close = [&](Session&, const CloseInfo&) { closed = true; }}));
  EXPECT_TRUE(turn_until([&] { return closed; }));
  other.check();
  for (const auto& all : {balancer_->stats(), other.stats()}) {
    for (const TargetStats& stats : all) {
      EXPECT_EQ(stats.failed_total, 0U) << stats.url;
      EXPECT_TRUE(stats.is_healthy) << stats.url;
    }
  }
}

using BalancingDeathTest = Balancing;

TEST_F(BalancingDeathTest, ASessionNeedsAHandler) {
  make({{.url = kNowhere}});
  EXPECT_DEATH(balancer_->connect(nullptr), "a session needs a handler");
}

TEST_F(Balancing, WhenAllRefuseTheLastStatusIsTold) {
  auto refusing = std::make_unique<test::TestServer>();
  const std::string url =
      refusing->listen("ws", test::calling({.on_request = [](OpeningRequest& request) { request.reject(401, "no"); }}));
  refusing->start();
  make({{.url = kNowhere}, {.url = url}});
  EXPECT_TRUE(connect(1).empty());
  EXPECT_EQ(status_, 401) << reason_;
}

TEST_F(Balancing, ChecksFindOutWhoIsBackAndWhoIsGone) {
  const std::string one = start_server(), two = start_server();
  make({{.url = one}, {.url = two}, {.url = kNowhere}});
  balancer_->check();
  ASSERT_TRUE(turn_until([&] {
    const auto stats = balancer_->stats();
    return stats[0].opened_total == 1 && stats[1].opened_total == 1 && !stats[2].is_healthy;
  }));
  servers_.pop_back();
  balancer_->check();
  ASSERT_TRUE(turn_until([&] { return !balancer_->stats()[1].is_healthy; }));
  EXPECT_EQ(connect(2), (std::vector<std::string>{one, one}));
  EXPECT_EQ(balancer_->stats()[1].failed_total, 1U) << "it was not even tried";
}

TEST_F(Balancing, AServerThatDoesNotAnswerFailsItsCheckInTime) {
  const auto silent = net::Listener::bind({.host = "127.0.0.1", .port = 0});
  ASSERT_TRUE(silent);
  ConnectOptions patient;
  patient.timeout = 1h;
  LoadBalancer balancer{client_,
                        {{.url = "ws://127.0.0.1:" + std::to_string(silent->port()) + "/"}},
                        patient,
                        {.check_interval = Duration::zero(), .check_timeout = 20ms}};
  balancer.check();
  EXPECT_TRUE(turn_until([&] { return balancer.stats()[0].failed_total == 1; }));
  EXPECT_FALSE(balancer.stats()[0].is_healthy);
}

TEST_F(Balancing, EveryTargetIsCheckedAgainAndAgain) {
  const std::string one = start_server();
  make({{.url = one}, {.url = kNowhere}}, BalancePolicy::round_robin, 10ms);
  ASSERT_TRUE(turn_until([&] {
    const auto stats = balancer_->stats();
    return stats[0].opened_total >= 3 && stats[1].failed_total >= 3;
  }));
}

TEST_F(Balancing, TheLongestIntervalIsNoneThatIsOver) {
  make({{.url = kNowhere}}, BalancePolicy::round_robin, Duration::max());
  for (int i = 0; i < 5; ++i) client_.run_once(1ms);
  EXPECT_TRUE(client_.is_idle()) << "nothing is checked";
}

TEST_F(Balancing, SessionsOutliveTheBalancer) {
  make({{.url = start_server()}});
  bool opened = false, closed = false;
  balancer_->connect(std::make_unique<Called>(Calls{.on_open = [&](Session&) { opened = true; },
                                                    .on_close = [&](Session&, const CloseInfo&) { closed = true; }}));
  ASSERT_TRUE(turn_until([&] { return opened; }));
  balancer_ = nullptr;
  servers_.clear();
  ASSERT_TRUE(turn_until([&] { return closed; }));
}

}  // namespace
}  // namespace plait::client
