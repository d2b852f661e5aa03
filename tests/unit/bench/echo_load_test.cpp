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

// Two messages, further apart than an answer is waited for.
TEST(BenchEchoLoad, AnOpenLoopWaitsForItsNextMessageAsLongAsItTakes) {
  Server server;
  Plan plan;
  plan.url = parse_url(server.listen("ws://127.0.0.1:0/", handler<EchoSession>()).value()).value();
  plan.warmup_seconds = 0;
  plan.seconds = 2.6;
  plan.rate = 0.4;
  std::thread thread{[&server] { EXPECT_TRUE(server.run()); }};
  {
    LoadContext context{plan};
    context.stall_limit = kSecond;
    const auto done = run_echo_load(context);
    EXPECT_TRUE(done) << done.error().message;
    EXPECT_EQ(context.meter.messages(), 2U);
  }
  server.stop();
  thread.join();
}

}  // namespace
}  // namespace plait::bench
