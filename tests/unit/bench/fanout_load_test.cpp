// The load of the fan-out rows, beside a server that delivers more than was published.
#include "bench/components/generator/loads.hpp"

#include <plait/server.hpp>

#include <gtest/gtest.h>

#include <memory>
#include <thread>
#include <unordered_set>

namespace plait::bench {
namespace {

/// Sends what one says to all others, twice.
class TwiceSession final : public SessionHandler {
 public:
  explicit TwiceSession(std::unordered_set<Session*>& all) : all_(all) {}
  void on_open(Session& session) override { all_.insert(&session); }
  void on_message(Session& session, const Message& message) override {
    for (Session* other : all_) {
      for (int i = 0; i < 2 && other != &session; ++i) other->send(message);
    }
  }
  void on_close(Session& session, const CloseInfo&) override { all_.erase(&session); }

 private:
  std::unordered_set<Session*>& all_;
};

TEST(BenchFanoutLoad, AServerThatDeliversTwiceIsNamed) {
  std::unordered_set<Session*> sessions;
  ServerOptions options;
  options.threads = 1;
  Server server{options};
  Plan plan;
  plan.mode = LoadMode::fanout;
  plan.connections = 3;
  plan.warmup_seconds = 0;
  plan.seconds = 0.2;
  const auto make = [&sessions] { return std::make_unique<TwiceSession>(sessions); };
  plan.url = parse_url(server.listen("ws://127.0.0.1:0/", make).value()).value();
  std::thread thread{[&server] { EXPECT_TRUE(server.run()); }};
  {
    LoadContext context{plan};
    const auto done = run_fanout_load(context);
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().message, "a subscriber was sent more messages than were published");
  }
  server.stop();
  thread.join();
}

}  // namespace
}  // namespace plait::bench
