// Server and client of the echo pair in one process, so that the sanitizers see both.
#include <gtest/gtest.h>

#include <atomic>
#include <mutex>
#include <numeric>
#include <thread>

#include "bench/components/echo/bench.hpp"
#include "bench/components/echo/server.hpp"

namespace plait::bench {
namespace {

/// An EchoServer with a thread for its loop.
class RunningServer {
 public:
  static std::unique_ptr<RunningServer> start(const EchoServerOptions& options) {
    auto loop = net::Loop::make(EchoServer::loop_options(options));
    if (!loop) return nullptr;
    auto server = EchoServer::start(**loop, options);
    if (!server) return nullptr;
    return std::make_unique<RunningServer>(std::move(*loop), std::move(*server));
  }
  RunningServer(std::unique_ptr<net::Loop> loop, std::unique_ptr<EchoServer> server)
      : loop_(std::move(loop)), server_(std::move(server)), thread_([this] { loop_->run(); }) {}
  ~RunningServer() {
    if (thread_.joinable()) stop();
  }

  [[nodiscard]] std::uint16_t port() const { return server_->port(); }
  EchoTotals stop() {
    EchoTotals all;
    loop_->post([&] {
      server_->stop([&](const EchoTotals& totals) {
        all = totals;
        loop_->stop();
      });
    });
    thread_.join();
    return all;
  }

 private:
  std::unique_ptr<net::Loop> loop_;
  std::unique_ptr<EchoServer> server_;
  std::thread thread_;
};

class EchoPair : public testing::TestWithParam<EchoModel> {
 protected:
  [[nodiscard]] static EchoServerOptions server_options() {
    EchoServerOptions options;
    options.model = GetParam();
    return options;
  }
  static EchoBenchOptions bench_options(const RunningServer& server, std::size_t size) {
    EchoBenchOptions options;
    options.address.port = server.port();
    options.payload.resize(size);
    std::iota(options.payload.begin(), options.payload.end(), std::uint8_t{0});
    options.repeat = 20;
    options.verify = true;
    return options;
  }
};

INSTANTIATE_TEST_SUITE_P(Models, EchoPair, testing::Values(EchoModel::thread, EchoModel::async),
                         [](const auto& model) { return model.param == EchoModel::thread ? "thread" : "async"; });

TEST_P(EchoPair, BlockingClient) {
  const auto server = RunningServer::start(server_options());
  ASSERT_NE(server, nullptr);
  for (const std::size_t size : {1UL, 4095UL, 4096UL, 4097UL, 65536UL, 1UL << 20}) {
    auto result = run_echo_bench(bench_options(*server, size));
    ASSERT_TRUE(result) << result.error().message;
    EXPECT_EQ(result->messages, 20U);
    EXPECT_EQ(result->first_round_trips.count(), 1U);
  }
  const EchoTotals totals = server->stop();
  EXPECT_EQ(totals.connections, 6U);
  EXPECT_EQ(totals.bytes_received, 20 * (1U + 4095 + 4096 + 4097 + 65536 + (1U << 20)));
  EXPECT_EQ(totals.bytes_sent, totals.bytes_received);
}

TEST_P(EchoPair, PipelinedClientOnSeveralThreads) {
  auto options = server_options();
  options.threads = 2;
  const auto server = RunningServer::start(options);
  ASSERT_NE(server, nullptr);
  auto bench = bench_options(*server, 1000);
  bench.threads = 3;
  bench.connections = 10;
  bench.depth = 7;
  bench.warmup = 3;
  auto result = run_echo_bench(bench);
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_EQ(result->messages, 200U);
  EXPECT_EQ(result->first_round_trips.count(), 10U);
  EXPECT_EQ(server->stop().bytes_received, 10U * (20 + 3) * 1000);
}

TEST_P(EchoPair, OpenLoopWithAndWithoutABound) {
  const auto server = RunningServer::start(server_options());
  ASSERT_NE(server, nullptr);
  for (const unsigned depth : {0U, 1U}) {
    auto bench = bench_options(*server, 100);
    bench.rate = 5000;
    bench.depth = depth;
    bench.threads = 2;
    bench.connections = 3;
    auto result = run_echo_bench(bench);
    ASSERT_TRUE(result) << result.error().message;
    EXPECT_EQ(result->messages, 60U);
  }
}

TEST_P(EchoPair, TheClientsOneThatFailsEndsTheOthers) {
  auto options = server_options();
  options.connections_max = 2;
  const auto server = RunningServer::start(options);
  ASSERT_NE(server, nullptr);
  auto bench = bench_options(*server, 10);
  bench.threads = bench.connections = 3;
  bench.duration = std::chrono::hours{1};
  const auto result = run_echo_bench(bench);
  ASSERT_FALSE(result);
  EXPECT_FALSE(result.error().message.empty());
}

TEST_P(EchoPair, EveryConnectionIsReportedOnce) {
  auto options = server_options();
  std::mutex mutex;
  std::vector<EchoConnectionReport> reports;
  options.on_connection_end = [&](const EchoConnectionReport& report) {
    const std::lock_guard lock{mutex};
    reports.push_back(report);
  };
  const auto server = RunningServer::start(options);
  ASSERT_NE(server, nullptr);
  auto bench = bench_options(*server, 10);
  bench.threads = 2;
  bench.connections = 6;
  ASSERT_TRUE(run_echo_bench(bench));
  server->stop();
  ASSERT_EQ(reports.size(), 6U);
  for (const auto& report : reports) {
    EXPECT_EQ(report.bytes_received, 200U);
    EXPECT_EQ(report.bytes_sent, 200U);
  }
}

TEST_P(EchoPair, StopsWhileClientsSend) {
  const auto server = RunningServer::start(server_options());
  ASSERT_NE(server, nullptr);
  std::atomic<bool> under_way{false};
  auto bench = bench_options(*server, 100);
  bench.connections = 4;
  bench.warmup = 1;  // of each connection, before any of them goes on
  bench.duration = std::chrono::hours{1};
  bench.on_progress = [&](std::uint64_t answered, Duration) {
    under_way = answered > bench.connections;
    under_way.notify_one();
  };
  Result<EchoBenchResult, Error> result = err(Error{"not run", 0});
  std::thread client{[&] { result = run_echo_bench(bench); }};
  under_way.wait(false);
  const EchoTotals totals = server->stop();
  client.join();
  ASSERT_FALSE(result);
  EXPECT_NE(result.error().message, "not run");
  EXPECT_EQ(totals.connections, 4U);
}

TEST_P(EchoPair, ASecondServerOnThePortIsRefused) {
  const auto server = RunningServer::start(server_options());
  ASSERT_NE(server, nullptr);
  for (const unsigned threads : {1U, 2U}) {
    auto options = server_options();
    options.address.port = server->port();
    options.threads = threads;
    const auto loop = net::Loop::make();
    ASSERT_TRUE(loop) << loop.error().message;
    const auto second = EchoServer::start(**loop, options);
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().system_errno, EADDRINUSE);
  }
}

TEST_P(EchoPair, StoppingClosesIdleConnections) {
  const auto server = RunningServer::start(server_options());
  ASSERT_NE(server, nullptr);
  auto stream = BlockingStream::connect({.host = "127.0.0.1", .port = server->port(), .unix_path = {}});
  ASSERT_TRUE(stream) << stream.error().message;
  std::uint8_t byte = 7;
  ASSERT_EQ(stream->exchange({&byte, 1}, {&byte, 1}).status, net::IoStatus::ok);
  EXPECT_EQ(server->stop().connections, 1U);
  EXPECT_EQ(stream->receive({&byte, 1}).status, net::IoStatus::end);
}

}  // namespace
}  // namespace plait::bench
