// TcpConnection: what a session that stopped listening left behind is handled before anything else is read.
#include <gtest/gtest.h>

#include <array>

#include "unit/transport/connected_loop.hpp"

namespace plait::transport {
namespace {

constexpr std::size_t kReceiveBufferBytes = 4096;
constexpr std::size_t kDirectBytes = 100;

/// Fills the way back when its direct buffer has been read to, so that a whole receive buffer stays unhandled behind
/// it.
class Stalling final : public Protocol {
 public:
  explicit Stalling(std::string& received) : received_(received) { set_reads_directly(true); }
  MutableByteView direct_buffer() override { return direct_done_ ? MutableByteView{} : MutableByteView{direct_}; }
  void commit_direct(std::size_t count) override {
    received_.append(as_text(ByteView{direct_}.first(count)));
    direct_done_ = true;
    while (!connection().input_stopped()) {
      connection().output().append(answer_);
      connection().flush();
    }
  }
  void handle_bytes(MutableByteView& input) override {
    if (connection().input_stopped()) return;
    received_.append(as_text(input));
    input = {};
  }
  void handle_deadline(core::TimePoint) override {}
  void handle_drain() override {}
  void handle_closed(const Disconnect&) override {}

 private:
  std::string& received_;
  std::array<std::uint8_t, kDirectBytes> direct_{};
  const std::vector<std::uint8_t> answer_ = std::vector<std::uint8_t>(100'000);
  bool direct_done_ = false;
};

class TransportSmallReceiveBuffer : public testing::Test, protected ConnectedLoop {
 protected:
  TransportSmallReceiveBuffer()
      : ConnectedLoop({.send_high_water_bytes = 1000, .send_low_water_bytes = 100},
                      {.receive_buffer_bytes = kReceiveBufferBytes}) {}
};

TEST_F(TransportSmallReceiveBuffer, MayBeKeptWhole) {
  std::string received;
  ASSERT_NE(connect(std::make_unique<Stalling>(received)), nullptr);

  std::string sent(kDirectBytes + 3 * kReceiveBufferBytes, ' ');
  for (std::size_t i = 0; i < sent.size(); ++i) sent[i] = static_cast<char>('a' + i % 23);
  ASSERT_EQ(peer_.write(as_bytes(sent)).bytes, sent.size());
  loop_->run_once(std::chrono::seconds{5});
  EXPECT_EQ(received.size(), kDirectBytes) << "stalled, with a full receive buffer kept";
  std::vector<std::uint8_t> answers(std::size_t{1} << 20);
  for (int turn = 0; turn < 1000 && received.size() < sent.size(); ++turn) {
    while (peer_.read(MutableByteView{answers}).status == net::IoStatus::ok) {
    }
    loop_->run_once(std::chrono::seconds{5});
  }
  EXPECT_EQ(received, sent);
}

/// Takes a byte and pauses. Counts how often what is behind it is found elsewhere.
class OneAtATime final : public Protocol {
 public:
  struct Seen {
    std::size_t taken = 0;
    std::size_t moves = 0;
  };
  explicit OneAtATime(Seen& seen) : seen_(seen) {}
  void handle_bytes(MutableByteView& input) override {
    if (input.empty() || connection().input_stopped()) return;
    EXPECT_EQ(input.front(), seen_.taken++ % 251);
    seen_.moves += input.data() == next_ ? 0 : 1;
    next_ = input.data() + 1;
    input = input.subspan(1);
    connection().set_paused(true);
  }
  void handle_deadline(core::TimePoint) override {}
  void handle_drain() override {}
  void handle_closed(const Disconnect&) override {}

 private:
  Seen& seen_;
  const std::uint8_t* next_ = nullptr;
};

class TransportKeptInput : public testing::Test, protected ConnectedLoop {};

TEST_F(TransportKeptInput, IsNotMovedForEachMessage) {
  constexpr std::size_t kMessages = 16'000;
  OneAtATime::Seen seen;
  TcpConnection* connection = connect(std::make_unique<OneAtATime>(seen));
  ASSERT_NE(connection, nullptr);
  std::vector<std::uint8_t> sent(kMessages);
  for (std::size_t i = 0; i < sent.size(); ++i) sent[i] = static_cast<std::uint8_t>(i % 251);
  ASSERT_EQ(peer_.write(ByteView{sent}).bytes, sent.size());
  for (std::size_t turn = 0; turn < 2 * kMessages && seen.taken < kMessages; ++turn) {
    connection->set_paused(false);
    loop_->run_once({});
  }
  EXPECT_EQ(seen.taken, kMessages);
  EXPECT_LE(seen.moves, 20U) << "half of it at a time";
}

}  // namespace
}  // namespace plait::transport
