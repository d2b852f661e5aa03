#include <gmock/gmock.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <filesystem>
#include <fstream>

#include "net/listen_advice.hpp"
#include "net/socket.hpp"
#include "unit/net/support.hpp"

namespace plait::net {
namespace {

using namespace test;
using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr ListenOptions kAlone{.reuse_port = false};

bool has_ipv6_loopback() { return Listener::bind({.host = "::1"}).has_value(); }

Socket connect_and_wait(const Address& address) {
  auto client = Socket::connect(address);
  EXPECT_TRUE(client) << client.error().message;
  EXPECT_TRUE(wait_ready(client->fd(), POLLOUT));
  EXPECT_EQ(client->finish_connect(), 0);
  return std::move(*client);
}

TEST(Listener, PortZeroPicksAFreeOne) {
  const auto listener = Listener::bind({.host = "127.0.0.1", .port = 0});
  ASSERT_TRUE(listener);
  EXPECT_NE(listener->port(), 0);
}

TEST(Listener, AcceptWithoutAWaitingConnectionWouldBlock) {
  const auto listener = Listener::bind({.host = "127.0.0.1"});
  ASSERT_TRUE(listener);
  Socket none;
  EXPECT_EQ(listener->accept(none).status, IoStatus::would_block);
  EXPECT_FALSE(none.is_open());
}

TEST(Listener, SaysWhetherAConnectionWaits) {
  const auto listener = Listener::bind({.host = "127.0.0.1"});
  ASSERT_TRUE(listener);
  EXPECT_FALSE(listener->has_waiting());
  const Socket client = connect_and_wait({.host = "127.0.0.1", .port = listener->port()});
  ASSERT_TRUE(wait_ready(listener->fd(), POLLIN));
  EXPECT_TRUE(listener->has_waiting());
  Socket accepted;
  EXPECT_EQ(listener->accept(accepted).status, IoStatus::ok);
  EXPECT_FALSE(listener->has_waiting());
}

TEST(Listener, AcceptSaysThatTheDescriptorsRanOut) {
  const auto listener = Listener::bind({.host = "127.0.0.1"});
  ASSERT_TRUE(listener);
  const Socket client = connect_and_wait({.host = "127.0.0.1", .port = listener->port()});
  ASSERT_TRUE(wait_ready(listener->fd(), POLLIN));
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  const rlimit none{.rlim_cur = 0, .rlim_max = before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
  Socket accepted;
  const IoResult result = listener->accept(accepted);
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
  EXPECT_EQ(result.status, IoStatus::error);
  EXPECT_EQ(result.system_errno, EMFILE);
  EXPECT_EQ(listener->accept(accepted).status, IoStatus::ok);
}

TEST(Listener, APortInUseIsNamedWithTheFix) {
  const auto first = Listener::bind({.host = "127.0.0.1"}, kAlone);
  ASSERT_TRUE(first);
  const auto second = Listener::bind({.host = "127.0.0.1", .port = first->port()}, kAlone);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().system_errno, EADDRINUSE);
  EXPECT_THAT(second.error().message,
              AllOf(HasSubstr("port " + std::to_string(first->port()) + " is in use"), HasSubstr("use another port")));
}

TEST(Listener, APortInUseIsNoticedEvenIfItsOwnerSharesIt) {
  const auto first = Listener::bind({.host = "127.0.0.1"}, {.reuse_port = true});
  ASSERT_TRUE(first);
  const auto second = Listener::bind({.host = "127.0.0.1", .port = first->port()}, kAlone);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().system_errno, EADDRINUSE);
}

TEST(Listener, AnotherTakesPartOfTheConnectionsOfOnePort) {
  const auto first = Listener::bind({.host = "127.0.0.1"}, kAlone);
  ASSERT_TRUE(first);
  const auto second = first->another();
  ASSERT_TRUE(second) << second.error().message;
  EXPECT_EQ(second->port(), first->port());
  int to_first = 0;
  int to_second = 0;
  for (int i = 0; i < 64; ++i) {
    const Socket client = connect_and_wait({.host = "127.0.0.1", .port = first->port()});
    std::array<pollfd, 2> waiting{pollfd{first->fd(), POLLIN, 0}, pollfd{second->fd(), POLLIN, 0}};
    ASSERT_EQ(::poll(waiting.data(), waiting.size(), 10'000), 1);
    Socket accepted;
    to_first += first->accept(accepted).status == IoStatus::ok;
    to_second += second->accept(accepted).status == IoStatus::ok;
  }
  EXPECT_EQ(to_first + to_second, 64);
  EXPECT_GT(to_first, 0);  // the kernel picks by hash: all on one side has a probability of 2^-63
  EXPECT_GT(to_second, 0);
}

TEST(Listener, ReusePortJoinsAListenerThatAllowsIt) {
  const auto first = Listener::bind({.host = "127.0.0.1"});
  ASSERT_TRUE(first);
  const auto second = Listener::bind({.host = "127.0.0.1", .port = first->port()});
  ASSERT_TRUE(second) << second.error().message;
}

TEST(Listener, AnAddressOfAnotherMachineIsNamedWithTheFix) {
  const auto listener = Listener::bind({.host = "192.0.2.1"});  // RFC 5737: nobody has it
  ASSERT_FALSE(listener);
  EXPECT_EQ(listener.error().system_errno, EADDRNOTAVAIL);
  EXPECT_THAT(listener.error().message, AllOf(HasSubstr("192.0.2.1"), HasSubstr("use 127.0.0.1")));
}

TEST(Listener, AHostThatCannotBeResolvedIsNamed) {
  const auto listener = Listener::bind({.host = "no such host"});
  ASSERT_FALSE(listener);
  EXPECT_THAT(listener.error().message, AllOf(HasSubstr("cannot listen"), HasSubstr("no such host")));
}

Result<Listener, Error> close_and_bind_again() {
  auto listener = Listener::bind({.host = "127.0.0.1"}, kAlone);
  if (!listener) return listener;
  const Address address{.host = "127.0.0.1", .port = listener->port()};
  Socket client = connect_and_wait(address);
  Socket server = accept_one(*listener);
  server.close();  // so that the port has a connection in FIN-WAIT or TIME-WAIT
  client.close();
  listener->close();
  return Listener::bind(address, kAlone);
}

// Another process may take a port that is free for a moment, but hardly three in a row.
TEST(Listener, ClosedListenersPortCanBeBoundAgainAtOnce) {
  auto again = close_and_bind_again();
  for (int attempt = 1; attempt < 3 && !again && again.error().system_errno == EADDRINUSE; ++attempt) {
    again = close_and_bind_again();
  }
  EXPECT_TRUE(again) << again.error().message;
}

TEST(ListenerIpv6, LoopbackIsReached) {
  if (!has_ipv6_loopback()) GTEST_SKIP() << "this machine has no ::1";
  auto [client, server] = tcp_pair("::1");
  write_all(client, "six");
  EXPECT_EQ(read_exactly(server, 3), "six");
  EXPECT_THAT(server.peer(), HasSubstr("[::1]:"));
}

TEST(ListenerIpv6, TheUnspecifiedAddressTakesBothFamilies) {
  if (!has_ipv6_loopback()) GTEST_SKIP() << "this machine has no ::1";
  const auto listener = Listener::bind({.host = "::"});
  ASSERT_TRUE(listener);
  const Socket over_ipv4 = connect_and_wait({.host = "127.0.0.1", .port = listener->port()});
  EXPECT_THAT(accept_one(*listener).peer(), HasSubstr("127.0.0.1:"));
  const Socket over_ipv6 = connect_and_wait({.host = "::1", .port = listener->port()});
  EXPECT_THAT(accept_one(*listener).peer(), HasSubstr("[::1]:"));
}

TEST(ListenerUnix, ServesAndRemovesItsFile) {
  const std::string path = temporary_directory() + "/p.sock";
  {
    const auto listener = Listener::bind({.unix_path = path});
    ASSERT_TRUE(listener) << listener.error().message;
    EXPECT_EQ(listener->port(), 0);
    const Socket client = connect_and_wait({.unix_path = path});
    const Socket server = accept_one(*listener);
    write_all(client, "local");
    EXPECT_EQ(read_exactly(server, 5), "local");
    EXPECT_EQ(server.peer(), "unix");
  }
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST(ListenerUnix, AFileThatAKilledProgramLeftIsReplaced) {
  const std::string path = temporary_directory() + "/p.sock";
  {
    const auto listener = Listener::bind({.unix_path = path});
    ASSERT_TRUE(listener);
    std::filesystem::create_hard_link(path, path + ".kept");
  }
  std::filesystem::rename(path + ".kept", path);
  const auto again = Listener::bind({.unix_path = path});
  ASSERT_TRUE(again) << again.error().message;
  connect_and_wait({.unix_path = path});
}

TEST(ListenerUnix, AListenedSocketIsNotReplaced) {
  const std::string path = temporary_directory() + "/p.sock";
  const auto first = Listener::bind({.unix_path = path});
  ASSERT_TRUE(first);
  const auto second = Listener::bind({.unix_path = path});
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().system_errno, EADDRINUSE);
  EXPECT_THAT(second.error().message, AllOf(HasSubstr(path), HasSubstr("another program listens there")));
  connect_and_wait({.unix_path = path});
}

TEST(ListenerUnix, AFileThatIsNotASocketIsNotReplaced) {
  const std::string path = temporary_directory() + "/p.sock";
  std::ofstream{path} << "precious";
  const auto listener = Listener::bind({.unix_path = path});
  ASSERT_FALSE(listener);
  EXPECT_EQ(listener.error().system_errno, EEXIST);
  EXPECT_THAT(listener.error().message, HasSubstr("not a socket"));
  EXPECT_EQ(std::filesystem::file_size(path), 8U);
}

TEST(ListenerUnix, AMissingDirectoryIsNamed) {
  const std::string path = temporary_directory() + "/missing/p.sock";
  const auto listener = Listener::bind({.unix_path = path});
  ASSERT_FALSE(listener);
  EXPECT_EQ(listener.error().system_errno, ENOENT);
  EXPECT_THAT(listener.error().message, AllOf(HasSubstr(path), HasSubstr("directory does not exist")));
}

TEST(ListenerUnix, ASuccessorsFileIsNotRemoved) {
  const std::string path = temporary_directory() + "/p.sock";
  auto first = Listener::bind({.unix_path = path});
  ASSERT_TRUE(first);
  std::filesystem::rename(path, path + ".old");
  const auto successor = Listener::bind({.unix_path = path});
  ASSERT_TRUE(successor);
  first->close();
  EXPECT_TRUE(std::filesystem::exists(path));
}

TEST(ListenerUnix, SharersAcceptFromOneQueueAndLeaveTheFile) {
  const std::string path = temporary_directory() + "/p.sock";
  const auto first = Listener::bind({.unix_path = path});
  ASSERT_TRUE(first);
  {
    const auto shared = first->another();
    ASSERT_TRUE(shared);
    EXPECT_NE(shared->fd(), first->fd());
    const Socket client = connect_and_wait({.unix_path = path});
    accept_one(*shared);
  }
  EXPECT_TRUE(std::filesystem::exists(path));
}

TEST(ListenAdvice, NamesTheFixForEachCause) {
  const Address privileged{.host = "0.0.0.0", .port = 1023};
  const Address unprivileged{.host = "0.0.0.0", .port = 1024};
  const Address unix_socket{.unix_path = "/p.sock"};
  EXPECT_THAT(listen_advice(EACCES, privileged, PortKind::tcp),
              AllOf(HasSubstr("port 1023"), HasSubstr("CAP_NET_BIND_SERVICE")));
  EXPECT_THAT(listen_advice(EACCES, unprivileged, PortKind::tcp), HasSubstr("use another port"));
  EXPECT_THAT(listen_advice(EACCES, unix_socket, PortKind::tcp), HasSubstr("may write to"));
  EXPECT_THAT(listen_advice(EPERM, privileged, PortKind::tcp), HasSubstr("CAP_NET_BIND_SERVICE"));
  EXPECT_THAT(listen_advice(EAFNOSUPPORT, privileged, PortKind::tcp), HasSubstr("no IPv6"));
  EXPECT_THAT(listen_advice(EMFILE, privileged, PortKind::tcp), HasSubstr("ulimit -n"));
  EXPECT_EQ(listen_advice(EIO, privileged, PortKind::tcp), "");
  EXPECT_THAT(listen_advice(EADDRINUSE, unprivileged, PortKind::tcp), HasSubstr("ss -ltnp 'sport = :1024'"));
  EXPECT_THAT(listen_advice(EADDRINUSE, unprivileged, PortKind::udp), HasSubstr("ss -lunp 'sport = :1024'"));
}

}  // namespace
}  // namespace plait::net
