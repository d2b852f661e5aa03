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

/// What a load said at its end, and what it measured.
struct Outcome {
  Result<void, Error> done;
  std::uint64_t messages = 0;
  Value report;
};

/// The load of this plan on a new server.
template <class Handler>
Outcome run_load(Plan plan, std::uint64_t stall_limit = kStallLimit) {
  Server server;
  plan.url = parse_url(server.listen("ws://127.0.0.1:0/", handler<Handler>()).value()).value();
  std::thread thread{[&server] { EXPECT_TRUE(server.run()); }};
  Outcome outcome;
  {
    LoadContext context{plan};
    context.stall_limit = stall_limit;
    outcome.done = run_echo_load(context);
    outcome.messages = context.meter.messages();
    outcome.report = context.meter.report();
  }
  server.stop();
  thread.join();
  return outcome;
}

// Two messages, further apart than an answer is waited for. The window ends far from either message's due time, since
// on a machine that is busy a thread may stand still for a while; where it does for longer, another attempt is made.
TEST(BenchEchoLoad, AnOpenLoopWaitsForItsNextMessageAsLongAsItTakes) {
  Plan plan;
  plan.warmup_seconds = 0;
  plan.seconds = 5;
  plan.rate = 0.3;
  Outcome outcome;
  for (int attempt = 0; attempt < 3; ++attempt) {
    outcome = run_load<EchoSession>(plan, 2 * kSecond);
    if (outcome.done && outcome.messages == 2) break;
  }
  EXPECT_TRUE(outcome.done) << outcome.done.error().message;
  EXPECT_EQ(outcome.messages, 2U);
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
Outcome run_open_loop() {
  Plan plan;
  plan.warmup_seconds = 1;
  plan.seconds = 0.3;
  plan.rate = kPaced;
  return run_load<Handler>(plan);
}

double number_of(const Value& report, std::string_view name) { return report.find(name).as_double().value_or(-1); }

double latency_max(const Value& report) { return number_of(report.find("latency_us"), "max"); }

constexpr int kAttempts = 5;  // on a machine that is busy a window may last longer, or begin later

// The server is slow until 0.15 s of the window have passed: the first message of the warm-up waits for 1.15 s.
TEST(BenchEchoLoad, AnOpenLoopsLatenciesAreThoseOfItsWindow) {
  Outcome outcome;
  const Value& report = outcome.report;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    outcome = run_open_loop<HoldingSession>();
    const bool is_of_window = latency_max(report) >= 0.1e6 && latency_max(report) < 0.8e6;
    if (outcome.done && is_of_window && number_of(report, "lost") == 0) break;
  }
  EXPECT_TRUE(outcome.done) << outcome.done.error().message;
  EXPECT_LT(latency_max(report), 0.8e6);
  EXPECT_GE(latency_max(report), 0.1e6) << "due in the window, and held, too";
  EXPECT_EQ(number_of(report, "lost"), 0);
}

TEST(BenchEchoLoad, AnOpenLoopLosesOnlyMessagesOfItsWindow) {
  constexpr double kLostMax = 0.3 * kPaced + 2;
  Outcome outcome;
  const Value& report = outcome.report;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    outcome = run_open_loop<SilentSession>();
    if (outcome.done && number_of(report, "lost") <= kLostMax) break;
  }
  EXPECT_TRUE(outcome.done) << outcome.done.error().message;
  EXPECT_GT(number_of(report, "lost"), 0);
  EXPECT_LE(number_of(report, "lost"), kLostMax) << "a hundred more were due in the warm-up";
}

}  // namespace
}  // namespace plait::bench
