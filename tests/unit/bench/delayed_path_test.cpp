#include "bench/components/bulk/delayed_path.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <iterator>
#include <vector>

#include "bench/components/loopback.hpp"
#include "bench/components/units.hpp"

namespace plait::bench {
namespace {

using std::chrono::steady_clock;

constexpr std::size_t kDatagramBytes = 100;
constexpr std::size_t kTurnBytes = 40 * kDatagramBytes;

/// What arrives at `to` until `bytes` of it are there, or in `patience` waits of 50 ms nothing has come.
std::vector<std::uint8_t> receive(UdpPipe& to, std::size_t bytes, int patience, sockaddr_in* from = nullptr) {
  std::vector<std::uint8_t> all;
  while (all.size() < bytes && patience > 0) {
    to.wait(kSecond / 20);
    const std::size_t before = all.size();
    while (const auto batch = to.receive()) {
      all.insert(all.end(), batch->bytes.begin(), batch->bytes.end());
      if (from != nullptr) *from = batch->from;
    }
    if (all.size() == before) --patience;
  }
  return all;
}

/// In each datagram its number.
std::vector<std::uint8_t> numbered(std::size_t bytes) {
  std::vector<std::uint8_t> out(bytes);
  for (std::size_t i = 0; i < bytes; ++i) out[i] = static_cast<std::uint8_t>(i / kDatagramBytes);
  return out;
}

struct Ends {
  UdpPipe client = *UdpPipe::open(0);
  UdpPipe server = *UdpPipe::open(0);
  std::unique_ptr<DelayedPath> path;

  explicit Ends(const DelayedPath::Settings& settings)
      : path(*DelayedPath::start(ntohs(server.name().sin_port), settings)) {}
  void send(ByteView bytes) const { client.send(bytes, kDatagramBytes, loopback(path->port())); }
};

TEST(BenchDelayedPath, HoldsEachWayAsLongAsItIsTold) {
  constexpr std::chrono::milliseconds kDelay{40};
  Ends ends({.delay_ms = 40});
  const auto sent = numbered(kTurnBytes);
  const auto begin = steady_clock::now();
  ends.send(sent);
  sockaddr_in from{};
  EXPECT_EQ(receive(ends.server, sent.size(), 200, &from), sent) << "in order";
  EXPECT_GE(steady_clock::now() - begin, kDelay);
  EXPECT_EQ(ntohs(from.sin_port), ends.path->port());
  ends.server.send(sent, kDatagramBytes, from);
  EXPECT_EQ(receive(ends.client, sent.size(), 200, &from), sent);
  EXPECT_GE(steady_clock::now() - begin, 2 * kDelay);
  EXPECT_EQ(ntohs(from.sin_port), ends.path->port());
}

// The path keeps the order, so that nothing is on its way any more once one of those that are sent last has come.
TEST(BenchDelayedPath, LosesTheSameDatagramsInEveryRun) {
  constexpr std::size_t kTurns = 10;
  constexpr std::uint8_t kLast = 0xFF;
  constexpr int kLastMax = 200;
  std::vector<std::vector<std::uint8_t>> runs;
  for (int run = 0; run < 2; ++run) {
    Ends ends({.loss_percent = 50});
    for (std::size_t turn = 0; turn < kTurns; ++turn) ends.send(numbered(kTurnBytes));
    std::vector<std::uint8_t> all;
    for (int i = 0; i < kLastMax && (all.empty() || all.back() != kLast); ++i) {
      ends.send(std::vector<std::uint8_t>(kDatagramBytes, kLast));
      std::ranges::copy(receive(ends.server, kTurnBytes, 1), std::back_inserter(all));
    }
    ASSERT_GT(std::erase(all, kLast), 0U);
    runs.push_back(std::move(all));
  }
  EXPECT_EQ(runs[0], runs[1]);
  EXPECT_GT(runs[0].size(), kTurns * kTurnBytes / 4);
  EXPECT_LT(runs[0].size(), kTurns * kTurnBytes * 3 / 4);
  EXPECT_EQ(runs[0].size() % kDatagramBytes, 0U);
}

}  // namespace
}  // namespace plait::bench
