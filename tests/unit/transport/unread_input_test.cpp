// TcpConnection: epoll tells once of what arrived, so what a read leaves behind must be asked for.
#include <gtest/gtest.h>
#include <sys/epoll.h>

#include <array>
#include <string>
#include <vector>

#include "unit/transport/connected_loop.hpp"

namespace plait::transport {
namespace {

constexpr std::size_t kOneReadBytes = 4096;
constexpr std::size_t kOwnBytes = 100;
constexpr int kTurns = 20;  // more than enough, if none has to wait
constexpr int kTurnsMax = 1000;

struct Heard {
  std::string bytes;
  bool end = false;
  bool closed = false;
};

/// Notes all it hears; with `direct` the first bytes come through a direct buffer.
class Listening final : public Protocol {
 public:
  explicit Listening(Heard& heard, bool direct = false) : heard_(heard) { set_reads_directly(direct); }
  MutableByteView direct_buffer() override { return direct_; }
  void commit_direct(std::size_t count) override {
    heard_.bytes.append(as_text(ByteView{direct_}.first(count)));
    set_reads_directly(false);
  }
  void handle_bytes(MutableByteView& input) override {
    heard_.bytes.append(as_text(input));
    input = {};
  }
  void handle_end() override { heard_.end = true; }
  void handle_deadline(core::TimePoint) override {}
  void handle_drain() override {}
  void handle_closed(const Disconnect&) override { heard_.closed = true; }

 private:
  Heard& heard_;
  std::array<std::uint8_t, kOwnBytes> direct_{};
};

std::string letters(std::size_t size) {
  std::string text(size, ' ');
  for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<char>('a' + i % 23);
  return text;
}

class TransportUnreadInput : public testing::Test, protected ConnectedLoop {
 protected:
  TransportUnreadInput() : ConnectedLoop({}, {.receive_buffer_bytes = kOneReadBytes}) {}
  void write(std::string_view text) { ASSERT_EQ(peer_.write(as_bytes(text)).bytes, text.size()); }
  void turn() {
    for (int i = 0; i < kTurns; ++i) loop_->run_once({});
  }
  /// Until `done()`; over TCP what was written may arrive later.
  template <class Done>
  void turn_until(Done done) {
    for (int i = 0; i < kTurnsMax && !done(); ++i) loop_->run_once(std::chrono::milliseconds{5});
  }

  Heard heard_;
};

TEST_F(TransportUnreadInput, IsReadWhenTheBufferWasFilled) {
  connect(std::make_unique<Listening>(heard_));
  const std::string sent = letters(3 * kOneReadBytes);
  write(sent);
  turn();
  EXPECT_EQ(heard_.bytes, sent);
}

TEST_F(TransportUnreadInput, IsReadBehindAFilledDirectBuffer) {
  connect(std::make_unique<Listening>(heard_, true));
  const std::string sent = letters(kOwnBytes + 2 * kOneReadBytes);
  write(sent);
  turn();
  EXPECT_EQ(heard_.bytes, sent);
}

TEST_F(TransportUnreadInput, IsReadToItsEndWhileFinishing) {
  TcpConnection* connection = connect(std::make_unique<Listening>(heard_));
  write(letters(3 * kOneReadBytes));
  connection->finish();
  turn();
  EXPECT_TRUE(connection->is_quiet());
  peer_.shutdown_write();
  turn();
  EXPECT_TRUE(heard_.closed);
}

TEST_F(TransportUnreadInput, MayBeTheEndAlone) {
  connect_tcp(std::make_unique<Listening>(heard_));
  const std::string sent = letters(100);
  write(sent);
  peer_.shutdown_write();
  turn_until([&] { return heard_.end; });
  EXPECT_EQ(heard_.bytes, sent);
  EXPECT_TRUE(heard_.end);
}

TEST_F(TransportUnreadInput, MayBeAnErrorAlone) {
  connect_tcp(std::make_unique<Listening>(heard_));
  write(letters(100));
  peer_.reset_on_close();
  peer_.close();
  turn_until([&] { return heard_.closed; });
  EXPECT_TRUE(heard_.closed);
}

// RFC 9293 §3.8.5; the byte itself is not in the stream.
TEST_F(TransportUnreadInput, MayStandBehindUrgentData) {
  connect_tcp(std::make_unique<Listening>(heard_));
  write("before");
  ASSERT_EQ(::send(peer_.fd(), "!", 1, MSG_OOB), 1);
  write("after");
  turn_until([&] { return heard_.bytes.size() == std::string_view{"beforeafter"}.size(); });
  EXPECT_EQ(heard_.bytes, "beforeafter");
}

// One that nothing follows stays to be told of, which must not keep the loop awake while output waits.
TEST_F(TransportUnreadInput, OfUrgentDataDoesNotSpinWhileWritingIsBlocked) {
  TcpConnection* connection = connect_tcp(std::make_unique<Listening>(heard_), 10'000);
  const std::vector<std::uint8_t> piece(100'000);
  while (connection->backlog_bytes() == 0) {
    connection->output().append(piece);
    connection->flush();
  }
  ASSERT_FALSE(connection->input_stopped());
  ASSERT_EQ(::send(peer_.fd(), "!", 1, MSG_OOB), 1);
  constexpr std::chrono::milliseconds kWait{20};
  int idle_turns = 0;
  for (int i = 0; i < kTurns && idle_turns == 0; ++i) {
    const auto begin = std::chrono::steady_clock::now();
    loop_->run_once(kWait);
    if (std::chrono::steady_clock::now() - begin >= kWait) ++idle_turns;
  }
  EXPECT_EQ(idle_turns, 1);
}

// On a Unix socket the hang-up may be seen before what was written to it counts as gone.
TEST_F(TransportUnreadInput, OfAPeerThatHungUpIsReadThoughOutputStillWaits) {
  TcpConnection* connection = connect(std::make_unique<Listening>(heard_));
  const std::vector<std::uint8_t> piece(100'000);
  while (connection->backlog_bytes() <= Limits{}.send_high_water_bytes) {
    connection->output().append(piece);
    connection->flush();
  }
  connection->set_paused(true);
  connection->handle_events(EPOLLHUP);
  peer_.close();
  connection->set_paused(false);
  turn_until([&] { return heard_.closed; });
  EXPECT_TRUE(heard_.closed);
}

TEST_F(TransportUnreadInput, IsReadWhenAPauseEnds) {
  TcpConnection* connection = connect(std::make_unique<Listening>(heard_));
  connection->set_paused(true);
  const std::string sent = letters(100);
  write(sent);
  turn();
  EXPECT_EQ(heard_.bytes, "");
  connection->set_paused(false);
  turn();
  EXPECT_EQ(heard_.bytes, sent);
}

}  // namespace
}  // namespace plait::transport
