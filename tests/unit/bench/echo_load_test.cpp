// The load of WebSocket echoes, beside a server of ours.
#include "bench/components/generator/loads.hpp"

#include <plait/server.hpp>

#include <gtest/gtest.h>

#include <memory>
#include <thread>

namespace plait::bench {
namespace {

class EchoSession final : public SessionHandler {
 public:
  void on_message(Session& session, const Message& message) override { session.send(message); }
};

// Two messages, further apart than an answer is waited for. The window ends far from either message's due time, since
// on a machine that is busy a thread may stand still for a while.
TEST(BenchEchoLoad, AnOpenLoopWaitsForItsNextMessageAsLongAsItTakes) {
  Server server;
  Plan plan;
  plan.url = parse_url(server.listen("ws://127.0.0.1:0/", handler<EchoSession>()).value()).value();
  plan.warmup_seconds = 0;
  plan.seconds = 5;
  plan.rate = 0.3;
  std::thread thread{[&server] { EXPECT_TRUE(server.run()); }};
  {
    LoadContext context{plan};
    context.stall_limit = 2 * kSecond;
    const auto done = run_echo_load(context);
    EXPECT_TRUE(done) << done.error().message;
    EXPECT_EQ(context.meter.messages(), 2U);
  }
  server.stop();
  thread.join();
}

constexpr double kPaced = 100;  // messages a second
constexpr std::size_t kHeld = 115;

/// Answers the first kHeld messages when it has the last of them.
class HoldingSession final : public SessionHandler {
 public:
  void on_message(Session& session, const Message& message) override {
    if (++messages_ < kHeld) return;
    for (std::size_t i = messages_ == kHeld ? kHeld : 1; i > 0; --i) session.send(message);
  }

 private:
  std::size_t messages_ = 0;
};

class SilentSession final : public SessionHandler {};

/// What is measured in 0.3 s after a warm-up of 1 s.
template <class Handler>
Value report_of_open_loop() {
  Server server;
  Plan plan;
  plan.url = parse_url(server.listen("ws://127.0.0.1:0/", handler<Handler>()).value()).value();
  plan.warmup_seconds = 1;
  plan.seconds = 0.3;
  plan.rate = kPaced;
  std::thread thread{[&server] { EXPECT_TRUE(server.run()); }};
  Value report;
  {
    LoadContext context{plan};
    const auto done = run_echo_load(context);
    EXPECT_TRUE(done) << done.error().message;
    report = context.meter.report();
  }
  server.stop();
  thread.join();
  return report;
}

double number_of(const Value& report, std::string_view name) { return report.find(name).as_double().value_or(-1); }

double latency_max(const Value& report) { return number_of(report.find("latency_us"), "max"); }

constexpr int kAttempts = 5;  // on a machine that is busy a window may last longer, or begin later

// The server is slow until 0.15 s of the window have passed: the first message of the warm-up waits for 1.15 s.
TEST(BenchEchoLoad, AnOpenLoopsLatenciesAreThoseOfItsWindow) {
  Value report;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    report = report_of_open_loop<HoldingSession>();
    if (latency_max(report) >= 0.1e6 && latency_max(report) < 0.8e6 && number_of(report, "lost") == 0) break;
  }
  EXPECT_LT(latency_max(report), 0.8e6);
  EXPECT_GE(latency_max(report), 0.1e6) << "due in the window, and held, too";
  EXPECT_EQ(number_of(report, "lost"), 0);
}

TEST(BenchEchoLoad, AnOpenLoopLosesOnlyMessagesOfItsWindow) {
  constexpr double kLostMax = 0.3 * kPaced + 2;
  Value report;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    report = report_of_open_loop<SilentSession>();
    if (number_of(report, "lost") <= kLostMax) break;
  }
  EXPECT_GT(number_of(report, "lost"), 0);
  EXPECT_LE(number_of(report, "lost"), kLostMax) << "a hundred more were due in the warm-up";
}

}  // namespace
}  // namespace plait::bench
