#include "server/worker.hpp"

#include "integration/server/support.hpp"

namespace plait::test {
namespace {

class Later final : public core::Timer {
 public:
  std::atomic<bool> came{false};

 private:
  void on_timer(core::TimePoint) override { came = true; }
};

// Signals, topics and datagrams of the others may need it.
TEST(ServerWorker, ADrainedLoopTurnsUntilTheServersLastConnectionIsGone) {
  std::atomic<std::size_t> connection_count{1};  // on another loop
  const Limits limits;
  auto loop = net::Loop::make();
  ASSERT_TRUE(loop);
  Worker worker{std::move(*loop), limits, 0, connection_count};
  Later later;
  ASSERT_TRUE(worker.start_thread(-1));
  worker.drain(1h);
  worker.loop().post([&] { worker.loop().schedule(later, worker.loop().now() + 100ms); });
  EXPECT_TRUE(wait_until([&] { return later.came.load(); })) << "it stopped before";
  connection_count = 0;
  worker.join();
}

TEST(ServerWorker, ASecondDrainDoesNotPutTheFirstOnesDeadlineOff) {
  std::atomic<std::size_t> connection_count{1};
  const Limits limits;
  auto loop = net::Loop::make();
  ASSERT_TRUE(loop);
  Worker worker{std::move(*loop), limits, 0, connection_count};
  worker.drain(1ms);
  worker.drain(1h);
  std::atomic<bool> stopped{false};
  std::thread thread{[&] {
    worker.run(-1);
    stopped = true;
  }};
  EXPECT_TRUE(wait_until([&] { return stopped.load(); })) << "it waits for the second one's";
  connection_count = 0;
  thread.join();
}

// Ends a turn after it was told to, and has the worker drained meanwhile.
class Lingering final : public transport::LoopEntry {
 public:
  Lingering(Worker& worker, int& drained) : worker_(worker), drained_(drained) {}
  static void add_to(Worker& worker, int& drained) {
    auto entry = std::make_unique<Lingering>(worker, drained);
    Lingering& lingering = *entry;
    lingering.id_ = worker.context().put(std::move(entry));
  }
  [[nodiscard]] Session* session() override { return nullptr; }
  void drain() override { ++drained_; }
  void abort(const transport::Disconnect&) override {
    worker_.drain(1h);
    worker_.loop().post([this] { worker_.loop().retire(worker_.context().entries.remove(id_)); });
  }

 private:
  Worker& worker_;
  int& drained_;
  SessionId id_;
};

TEST(ServerWorker, ADrainThatComesAfterTheEndDoesNothing) {
  std::atomic<std::size_t> connection_count{1};
  const Limits limits;
  auto loop = net::Loop::make();
  ASSERT_TRUE(loop);
  Worker worker{std::move(*loop), limits, 0, connection_count};
  int drained = 0;
  Lingering::add_to(worker, drained);
  worker.stop();
  worker.run(-1);
  EXPECT_EQ(drained, 0);
}

}  // namespace
}  // namespace plait::test
