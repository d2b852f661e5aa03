// What a client's first packets may bring that no TLS library sends.
#include "unit/quic/initials.hpp"

#include "unit/quic/network.hpp"

namespace plait::quic {
namespace {

class QuicInitial : public testing::Test {
 protected:
  void handle(const Initial& initial) {
    const auto datagram = seal(initial);
    pair.server_host.endpoint->handle_datagram({pair.server_host.at, pair.client_host.at}, datagram, Ecn::not_ect,
                                               pair.network.now());
  }
  /// A connection that has brought one byte, and then `count` in a CRYPTO frame each, `step` bytes apart.
  void bring_bytes(int count, int step) {
    constexpr std::uint8_t kClientHello = 1;
    constexpr int kBytesPerPacket = 100;
    Initial initial{.destination = {1, 2, 3, 4, 5, 6, 7, 8},
                    .source = {9, 9, 9, 9},
                    .payload = crypto_frame(0, std::array{kClientHello, std::uint8_t{0}, std::uint8_t{16}})};
    handle(initial);
    for (int i = 1; i <= count;) {
      ++initial.number;
      initial.payload.clear();
      for (int end = std::min(i + kBytesPerPacket, count + 1); i < end; ++i) {
        const auto frame = crypto_frame(static_cast<std::uint16_t>(2 + step * i), std::array{std::uint8_t{0}});
        initial.payload.insert(initial.payload.end(), frame.begin(), frame.end());
      }
      handle(initial);
    }
    pair.network.run_for(5s);  // less than a handshake may take, more than the end of one
  }
  [[nodiscard]] std::size_t connection_count() const { return pair.server_host.endpoint->stats().connection_count; }

  Pair pair;
};

// Each costs ngtcp2 a node, of a client that need not be there at all.
TEST_F(QuicInitial, ManyGapsInTheClientHelloEndTheHandshake) {
  bring_bytes(1000, 2);
  EXPECT_EQ(connection_count(), 0U);
}

TEST_F(QuicInitial, SomeGapsAreABrowsersHabit) {
  bring_bytes(200, 2);
  EXPECT_EQ(connection_count(), 1U);
}

TEST_F(QuicInitial, BytesInOrderLeaveNoGaps) {
  bring_bytes(1000, 1);
  EXPECT_EQ(connection_count(), 1U);
}

// RFC 9000 §8.1: what is kept without having been looked at is kept of those who are there.
TEST_F(QuicInitial, AHalfOfTheClientHelloThatOvertakesTheOtherIsAnsweredByRetry) {
  std::vector<std::uint8_t> first;
  pair.network.drops = [&first](ByteView datagram) {
    if (!first.empty()) return false;
    first.assign(datagram.begin(), datagram.end());
    return true;
  };
  pair.connect();
  ASSERT_TRUE(pair.network.run([&] { return !first.empty(); }));
  Initial initial = open_initial(first);
  const auto hello = crypto_data(initial.payload);
  const std::size_t half = hello.size() / 2;
  initial.number = 1;
  initial.payload = crypto_frame(static_cast<std::uint16_t>(half), ByteView{hello}.subspan(half));
  handle(initial);
  initial.number = 0;
  initial.payload = crypto_frame(0, ByteView{hello}.first(half));
  handle(initial);
  EXPECT_TRUE(pair.network.run([&] { return pair.client.completed; }, 2s));
  EXPECT_EQ(pair.server_host.endpoint->stats().retry_count, 1U);
}

}  // namespace
}  // namespace plait::quic
