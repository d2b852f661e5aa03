// What a client's session writes is masked, each frame with a key of its own (RFC 6455 §5.3).
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <set>
#include <string>

#include "transport/loop_context.hpp"
#include "transport/ws_session.hpp"

namespace plait::transport {
namespace {

constexpr std::size_t kFrames = 200;
constexpr std::size_t kHeaderBytes = 2;
constexpr std::size_t kKeyBytes = 4;

TEST(TransportWsMasking, Rfc6455Section5_3_EveryFrameOfAClientHasAKeyOfItsOwn) {
  const Limits limits;
  const std::unique_ptr<net::Loop> loop = *net::Loop::make();
  std::atomic<std::size_t> connection_count{0};
  LoopContext context{*loop, limits, 0, connection_count};
  std::array<int, 2> ends{};
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends.data()), 0);
  const net::Socket peer{ends[1]};
  WsSession::Options options;
  options.role = ws::Role::client;
  auto owned = std::make_unique<WsSession>(context, std::make_unique<SessionHandler>(), std::move(options));
  WsSession& session = *owned;
  ASSERT_NE(TcpConnection::start(context, net::Socket{ends[0]}, nullptr, std::move(owned)), nullptr);
  const std::string text = "the same text each time";
  for (std::size_t i = 0; i < kFrames; ++i) EXPECT_EQ(session.send(Message::text(text), {}), SendStatus::sent);
  loop->run_once({});

  const std::size_t frame_bytes = kHeaderBytes + kKeyBytes + text.size();
  std::vector<std::uint8_t> bytes(kFrames * frame_bytes + 1);
  ASSERT_EQ(peer.read(MutableByteView{bytes}).bytes, kFrames * frame_bytes);
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
  context.connections.for_each([](Connection& connection) { connection.abort({}); });
  loop->run_once({});
}

}  // namespace
}  // namespace plait::transport
