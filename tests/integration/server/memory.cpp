// What an idle session keeps, and that a busy one allocates nothing per message. Server and peers share one thread.
#include <arpa/inet.h>
#include <malloc.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>

#include "integration/server/support.hpp"
#include "support/allocations.hpp"
#include "support/transport_loop.hpp"
#include "transport/tcp/acceptor.hpp"
#include "transport/tcp/http_connection.hpp"

namespace plait::transport {
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kSanitized = true;
#else
constexpr bool kSanitized = false;
#endif

/// Heap bytes in use, the allocator's own headers included.
std::size_t heap_bytes() { return ::mallinfo2().uordblks; }

class ServerMemory : public testing::Test, protected TransportLoop {
 protected:
  ServerMemory() : TransportLoop({.ping_interval = Duration::zero()}) {
    EXPECT_TRUE(router_.add_session("/", plait::handler<test::Echo>()));
    router_.deflate = true;
    net::Listener listener = std::move(*net::Listener::bind({.host = "127.0.0.1"}));
    port_ = listener.port();
    acceptor_ = std::make_unique<Acceptor>(context_, std::move(listener), nullptr,
                                           [this] { return std::make_unique<HttpConnection>(router_); });
    EXPECT_TRUE(acceptor_->start());
  }
  ~ServerMemory() override {
    end_connections();
    for (const int fd : peers_) ::close(fd);
  }

  /// A connected peer whose opening handshake is done.
  int connect() {
    const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port_);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    peers_.push_back(fd);
    send(fd, request_);
    while (receive(fd) == 0) loop_->run_once(Duration::zero());
    return fd;
  }
  static void send(int fd, std::string_view bytes) {
    ASSERT_EQ(::send(fd, bytes.data(), bytes.size(), 0), static_cast<ssize_t>(bytes.size()));
  }
  std::size_t receive(int fd) {
    const ssize_t count = ::recv(fd, buffer_.data(), buffer_.size(), MSG_DONTWAIT);
    return count > 0 ? static_cast<std::size_t>(count) : 0;
  }
  /// One batch of frames there and its echo back, `rounds` times.
  void echo(int fd, const std::string& batch, std::size_t answer_bytes, int rounds) {
    for (int i = 0; i < rounds; ++i) {
      send(fd, batch);
      for (std::size_t received = 0; received < answer_bytes; received += receive(fd))
        loop_->run_once(Duration::zero());
    }
  }

  Router router_;
  std::unique_ptr<Acceptor> acceptor_;
  std::uint16_t port_ = 0;
  std::vector<int> peers_;
  const std::string request_ = test::upgrade_request();
  std::array<char, std::size_t{64} << 10> buffer_{};
};

class ServerAllocations : public ServerMemory, public testing::WithParamInterface<std::size_t> {};

TEST_P(ServerAllocations, ASteadyEchoAllocatesNothing) {
  constexpr std::size_t kDepth = 16;
  const std::string one = test::frame(2, test::pattern(GetParam()));
  std::string batch;
  for (std::size_t i = 0; i < kDepth; ++i) batch += one;
  const std::size_t answer_bytes = batch.size() - kDepth * 4;  // a server's frames have no masking key
  const int fd = connect();
  echo(fd, batch, answer_bytes, 50);
  test::start_counting();
  echo(fd, batch, answer_bytes, 100);
  EXPECT_EQ(test::stop_counting().count, 0U);
}

INSTANTIATE_TEST_SUITE_P(Bytes, ServerAllocations, testing::Values(std::size_t{93}, std::size_t{16} << 10));

TEST_F(ServerMemory, AnIdleWebSocketSessionKeepsAtMostAKilobyte) {
  if (kSanitized) GTEST_SKIP() << "a sanitizer's heap is not the real one";
  constexpr std::size_t kSessions = 400;
  peers_.reserve(2 * kSessions);
  for (std::size_t i = 0; i < kSessions; ++i) connect();  // so that tables and pools have their size
  const std::size_t before = heap_bytes();
  for (std::size_t i = 0; i < kSessions; ++i) connect();
  const std::size_t each = (heap_bytes() - before) / kSessions;
  RecordProperty("bytes_per_session", static_cast<int>(each));
  EXPECT_GT(each, 100U) << "the measurement itself";
  EXPECT_LE(each, 1024U);
}

}  // namespace
}  // namespace plait::transport
