// Monitors: the rules, the history, and the interval.
#include <gtest/gtest.h>
#include <plait/monitor.hpp>

#include <stdexcept>

#include "fake.hpp"
#include "messaging/monitor_rules.hpp"

namespace plait::test {
namespace {

using namespace std::chrono_literals;
using messaging::judge;

TEST(MonitorRules, Server) {
  ServerSample now;
  EXPECT_EQ(judge(now, nullptr).health, Health::idle);
  now.stats.connections_open = 1;
  EXPECT_EQ(judge(now, nullptr).health, Health::healthy);
  now.stats.connections_accepted = 8;
  now.stats.connections_refused = 2;
  EXPECT_EQ(judge(now, nullptr).health, Health::healthy) << "ten are too few to judge";
  now.stats.connections_accepted = 9;
  EXPECT_EQ(judge(now, nullptr).reason, "accepted 81 % of 11 connections");
  ServerSample oldest = now;
  now.stats.connections_accepted += 100;
  EXPECT_EQ(judge(now, &oldest).health, Health::healthy) << "what was refused long ago";
  now.late = 1s;
  EXPECT_EQ(judge(now, &oldest).health, Health::healthy);
  now.late = 1500ms;
  EXPECT_EQ(judge(now, &oldest).health, Health::unhealthy);
  EXPECT_EQ(judge(now, &oldest).reason, "the loop was held up for 1500 ms");
}

TEST(MonitorRules, Session) {
  SessionSample before;
  SessionSample now;
  EXPECT_EQ(judge(now, nullptr).health, Health::idle);
  now.stats.bytes_received = 1;
  EXPECT_EQ(judge(now, nullptr).health, Health::healthy);
  before.stats = now.stats;
  EXPECT_EQ(judge(now, &before).health, Health::idle) << "nothing since the sample before";
  now.stats.packets_sent = 99;
  now.stats.packets_lost = 50;
  EXPECT_NE(judge(now, &before).health, Health::degraded) << "too few to judge";
  now.stats.packets_sent = 200;
  now.stats.packets_lost = 20;
  EXPECT_NE(judge(now, &before).health, Health::degraded);
  now.stats.packets_lost = 22;
  EXPECT_EQ(judge(now, &before).reason, "lost 11 % of 200 packets");
  now.stats.packets_lost = 0;
  now.rtt = 1s;
  EXPECT_NE(judge(now, &before).health, Health::degraded);
  now.rtt = 1200ms;
  EXPECT_EQ(judge(now, &before).reason, "a round trip takes 1200 ms");
  now.rtt = 5ms;
  now.buffered_bytes = 1 << 20;
  EXPECT_NE(judge(now, &before).health, Health::degraded);
  ++now.buffered_bytes;
  EXPECT_EQ(judge(now, &before).reason, "1048577 bytes wait for the peer");
  now.stats.messages_dropped = 3;
  EXPECT_EQ(judge(now, &before).reason, "dropped 3 messages");
}

TEST(MonitorRules, Client) {
  ClientSample now;
  EXPECT_EQ(judge(now).health, Health::idle);
  now.stats = {.attempts = 12, .opened = 9, .failed = 1, .connect_time_total = 45s};
  EXPECT_EQ(judge(now).health, Health::healthy);
  now.stats.failed = 2;
  EXPECT_EQ(judge(now).reason, "opened 81 % of 11 sessions");
  now.stats = {.attempts = 2, .opened = 2, .connect_time_total = 10s};
  EXPECT_EQ(judge(now).health, Health::healthy);
  now.stats.connect_time_total = 12s;
  EXPECT_EQ(judge(now).reason, "connecting takes 6000 ms on average");
}

TEST(SessionMonitor, SamplesAtAnInterval) {
  FakeExecutor executor;
  FakeSession session{executor};
  SessionMonitor monitor{session};
  EXPECT_EQ(monitor.health(), Health::unknown);
  session.counters.bytes_sent = 5;
  session.round_trip = 3ms;
  executor.advance(20ms);
  EXPECT_EQ(monitor.health(), Health::healthy);
  ASSERT_EQ(monitor.samples().size(), 1U);
  EXPECT_EQ(monitor.samples()[0].rtt, 3ms);
  executor.advance(14s);
  EXPECT_EQ(monitor.samples().size(), 1U);
  executor.advance(2s);
  EXPECT_EQ(monitor.samples().size(), 2U);
  EXPECT_EQ(monitor.health(), Health::idle);
}

TEST(SessionMonitor, TheLongestIntervalIsNoneThatIsOver) {
  FakeExecutor executor;
  FakeSession session{executor};
  executor.advance(1s);
  const SessionMonitor monitor{session, {.interval = Duration::max()}};
  for (int i = 0; i < 5; ++i) executor.advance(1s);
  EXPECT_EQ(monitor.samples().size(), 1U);
}

TEST(SessionMonitor, AlertsAreToldOnceAndBounded) {
  FakeExecutor executor;
  FakeSession session{executor};
  std::vector<std::string> told;
  SessionMonitor monitor{session,
                         {.interval = 1s, .samples_max = 5, .alerts_max = 3, .on_alert = [&](const Alert& alert) {
                            told.push_back(alert.reason);
                          }}};
  session.round_trip = 2s;
  for (int i = 0; i < 4; ++i) executor.advance(1100ms);
  EXPECT_EQ(told, std::vector<std::string>{"a round trip takes 2000 ms"}) << "once while it lasts";
  EXPECT_EQ(monitor.reason(), told[0]);
  for (int i = 0; i < 10; ++i) {
    session.round_trip = i % 2 == 0 ? 1ms : 2s;
    executor.advance(1100ms);
  }
  EXPECT_EQ(told.size(), 6U);
  EXPECT_EQ(monitor.alerts().size(), 3U);
  EXPECT_EQ(monitor.samples().size(), 5U);
  session.round_trip = 1ms;
  executor.advance(1100ms);
  EXPECT_EQ(monitor.reason(), "");
  EXPECT_EQ(monitor.health(), Health::idle);
}

// The alert that was told was looked for among those that are kept.
TEST(SessionMonitor, AlertsAreToldThoughNoneIsKept) {
  FakeExecutor executor;
  FakeSession session{executor};
  session.round_trip = 2s;
  std::vector<std::string> told;
  const SessionMonitor monitor{
      session, {.alerts_max = 0, .on_alert = [&](const Alert& alert) { told.push_back(alert.reason); }}};
  executor.advance(20ms);
  EXPECT_EQ(told, std::vector<std::string>{"a round trip takes 2000 ms"});
  EXPECT_TRUE(monitor.alerts().empty());
}

// A round trip or a backlog is another number at each sample: that alone told an alert each time.
TEST(SessionMonitor, ANumberThatChangesIsNoOtherReason) {
  FakeExecutor executor;
  FakeSession session{executor};
  std::vector<std::string> told;
  const SessionMonitor monitor{session,
                               {.interval = 1s, .on_alert = [&](const Alert& alert) { told.push_back(alert.reason); }}};
  for (int i = 0; i < 20; ++i) {
    session.round_trip = std::chrono::milliseconds{1001 + 777 * i};
    executor.advance(1100ms);
  }
  EXPECT_EQ(told, std::vector<std::string>{"a round trip takes 1001 ms"});
  EXPECT_EQ(monitor.reason(), "a round trip takes 15764 ms") << "the newest number";
  session.round_trip = 1ms;
  session.counters.messages_dropped = 3;
  executor.advance(1100ms);
  EXPECT_EQ(told.back(), "dropped 3 messages") << "another reason";
}

TEST(SessionMonitor, AnExceptionAtAnAlertEndsTheSessionOnly) {
  FakeExecutor executor;
  FakeSession session{executor};
  session.round_trip = 2s;
  const SessionMonitor monitor{session, {.on_alert = [](const Alert&) { throw std::runtime_error{"user"}; }}};
  executor.advance(20ms);
  EXPECT_TRUE(session.closed);
}

TEST(SessionMonitor, NothingAfterItsEnd) {
  FakeExecutor executor;
  FakeSession session{executor};
  { const SessionMonitor monitor{session}; }
  EXPECT_FALSE(executor.has_timers());
}

}  // namespace
}  // namespace plait::test
