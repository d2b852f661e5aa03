// A TCP echo over net::Loop in which every system call fails once, one after the other.
#include <gtest/gtest.h>
#include <sys/epoll.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "fault/fault.hpp"
#include "net/loop.hpp"
#include "net/socket.hpp"

namespace plait::net {
namespace {

using namespace std::chrono_literals;

/// A socket on a loop that writes what it is given as far as the peer takes it.
class Connection : public EventHandler {
 public:
  Connection(Loop& loop, Socket socket) : loop_(loop), socket_(std::move(socket)) {}
  virtual ~Connection() { close(); }

  bool begin(std::uint32_t events) {
    watched_ = loop_.watch(socket_.fd(), events, *this).has_value();
    return watched_;
  }
  [[nodiscard]] bool is_open() const { return socket_.is_open(); }
  void close() {
    if (watched_) loop_.unwatch(socket_.fd(), *this);
    watched_ = false;
    socket_.close();
  }

 protected:
  void send(std::string_view text) {
    backlog_ += text;
    flush();
  }
  /// Alternates between the two ways to write, so that both are visited.
  void flush() {
    while (!backlog_.empty()) {
      const iovec part{.iov_base = backlog_.data(), .iov_len = backlog_.size()};
      gather_ = !gather_;
      const IoResult result = gather_ ? socket_.write(std::span{&part, 1}) : socket_.write(as_bytes(backlog_));
      if (result.status == IoStatus::would_block) break;
      if (result.status == IoStatus::error) return close();
      backlog_.erase(0, result.bytes);
    }
    const std::uint32_t wanted = backlog_.empty() ? EPOLLIN : EPOLLIN | EPOLLOUT;
    if (!loop_.rewatch(socket_.fd(), wanted, *this)) close();
  }
  /// Empty when there was nothing or the connection is closed.
  std::string_view receive() {
    MutableByteView buffer = loop_.receive_buffer();
    const iovec part{.iov_base = buffer.data(), .iov_len = buffer.size()};
    scatter_ = !scatter_;
    const IoResult result = scatter_ ? socket_.read(std::span{&part, 1}) : socket_.read(buffer);
    if (result.status == IoStatus::end || result.status == IoStatus::error) close();
    return as_text(ByteView{buffer.data(), result.bytes});
  }
  int finish_connect() { return socket_.finish_connect(); }

 private:
  Loop& loop_;
  Socket socket_;
  std::string backlog_;
  bool watched_ = false;
  bool gather_ = false;
  bool scatter_ = false;
};

class EchoConnection final : public Connection {
 public:
  using Connection::Connection;
  void handle_events(std::uint32_t events) override {
    if ((events & ~std::uint32_t{EPOLLOUT}) != 0) {
      const std::string text{receive()};
      if (is_open()) send(text);
    } else {
      flush();
    }
  }
};

class EchoServer final : public EventHandler {
 public:
  EchoServer(Loop& loop, Listener listener) : loop_(loop), listener_(std::move(listener)) {}
  ~EchoServer() { loop_.unwatch(listener_.fd(), *this); }
  bool begin() { return loop_.watch(listener_.fd(), EPOLLIN, *this).has_value(); }
  void handle_events(std::uint32_t /*events*/) override {
    Socket accepted;
    while (listener_.accept(accepted).status == IoStatus::ok) {
      connections_.push_back(std::make_unique<EchoConnection>(loop_, std::move(accepted)));
      if (!connections_.back()->begin(EPOLLIN)) connections_.pop_back();
    }
  }
  bool idle() {
    std::erase_if(connections_, [](const auto& connection) { return !connection->is_open(); });
    return connections_.empty();
  }
  [[nodiscard]] std::uint16_t port() const { return listener_.port(); }

 private:
  Loop& loop_;
  Listener listener_;
  std::vector<std::unique_ptr<EchoConnection>> connections_;
};

/// Sends `text`, and closes once it came back.
class EchoClient final : public Connection {
 public:
  EchoClient(Loop& loop, Socket socket, std::string text)
      : Connection(loop, std::move(socket)), text_(std::move(text)) {}
  void handle_events(std::uint32_t events) override {
    if (!connected_) {
      connected_ = finish_connect() == 0;
      return connected_ ? send(text_) : close();
    }
    if ((events & EPOLLOUT) != 0) flush();
    if (is_open() && (events & EPOLLIN) != 0) received_ += receive();
    if (received_.size() >= text_.size() || (events & (EPOLLHUP | EPOLLERR)) != 0) close();
  }
  [[nodiscard]] bool succeeded() const { return received_ == text_; }

 private:
  std::string text_;
  std::string received_;
  bool connected_ = false;
};

enum class Outcome { success, failure, hang };

/// One exchange from nothing to nothing: loop, listener, connection, `size` bytes there and back, all closed.
Outcome exchange(std::size_t size) {
  auto loop = Loop::make();
  if (!loop) return Outcome::failure;
  auto listener = Listener::bind({.host = "127.0.0.1"});
  if (!listener) return Outcome::failure;
  EchoServer server{**loop, std::move(*listener)};
  if (!server.begin()) return Outcome::failure;
  auto socket = Socket::connect({.host = "127.0.0.1", .port = server.port()});
  if (!socket) return Outcome::failure;
  EchoClient client{**loop, std::move(*socket), std::string(size, 'e')};
  if (!client.begin(EPOLLOUT)) return Outcome::failure;
  const auto give_up = std::chrono::steady_clock::now() + 10s;
  while (client.is_open() || !server.idle()) {
    if (std::chrono::steady_clock::now() > give_up) return Outcome::hang;
    (*loop)->run_once(10ms);
  }
  return client.succeeded() ? Outcome::success : Outcome::failure;
}

/// Fails every place once with `system_errno`, and gives how many there were.
int visit_every_call(int system_errno, bool transient) {
  for (int n = 1;; ++n) {
    const fault::OpenFiles before;
    fault::Plan plan;
    plan.fail_nth(n, system_errno).shorten_transfers(4096);
    Outcome outcome{};
    {
      const fault::Injection injection{plan};
      outcome = exchange(100'000);
    }
    const std::string where = "n = " + std::to_string(n) + " (" + plan.last() + ")";
    EXPECT_EQ(fault::OpenFiles{}, before) << where;
    EXPECT_NE(outcome, Outcome::hang) << where;
    const bool must_succeed = transient || plan.fired() == 0;
    EXPECT_TRUE(!must_succeed || outcome == Outcome::success) << where;
    if (plan.fired() == 0) return n - 1;
  }
}

class FaultEcho : public testing::TestWithParam<int> {};
class FaultEchoTransient : public testing::TestWithParam<int> {};
std::string name_of(const testing::TestParamInfo<int>& errno_value) { return ::strerrorname_np(errno_value.param); }

TEST_P(FaultEcho, EveryCallMayFailWithoutCrashLeakOrHang) { EXPECT_GT(visit_every_call(GetParam(), false), 0); }
INSTANTIATE_TEST_SUITE_P(Errno, FaultEcho,
                         testing::Values(ECONNRESET, EPIPE, ECONNREFUSED, ENETUNREACH, EMFILE, ENFILE, ENOBUFS, ENOMEM,
                                         ENOSPC),
                         name_of);

TEST_P(FaultEchoTransient, EveryCallMayFailOnceAndTheEchoSucceeds) { EXPECT_GT(visit_every_call(GetParam(), true), 0); }
TEST_P(FaultEchoTransient, EverySecondCallMayFailAndTheEchoSucceeds) {
  fault::Plan plan;
  plan.fail_every(2, GetParam());
  const fault::Injection injection{plan};
  EXPECT_EQ(exchange(100'000), Outcome::success);
  EXPECT_GT(plan.fired(), 0);
}
INSTANTIATE_TEST_SUITE_P(Errno, FaultEchoTransient, testing::Values(EINTR, EAGAIN, ECONNABORTED), name_of);

TEST(FaultWake, AnInterruptedWakeUpIsRepeated) {
  auto loop = Loop::make();
  ASSERT_TRUE(loop);
  std::thread sleeper{[&] { (*loop)->run(); }};
  fault::Plan plan;
  plan.fail_nth(1, EINTR);
  const fault::Injection injection{plan};
  while (plan.fired() == 0) {  // until a post met the loop asleep
    std::atomic<bool> ran{false};
    (*loop)->post([&] { ran = true; });
    while (!ran) std::this_thread::yield();
  }
  EXPECT_EQ(plan.last(), "write");
  (*loop)->stop();
  sleeper.join();
}

TEST(FaultEchoShort, OneByteAtATime) {
  fault::Plan plan;
  plan.shorten_transfers(1);
  const fault::Injection injection{plan};
  EXPECT_EQ(exchange(2'000), Outcome::success);
}

TEST(FaultEchoShort, OneByteAtATimeAndEverySecondCallWouldBlock) {
  fault::Plan plan;
  plan.shorten_transfers(1).fail_every(2, EAGAIN);
  const fault::Injection injection{plan};
  EXPECT_EQ(exchange(2'000), Outcome::success);
  EXPECT_GT(plan.fired(), 2'000);
}

}  // namespace
}  // namespace plait::net
