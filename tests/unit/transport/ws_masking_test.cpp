// What a client's session writes is masked, each frame with a key of its own (RFC 6455 §5.3).
#include <gtest/gtest.h>

#include <set>
#include <string>

#include "unit/transport/connected_loop.hpp"

namespace plait::transport {
namespace {

constexpr std::size_t kFrames = 200;
constexpr std::size_t kHeaderBytes = 2;
constexpr std::size_t kKeyBytes = 4;

class TransportWsMasking : public testing::Test, protected ConnectedLoop {};

TEST_F(TransportWsMasking, Rfc6455Section5_3_EveryFrameOfAClientHasAKeyOfItsOwn) {
  WsSession::Options options;
  options.role = ws::Role::client;
  WsSession& session = open(std::make_unique<SessionHandler>(), std::move(options));
  const std::string text = "the same text each time";
  for (std::size_t i = 0; i < kFrames; ++i) EXPECT_EQ(session.send(Message::text(text), {}), SendStatus::sent);
  loop_->run_once({});

  const std::size_t frame_bytes = kHeaderBytes + kKeyBytes + text.size();
  std::vector<std::uint8_t> bytes(kFrames * frame_bytes + 1);
  ASSERT_EQ(peer_.read(MutableByteView{bytes}).bytes, kFrames * frame_bytes);
  std::set<std::string> keys;
  for (std::size_t i = 0; i < kFrames; ++i) {
    const std::string frame{as_text(ByteView{bytes}.subspan(i * frame_bytes, frame_bytes))};
    ASSERT_EQ(frame.substr(0, kHeaderBytes), (std::string{'\x81', static_cast<char>(0x80 | text.size())})) << i;
    const std::string key = frame.substr(kHeaderBytes, kKeyBytes);
    std::string unmasked = frame.substr(kHeaderBytes + kKeyBytes);
    for (std::size_t at = 0; at < unmasked.size(); ++at)
      unmasked[at] = static_cast<char>(unmasked[at] ^ key[at % kKeyBytes]);
    EXPECT_EQ(unmasked, text);
    keys.insert(key);
  }
  EXPECT_GE(keys.size(), kFrames - 1) << "two that are equal by chance are rare enough";
}

}  // namespace
}  // namespace plait::transport
