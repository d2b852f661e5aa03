#include "net/socket.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <climits>
#include <vector>

#include "net/address.hpp"
#include "unit/net/support.hpp"

namespace plait::net {
namespace {

using namespace test;
using ::testing::HasSubstr;

iovec part(std::string& text) { return {.iov_base = text.data(), .iov_len = text.size()}; }

TEST(Socket, MovesBytesBothWays) {
  auto [client, server] = tcp_pair();
  write_all(client, "hello");
  EXPECT_EQ(read_exactly(server, 5), "hello");
  write_all(server, "world!");
  EXPECT_EQ(read_exactly(client, 6), "world!");
}

TEST(Socket, ScattersAndGathers) {
  auto [client, server] = tcp_pair();
  std::string a = "ab", b = "cde";
  const std::array<iovec, 2> out{part(a), part(b)};
  const IoResult sent = client.write(out);
  EXPECT_EQ(sent.status, IoStatus::ok);
  EXPECT_EQ(sent.bytes, 5U);
  ASSERT_TRUE(wait_ready(server.fd(), POLLIN));
  std::string x(4, '.'), y(4, '.');
  const std::array<iovec, 2> in{part(x), part(y)};
  const IoResult got = server.read(in);
  EXPECT_EQ(got.status, IoStatus::ok);
  EXPECT_EQ(got.bytes, 5U);
  EXPECT_EQ(x + y, "abcde...");
}

TEST(Socket, MoreBuffersThanACallTakesAreAShortWrite) {
  auto [client, server] = tcp_pair();
  std::string byte = "x";
  const std::vector<iovec> many(IOV_MAX + 1, part(byte));
  const IoResult sent = client.write(many);
  EXPECT_EQ(sent.status, IoStatus::ok);
  EXPECT_EQ(sent.bytes, std::size_t{IOV_MAX});
  EXPECT_EQ(read_exactly(server, IOV_MAX), std::string(IOV_MAX, 'x'));
  write_all(client, "yz");
  ASSERT_TRUE(wait_ready(server.fd(), POLLIN));
  std::vector<std::uint8_t> bytes(IOV_MAX + 1);
  std::vector<iovec> single;
  for (auto& b : bytes) single.push_back({.iov_base = &b, .iov_len = 1});
  EXPECT_EQ(server.read(single).bytes, 2U);
}

TEST(Socket, NothingToReadWouldBlock) {
  auto [client, server] = tcp_pair();
  std::array<std::uint8_t, 8> buffer{};
  EXPECT_EQ(server.read(buffer).status, IoStatus::would_block);
}

TEST(Socket, AFullSendBufferWouldBlock) {
  auto [client, server] = tcp_pair();
  const std::vector<std::uint8_t> block(1 << 20);
  IoResult result;
  for (int i = 0; i < 100 && result.status == IoStatus::ok; ++i) result = client.write(block);
  EXPECT_EQ(result.status, IoStatus::would_block);
}

TEST(Socket, ShutdownWriteIsTheEndAndTheOtherWayStaysOpen) {
  auto [client, server] = tcp_pair();
  client.shutdown_write();
  ASSERT_TRUE(wait_ready(server.fd(), POLLIN));
  std::array<std::uint8_t, 8> buffer{};
  EXPECT_EQ(server.read(buffer).status, IoStatus::end);
  write_all(server, "still");
  EXPECT_EQ(read_exactly(client, 5), "still");
}

TEST(Socket, ResetOnCloseIsAnErrorAtThePeer) {
  auto [client, server] = tcp_pair();
  client.reset_on_close();
  client.close();
  EXPECT_FALSE(client.is_open());
  ASSERT_TRUE(wait_ready(server.fd(), POLLIN));
  std::array<std::uint8_t, 8> buffer{};
  const IoResult result = server.read(buffer);
  EXPECT_EQ(result.status, IoStatus::error);
  EXPECT_EQ(result.system_errno, ECONNRESET);
}

TEST(Socket, WritingToAClosedPeerIsAnErrorAndNoSignal) {
  auto [client, server] = unix_pair();
  server.close();
  const IoResult one = client.write(as_bytes("x"));
  EXPECT_EQ(one.status, IoStatus::error);
  EXPECT_EQ(one.system_errno, EPIPE);
  std::string text = "x";
  const std::array<iovec, 1> gathered{part(text)};
  EXPECT_EQ(client.write(gathered).system_errno, EPIPE);
}

TEST(Socket, ConnectIsRefusedWhereNobodyListens) {
  const Socket bound{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};  // holds a port without listening on it
  auto name = resolve({.host = "127.0.0.1"})->front();
  ASSERT_EQ(::bind(bound.fd(), name.get(), name.length), 0);
  ASSERT_EQ(::getsockname(bound.fd(), name.get(), &name.length), 0);
  auto client = Socket::connect({.host = "127.0.0.1", .port = name.port()});
  ASSERT_TRUE(client);
  ASSERT_TRUE(wait_ready(client->fd(), POLLOUT));
  EXPECT_EQ(client->finish_connect(), ECONNREFUSED);
  EXPECT_EQ(client->peer(), "127.0.0.1:" + std::to_string(name.port())) << "whom it asked";
}

TEST(Socket, ConnectNamesAHostThatCannotBeResolved) {
  const auto client = Socket::connect({.host = "no such host", .port = 1});
  ASSERT_FALSE(client);
  EXPECT_THAT(client.error().message, HasSubstr("no such host"));
  const auto empty = Socket::connect({.host = "", .port = 1});
  ASSERT_FALSE(empty);
  EXPECT_THAT(empty.error().message, HasSubstr("no host"));
}

TEST(Socket, ConnectResolvesALocalName) {
  auto listener = Listener::bind({.host = "localhost"});
  ASSERT_TRUE(listener) << listener.error().message;
  auto client = Socket::connect({.host = "localhost", .port = listener->port()});
  ASSERT_TRUE(client) << client.error().message;
  accept_one(*listener);
}

TEST(Socket, BothEndsSendWithoutDelayAndDoNotBlockOrLeakIntoChildren) {
  auto pair = tcp_pair();
  for (const Socket* socket : {&pair.client, &pair.server}) {
    int on = 0;
    socklen_t size = sizeof on;
    ASSERT_EQ(::getsockopt(socket->fd(), IPPROTO_TCP, TCP_NODELAY, &on, &size), 0);
    EXPECT_NE(on, 0);
    EXPECT_NE(::fcntl(socket->fd(), F_GETFL) & O_NONBLOCK, 0);
    EXPECT_NE(::fcntl(socket->fd(), F_GETFD) & FD_CLOEXEC, 0);
  }
}

TEST(Socket, PeerIsTextWithPort) {
  auto listener = Listener::bind({.host = "127.0.0.1"});
  ASSERT_TRUE(listener);
  auto client = Socket::connect({.host = "127.0.0.1", .port = listener->port()});
  ASSERT_TRUE(client);
  const Socket server = accept_one(*listener);
  EXPECT_EQ(client->peer(), "127.0.0.1:" + std::to_string(listener->port()));
  auto own = resolve({.host = "127.0.0.1"})->front();
  ASSERT_EQ(::getsockname(client->fd(), own.get(), &own.length), 0);
  EXPECT_EQ(server.peer(), "127.0.0.1:" + std::to_string(own.port()));
  auto [left, right] = unix_pair();
  EXPECT_EQ(left.peer(), "unix");
}

TEST(Socket, PeerIsKnownAfterTheEnd) {
  for (const char* host : {"127.0.0.1", "::1"}) {
    auto listener = Listener::bind({.host = host});
    if (!listener) continue;  // there may be no IPv6
    auto client = Socket::connect({.host = host, .port = listener->port()});
    ASSERT_TRUE(client);
    const Socket server = accept_one(*listener);
    const std::string peer = server.peer();
    EXPECT_THAT(peer, HasSubstr(host));
    client->reset_on_close();
    client->close();
    ASSERT_TRUE(wait_ready(server.fd(), POLLHUP));
    EXPECT_EQ(server.peer(), peer);
  }
  auto [left, right] = unix_pair();
  right.close();
  EXPECT_EQ(left.peer(), "unix");
  EXPECT_EQ(Socket{}.peer(), "not connected");
}

TEST(Socket, ConnectToAUnixSocketThatIsNotThereNamesThePath) {
  const std::string path = temporary_directory() + "/nobody.sock";
  const auto client = Socket::connect({.unix_path = path});
  ASSERT_FALSE(client);
  EXPECT_EQ(client.error().system_errno, ENOENT);
  EXPECT_THAT(client.error().message, HasSubstr(path));
}

TEST(SocketDeathTest, ReadingNothingIsAProgrammerError) {
  auto [client, server] = unix_pair();
  EXPECT_DEATH(client.read(MutableByteView{}), "peer's FIN");
  EXPECT_DEATH(client.read(std::span<const iovec>{}), "peer's FIN");
}

TEST(Address, TextIsWhatAPersonWrites) {
  EXPECT_EQ(to_text({.host = "127.0.0.1", .port = 80}), "127.0.0.1:80");
  EXPECT_EQ(to_text({.host = "::1", .port = 80}), "[::1]:80");
  EXPECT_EQ(to_text({.unix_path = "/run/p.sock"}), "/run/p.sock");
}

TEST(Address, ResolvesNumbersOfBothFamilies) {
  const auto ipv4 = resolve({.host = "192.0.2.1", .port = 65535});
  ASSERT_TRUE(ipv4);
  EXPECT_EQ(ipv4->front().text(), "192.0.2.1:65535");
  const auto ipv6 = resolve({.host = "2001:db8::1", .port = 1});
  ASSERT_TRUE(ipv6);
  EXPECT_EQ(ipv6->front().text(), "[2001:db8::1]:1");
  const auto mapped = resolve({.host = "::ffff:192.0.2.1", .port = 7});
  ASSERT_TRUE(mapped);
  EXPECT_EQ(mapped->front().text(), "192.0.2.1:7");
}

TEST(Address, AUnixPathOf107BytesFitsAndOneMoreDoesNot) {
  EXPECT_TRUE(resolve({.unix_path = std::string(107, 'p')}));
  const auto longer = resolve({.unix_path = std::string(108, 'p')});
  ASSERT_FALSE(longer);
  EXPECT_EQ(longer.error().system_errno, ENAMETOOLONG);
  EXPECT_THAT(longer.error().message, HasSubstr("at most 107"));
}

}  // namespace
}  // namespace plait::net
