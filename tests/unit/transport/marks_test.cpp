// on_writable comes at the low-water mark, and not before.
#include <gtest/gtest.h>

#include <optional>
#include <vector>

#include "unit/transport/connected_loop.hpp"

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

class TransportMarks : public testing::Test, protected ConnectedLoop {
 protected:
  TransportMarks()
      : ConnectedLoop({.send_high_water_bytes = kHighWaterBytes, .send_low_water_bytes = kLowWaterBytes}) {}
};

TEST_F(TransportMarks, WritableComesAtTheLowOne) {
  std::optional<std::size_t> writable_at;
  WsSession& session = open(std::make_unique<Told>(writable_at));
  const std::vector<std::uint8_t> payload(std::size_t{64} << 10);
  while (session.send(Message::binary(payload), {}) == SendStatus::sent) {
  }
  ASSERT_GT(session.buffered_bytes(), kHighWaterBytes);

  std::vector<std::uint8_t> buffer(payload.size());
  for (int turn = 0; turn < 10'000 && !writable_at; ++turn) {
    static_cast<void>(peer_.read(MutableByteView{buffer}));
    loop_->run_once({});
    ASSERT_EQ(writable_at.has_value(), session.buffered_bytes() <= kLowWaterBytes) << session.buffered_bytes();
  }
  ASSERT_TRUE(writable_at);
  EXPECT_GT(*writable_at, 0U) << "some still waits";
}

}  // namespace
}  // namespace plait::transport
