// One session for scripts: each call turns the loop.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>
#include <plait/client.hpp>

#include <array>
#include <cerrno>
#include <thread>

#include "integration/server/raw_frames.hpp"
#include "integration/server/support.hpp"

namespace plait::client {
namespace {

using namespace std::chrono_literals;

// The loop was not turned at all: what had come long ago was never read, and what was queued never left.
TEST(BlockingClients, AZeroTimeoutTurnsTheLoopOnce) {
  test::TestServer server;
  const std::string url = server.listen();
  server.start();
  auto client = BlockingClient::connect(url);
  ASSERT_TRUE(client) << client.error().message;
  EXPECT_TRUE(client->send(Message::text("echo"), Duration::zero()));
  std::string text;
  EXPECT_TRUE(test::wait_until([&] {
    const auto received = client->receive(Duration::zero());
    if (received && *received) text = (*received)->data.text();
    return !text.empty();
  }));
  EXPECT_EQ(text, "echo");
}

// Whoever waits for a server to come back could not tell these from an end for good.
TEST(BlockingClients, AnEndThatMayPassSaysSo) {
  test::TestServer server;
  const std::string url = server.listen(
      "ws", test::calling({.on_message = [](Session& session, const Message& message) {
        if (message.size() == 0) return session.abort();
        session.close(static_cast<std::uint32_t>(1000 + 10 * (message.text()[0] - '0') + (message.text()[1] - '0')));
      }}));
  server.start();
  const auto errno_after = [&](std::string_view text) {
    auto client = BlockingClient::connect(url);
    EXPECT_TRUE(client && client->send(Message::text(text)));
    const auto received = client->receive();
    return received ? -1 : received.error().system_errno;
  };
  EXPECT_EQ(errno_after(""), ENOTCONN);
  for (const std::string_view code : {"01", "12", "13"}) EXPECT_EQ(errno_after(code), ENOTCONN) << code;
  for (const std::string_view code : {"00", "02", "08", "11"}) EXPECT_EQ(errno_after(code), 0) << code;
}

// A server of one connection, which sends what it is told and no more.
class Peer {
 public:
  Peer() : listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    socklen_t size = sizeof address;
    const int small = 64 << 10;
    EXPECT_EQ(::setsockopt(listener_, SOL_SOCKET, SO_SNDBUF, &small, sizeof small), 0);
    EXPECT_EQ(::bind(listener_, generic, size), 0);
    EXPECT_EQ(::listen(listener_, 1), 0);
    EXPECT_EQ(::getsockname(listener_, generic, &size), 0);
    url_ = "tcp://127.0.0.1:" + std::to_string(ntohs(address.sin_port)) + "/";
  }
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;
  ~Peer() {
    ::close(socket_);
    ::close(listener_);
  }

  [[nodiscard]] const std::string& url() const { return url_; }
  void accept() {
    socket_ = ::accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    EXPECT_GE(socket_, 0);
    const std::string answer = test::answer_frame(200, {});
    EXPECT_EQ(send(answer), answer.size());
  }
  /// How much of it there was room for.
  std::size_t send(std::string_view bytes) const {
    const ssize_t sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    return sent < 0 ? 0 : static_cast<std::size_t>(sent);
  }
  /// With RST.
  void cut() {
    const linger at_once{.l_onoff = 1, .l_linger = 0};
    EXPECT_EQ(::setsockopt(socket_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once), 0);
    ::close(std::exchange(socket_, -1));
  }
  void drain() const {
    std::array<char, 4096> read{};
    while (::recv(socket_, read.data(), read.size(), 0) > 0) {
    }
  }

 private:
  int listener_;
  int socket_ = -1;
  std::string url_;
};

// Only payloads counted: a server filled the memory with messages that have none.
TEST(BlockingClients, EmptyMessagesThatNobodyReadsPauseTheSession) {
  Peer peer;
  std::thread accepting{[&] { peer.accept(); }};
  auto client = BlockingClient::connect(peer.url());
  accepting.join();
  ASSERT_TRUE(client) << client.error().message;
  std::string flood;
  const std::string empty = test::message("");
  while (flood.size() < std::size_t{16} << 20) flood += empty;
  std::size_t sent = 0;
  for (int i = 0; i < 2000 && sent < flood.size(); ++i) {
    sent += peer.send(std::string_view{flood}.substr(sent));
    ASSERT_TRUE(client->send(Message::text("a turn")));
    peer.drain();
  }
  EXPECT_LT(sent, flood.size()) << "the client has stopped reading";
  const auto received = client->receive();
  ASSERT_TRUE(received && *received);
  EXPECT_EQ((*received)->data.size(), 0U);
}

/// What lies in the kernel for this socket to read.
int unread_bytes(int socket) {
  int bytes = 0;
  EXPECT_EQ(::ioctl(socket, FIONREAD, &bytes), 0);
  return bytes;
}

// Its messages were thrown away, and send() said that they were in the kernel.
TEST(BlockingClients, WhatCannotReachAPeerThatIsGoneIsNotSent) {
  Peer peer;
  std::thread accepting{[&] { peer.accept(); }};
  auto client = BlockingClient::connect(peer.url());
  accepting.join();
  ASSERT_TRUE(client) << client.error().message;
  const int socket = test::find_socket(::getpeername, test::port_of(peer.url()));
  ASSERT_GE(socket, 0);
  const std::string unread = test::message(std::string(1 << 20, 'u'));
  std::size_t sent = 0;
  // Until the client has stopped reading. That the peer has no room says only that the kernel is slow.
  for (int in_vain = 0; in_vain < 50;) {
    sent += peer.send(std::string_view{unread}.substr(sent % unread.size()));
    const int before = unread_bytes(socket);
    ASSERT_TRUE(client->send(Message::text("a turn")));
    in_vain = before > 0 && unread_bytes(socket) == before ? in_vain + 1 : 0;
    peer.drain();
  }
  peer.cut();
  std::optional<Error> error;
  ASSERT_TRUE(test::wait_until([&] {
    const auto said = client->send(Message::text("is anybody there?"));
    if (!said) error = said.error();
    return error.has_value();
  }));
  EXPECT_EQ(error->system_errno, ENOTCONN) << error->message;
  EXPECT_FALSE(client->send(Message::text("and now?")));
  int received = 0;
  auto next = client->receive();
  for (; next && *next; next = client->receive()) ++received;
  EXPECT_GE(received, 4) << "what it had kept";
  ASSERT_FALSE(next);
  EXPECT_EQ(next.error().system_errno, ENOTCONN) << next.error().message;
}

}  // namespace
}  // namespace plait::client
