#include "net/udp_socket.hpp"

#include <gmock/gmock.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <vector>

#include "unit/net/support.hpp"

namespace plait::net {
namespace {

using namespace test;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

using Buffer = std::vector<std::uint8_t>;

UdpSocket bound(const std::string& host = "127.0.0.1") {
  auto socket = UdpSocket::bind(Address{.host = host, .port = 0}, {});
  EXPECT_TRUE(socket) << socket.error().message;
  return std::move(*socket);
}

struct Received {
  Buffer bytes;
  UdpBatch batch;
};

Received receive_one(const UdpSocket& socket) {
  Received received;
  received.bytes.resize(UdpSocket::kBatchBytesMax);
  EXPECT_TRUE(wait_ready(socket.fd(), POLLIN));
  const IoResult result = socket.receive(received.bytes, received.batch);
  EXPECT_EQ(result.status, IoStatus::ok);
  received.bytes.resize(result.bytes);
  return received;
}

void expect_sent(const IoResult& result, std::size_t bytes) {
  EXPECT_EQ(result.status, IoStatus::ok) << result.system_errno;
  EXPECT_EQ(result.bytes, bytes);
}

TEST(UdpSocketRefusals, NoneIsNotAnAnswer) {
  Buffer buffer(UdpSocket::kBatchBytesMax);
  const IoResult result = bound().receive_refused(buffer);
  EXPECT_EQ(result.status, IoStatus::would_block);
  EXPECT_EQ(result.bytes, 0U);
}

class UdpFamilies : public ::testing::TestWithParam<std::string> {};

TEST_P(UdpFamilies, ABatchArrivesWithItsSegmentsAddressesAndEcn) {
  auto made = UdpSocket::bind(Address{.host = GetParam(), .port = 0}, {});
  if (!made) GTEST_SKIP() << made.error().message;
  const UdpSocket& from = *made;
  const UdpSocket to = bound(GetParam());
  const Buffer data(10 * 1000 + 7, 'x');
  expect_sent(from.send({.remote = to.name(), .bytes = data, .segment_bytes = 1000, .ecn = 2}), data.size());
  const Received received = receive_one(to);
  EXPECT_EQ(received.bytes, data);
  EXPECT_EQ(received.batch.segment_bytes, 1000U);
  EXPECT_EQ(received.batch.ecn, 2);
  EXPECT_EQ(received.batch.remote.text(), from.name().text());
  EXPECT_EQ(received.batch.local.text(), to.name().text());
}

TEST_P(UdpFamilies, AnAnswerLeavesFromTheAddressThatWasAskedFor) {
  auto made = UdpSocket::bind(Address{.host = GetParam(), .port = 0}, {});
  if (!made) GTEST_SKIP() << made.error().message;
  const bool is_ipv6 = made->name().family() == AF_INET6;
  const UdpSocket everywhere = bound(is_ipv6 ? "::" : "0.0.0.0");
  SocketAddress asked = made->name();
  if (is_ipv6) {
    reinterpret_cast<sockaddr_in6*>(&asked.storage)->sin6_port = htons(everywhere.name().port());
  } else {
    reinterpret_cast<sockaddr_in*>(&asked.storage)->sin_port = htons(everywhere.name().port());
  }
  const Buffer data{1, 2, 3};
  expect_sent(made->send({.remote = asked, .bytes = data, .segment_bytes = 3}), 3);
  const Received question = receive_one(everywhere);
  EXPECT_EQ(question.batch.local.text(), asked.text());
  expect_sent(everywhere.send(
                  {.local = question.batch.local, .remote = question.batch.remote, .bytes = data, .segment_bytes = 3}),
              3);
  EXPECT_EQ(receive_one(*made).batch.remote.text(), asked.text());
}

INSTANTIATE_TEST_SUITE_P(Loopback, UdpFamilies, ::testing::Values("127.0.0.1", "::1"));

TEST(UdpSocket, IPv4ReachesADualStackSocketAndIsAnsweredFromThere) {
  auto dual = UdpSocket::bind(Address{.host = "::", .port = 0}, {});
  if (!dual) GTEST_SKIP() << dual.error().message;
  const UdpSocket client = bound();
  SocketAddress server = client.name();
  reinterpret_cast<sockaddr_in*>(&server.storage)->sin_port = htons(dual->name().port());
  const Buffer data{1, 2, 3};
  expect_sent(client.send({.remote = server, .bytes = data, .segment_bytes = 3, .ecn = 1}), 3);
  const Received question = receive_one(*dual);
  EXPECT_EQ(question.batch.ecn, 1);
  expect_sent(dual->send({.local = question.batch.local,
                          .remote = question.batch.remote,
                          .bytes = data,
                          .segment_bytes = 3,
                          .ecn = 1}),
              3);
  const Received answer = receive_one(client);
  EXPECT_EQ(answer.batch.remote.text(), server.text());
  EXPECT_EQ(answer.batch.ecn, 1);
}

TEST(UdpSocket, AnEmptyDatagramIsReceived) {
  const UdpSocket from = bound(), to = bound();
  expect_sent(from.send({.remote = to.name(), .bytes = {}, .segment_bytes = 0}), 0);
  EXPECT_TRUE(receive_one(to).bytes.empty());
}

TEST(UdpSocket, NothingToReceiveWouldBlock) {
  const UdpSocket socket = bound();
  Buffer buffer(UdpSocket::kBatchBytesMax);
  UdpBatch batch;
  EXPECT_EQ(socket.receive(buffer, batch).status, IoStatus::would_block);
}

TEST(UdpSocket, APortInUseIsNamedWithTheFix) {
  const UdpSocket first = bound();
  const auto second = UdpSocket::bind(Address{.host = "127.0.0.1", .port = first.name().port()}, {});
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().system_errno, EADDRINUSE);
  EXPECT_THAT(second.error().message, HasSubstr(std::to_string(first.name().port())));
}

// --- Steering --------------------------------------------------------------------------------------------------------

class UdpSteering : public ::testing::Test {
 protected:
  void SetUp() override {
    sockets_.push_back(bound());
    for (int i = 1; i < 3; ++i) {
      auto another = sockets_[0].another();
      ASSERT_TRUE(another) << another.error().message;
      sockets_.push_back(std::move(*another));
    }
    const auto steered = sockets_[0].steer_by_connection_id(3);
    ASSERT_TRUE(steered) << steered.error().message;
  }

  // Which of the sockets a packet with these first bytes reaches; one that was sent before may come only now.
  std::size_t reached_by(const Buffer& packet) {
    const UdpSocket from = bound();
    expect_sent(from.send({.remote = sockets_[0].name(), .bytes = packet, .segment_bytes = packet.size()}),
                packet.size());
    std::array<pollfd, 3> waiting{};
    for (std::size_t i = 0; i < 3; ++i) waiting[i] = {.fd = sockets_[i].fd(), .events = POLLIN, .revents = 0};
    while (::poll(waiting.data(), waiting.size(), 5000) > 0) {
      for (std::size_t i = 0; i < 3; ++i) {
        if (waiting[i].revents != 0 && receive_one(sockets_[i]).bytes == packet) return i;
      }
    }
    return 3;
  }

  std::vector<UdpSocket> sockets_;
};

TEST_F(UdpSteering, AShortHeadersConnectionIdBeginsAtItsSecondByte) {
  for (std::uint8_t first = 0; first < 9; ++first) {
    EXPECT_EQ(reached_by({0x40, first, 9, 9, 9, 9, 9, 9, 9}), first % 3U);
  }
}

TEST_F(UdpSteering, ALongHeadersConnectionIdBeginsAtItsSeventhByte) {
  for (std::uint8_t first = 250; first < 255; ++first) {
    EXPECT_EQ(reached_by({0xC0, 0, 0, 0, 1, 8, first, 1, 1, 1}), first % 3U);
  }
}

// What is too short for the program is given to the first socket or dropped, but harms nobody.
TEST_F(UdpSteering, TooShortADatagramLeavesTheSocketsUsable) {
  const UdpSocket from = bound();
  const Buffer one{0xC0};
  expect_sent(from.send({.remote = sockets_[0].name(), .bytes = one, .segment_bytes = 1}), 1);
  Buffer buffer(UdpSocket::kBatchBytesMax);
  UdpBatch batch;
  for (const UdpSocket& socket : sockets_) socket.receive(buffer, batch);
  EXPECT_EQ(reached_by({0x40, 1, 2, 3}), 1U);
}

}  // namespace
}  // namespace plait::net
