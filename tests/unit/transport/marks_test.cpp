// on_writable comes at the low-water mark, and not before.
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <optional>
#include <vector>

#include "transport/loop_context.hpp"
#include "transport/ws_session.hpp"

namespace plait::transport {
namespace {

constexpr std::size_t kHighWaterBytes = std::size_t{8} << 20;  // far more than a socket takes at a time
constexpr std::size_t kLowWaterBytes = std::size_t{1} << 20;

class Told final : public SessionHandler {
 public:
  explicit Told(std::optional<std::size_t>& at) : at_(at) {}
  void on_writable(Session& session) override { at_ = session.buffered_bytes(); }

 private:
  std::optional<std::size_t>& at_;
};

TEST(TransportMarks, WritableComesAtTheLowOne) {
  const Limits limits{.send_high_water_bytes = kHighWaterBytes, .send_low_water_bytes = kLowWaterBytes};
  const std::unique_ptr<net::Loop> loop = *net::Loop::make();
  std::atomic<std::size_t> connection_count{0};
  LoopContext context{*loop, limits, 0, connection_count};
  std::array<int, 2> ends{};
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends.data()), 0);
  const net::Socket peer{ends[1]};
  std::optional<std::size_t> writable_at;
  auto owned = std::make_unique<WsSession>(context, std::make_unique<Told>(writable_at), WsSession::Options{});
  WsSession& session = *owned;
  ASSERT_NE(TcpConnection::start(context, net::Socket{ends[0]}, nullptr, std::move(owned)), nullptr);
  const std::vector<std::uint8_t> payload(std::size_t{64} << 10);
  while (session.send(Message::binary(payload), {}) == SendStatus::sent) {
  }
  ASSERT_GT(session.buffered_bytes(), kHighWaterBytes);

  std::vector<std::uint8_t> buffer(payload.size());
  for (int turn = 0; turn < 10'000 && !writable_at; ++turn) {
    static_cast<void>(peer.read(MutableByteView{buffer}));
    loop->run_once({});
    ASSERT_EQ(writable_at.has_value(), session.buffered_bytes() <= kLowWaterBytes) << session.buffered_bytes();
  }
  ASSERT_TRUE(writable_at);
  EXPECT_GT(*writable_at, 0U) << "some still waits";
  context.connections.for_each([](Connection& connection) { connection.abort({}); });
  loop->run_once({});
}

}  // namespace
}  // namespace plait::transport
