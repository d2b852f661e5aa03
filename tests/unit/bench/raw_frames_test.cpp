#include "bench/components/raw_frames.hpp"
#include "bench/components/generator/endpoint.hpp"
#include "bench/components/generator/frames.hpp"

#include <gtest/gtest.h>

#include <cstring>

namespace plait::bench {
namespace {

using Buffer = std::vector<std::uint8_t>;

TEST(BenchRawFrames, HandshakeExampleOfRfc6455Section1_3) {
  const auto url = parse_url("ws://127.0.0.1:80/echo");
  ASSERT_TRUE(url);
  const std::string request = make_upgrade_request(*url, false);
  const auto response = answer_opening_handshake(request);
  ASSERT_TRUE(response);
  EXPECT_NE(response->find("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="), std::string::npos);
  EXPECT_TRUE(accepts_upgrade(*response, false));
  EXPECT_FALSE(accepts_upgrade(*response, true));  // permessage-deflate was not accepted
  EXPECT_FALSE(answer_opening_handshake("GET / HTTP/1.1\r\nHost: h\r\n\r\n"));
}

TEST(BenchRawFrames, RefusalsAreNotAccepted) {
  EXPECT_FALSE(accepts_upgrade("HTTP/1.1 404 Not Found\r\n\r\n", false));
  EXPECT_FALSE(accepts_upgrade("HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: other\r\n\r\n", false));
}

TEST(BenchRawFrames, UnmaskMovesDownAtEveryLengthAndDistance) {
  const std::uint32_t key = 0xA1B2C3D4;
  for (std::size_t count = 0; count < 200; ++count) {
    for (const std::size_t distance : {0U, 1U, 4U, 63U}) {
      Buffer buffer(distance + count);
      Buffer expected(count);
      for (std::size_t i = 0; i < count; ++i) {
        buffer[distance + i] = static_cast<std::uint8_t>(i * 7);
        std::uint8_t bytes[4];
        std::memcpy(bytes, &key, 4);
        expected[i] = static_cast<std::uint8_t>(i * 7) ^ bytes[i % 4];
      }
      unmask_down(buffer.data(), buffer.data() + distance, count, key);
      ASSERT_TRUE(std::equal(expected.begin(), expected.end(), buffer.begin())) << count << " " << distance;
    }
  }
}

TEST(BenchRawFrames, CutAnywhereAnswersTheSameBytes) {
  const FrameCycle cycle({.distinct = true, .payload_bytes = 131}, 1);
  const ByteView all = cycle.slice(0, 4 * cycle.frame_bytes());
  const auto answer = [](RawConnection& connection, ByteView piece) {
    Buffer input(connection.partial.begin(), connection.partial.end());
    connection.partial.clear();
    input.insert(input.end(), piece.begin(), piece.end());
    const ByteView out = answer_frames(connection, input);
    return Buffer{out.begin(), out.end()};
  };
  RawConnection whole(-1);
  const Buffer expected = answer(whole, all);
  for (std::size_t cut = 0; cut <= all.size(); ++cut) {
    RawConnection connection(-1);
    Buffer got = answer(connection, all.first(cut));
    const Buffer rest = answer(connection, all.subspan(cut));
    got.insert(got.end(), rest.begin(), rest.end());
    ASSERT_EQ(got, expected) << cut;
  }
}

TEST(BenchRawFrames, PingBecomesPong) {  // RFC 6455 §5.5.3
  Buffer ping = {0x89, 0x82, 1, 2, 3, 4, 'h' ^ 1, 'i' ^ 2};
  RawConnection connection(-1);
  const ByteView pong = answer_frames(connection, ping);
  EXPECT_EQ((Buffer{pong.begin(), pong.end()}), (Buffer{0x8A, 2, 'h', 'i'}));
}

}  // namespace
}  // namespace plait::bench
