// Corking: what the frames of one read cause leaves in one send. The server runs on this thread, where calls are
// counted.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <memory>
#include <string>
#include <string_view>

#include "fault/fault.hpp"
#include "integration/server/raw_frames.hpp"
#include "integration/server/support.hpp"
#include "support/transport_loop.hpp"
#include "transport/tcp/acceptor.hpp"
#include "transport/tcp/frame_session.hpp"
#include "transport/tcp/http_connection.hpp"

namespace plait::transport {
namespace {

constexpr std::size_t kDepth = 16;

class ServerCorking : public testing::TestWithParam<std::string>, protected TransportLoop {
 protected:
  ServerCorking() {
    EXPECT_TRUE(router_.add_session("/", plait::handler<test::Echo>()));
    net::Listener listener = std::move(*net::Listener::bind({.host = "127.0.0.1"}));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(listener.port());
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    acceptor_ = std::make_unique<Acceptor>(context_, std::move(listener), nullptr, [this] { return protocol(); });
    EXPECT_TRUE(acceptor_->start());
    EXPECT_EQ(::connect(peer_, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  }
  ~ServerCorking() override {
    end_connections();
    ::close(peer_);
  }

  static bool upgrades() { return GetParam() == "ws"; }
  std::unique_ptr<Protocol> protocol() {
    if (upgrades()) return std::make_unique<HttpConnection>(router_);
    return std::make_unique<FrameAccept>(context_, router_);
  }
  void send(std::string_view bytes) const {
    ASSERT_EQ(::send(peer_, bytes.data(), bytes.size(), 0), static_cast<ssize_t>(bytes.size()));
  }
  std::size_t receive() {
    const ssize_t count = ::recv(peer_, buffer_.data(), buffer_.size(), MSG_DONTWAIT);
    return count > 0 ? static_cast<std::size_t>(count) : 0;
  }
  void open_session() {
    send(upgrades() ? test::upgrade_request() : test::open_frame("/"));
    while (receive() == 0) loop_->run_once(Duration::zero());
  }
  /// The calls that send, until the echo of `bytes` is there, which has `answer_bytes`.
  int count_sends(std::string_view bytes, std::size_t answer_bytes) {
    send(bytes);
    fault::Plan calls;
    for (std::size_t received = 0; received < answer_bytes; received += receive()) {
      const fault::Injection counting{calls};
      loop_->run_once(Duration::zero());
    }
    return calls.made(fault::Call::send) + calls.made(fault::Call::sendmsg);
  }

  test::QuietLog log_;
  Router router_;
  std::unique_ptr<Acceptor> acceptor_;
  const int peer_ = ::socket(AF_INET, SOCK_STREAM, 0);
  std::array<char, std::size_t{64} << 10> buffer_{};
};

TEST_P(ServerCorking, TheEchoesOfTheFramesOfOneReadLeaveInOneSend) {
  open_session();
  const std::string text = test::pattern(93);
  const std::string one = upgrades() ? test::text_frame(text) : test::message(text);
  const std::size_t answer_bytes = one.size() - (upgrades() ? 4 : 0);  // a server's frames have no masking key
  std::string batch;
  for (std::size_t i = 0; i < kDepth; ++i) batch += one;
  for (int round = 0; round < 3; ++round) {
    EXPECT_EQ(count_sends(batch, kDepth * answer_bytes), 1);
    EXPECT_EQ(count_sends(one, answer_bytes), 1);
  }
}

INSTANTIATE_TEST_SUITE_P(Wires, ServerCorking, testing::Values("ws", "tcp"),
                         [](const auto& wire) { return wire.param; });

}  // namespace
}  // namespace plait::transport
