// A server that sends pings and reads nothing: its client, who goes on reading, does not gather answers without end,
// and answers the last ping when the server reads again.
#include <gtest/gtest.h>

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "core/byte_sink.hpp"
#include "frames/frame.hpp"
#include "frames/open.hpp"
#include "transport/tcp/frame_session.hpp"
#include "unit/transport/connected_loop.hpp"

namespace plait::transport {
namespace {

constexpr std::size_t kAnswersMark = 10'000;
constexpr std::size_t kPingBytes = 125;
constexpr std::size_t kFloodBytes = std::size_t{4} << 20;  // more than a socket takes

class TransportPingFlood : public testing::Test, protected ConnectedLoop {
 protected:
  TransportPingFlood()
      : ConnectedLoop({.send_high_water_bytes = kAnswersMark, .send_low_water_bytes = kAnswersMark / 2}) {}
  void start(std::unique_ptr<Protocol> protocol) {
    connection_ = connect(std::move(protocol), true);
    ASSERT_NE(connection_, nullptr);
    loop_->run_once({});
  }
  void start_websocket() {
    WsSession::Options options;
    options.role = ws::Role::client;
    start(std::make_unique<WsSession>(context_, std::make_unique<SessionHandler>(), std::move(options)));
  }
  void start_frames() {
    FrameRequest request;
    request.path = "/";
    start(std::make_unique<FrameConnect>(context_, std::make_unique<SessionHandler>(), false, std::move(request)));
    core::VectorSink answer;
    frames::encode_open(frames::OpenResponse{.status = frames::kStatusAccepted}, answer);
    ASSERT_EQ(peer_.write(ByteView{answer.bytes}).bytes, answer.bytes.size());
    loop_->run_once({});
    std::array<std::uint8_t, 256> open{};
    ASSERT_GT(peer_.read(MutableByteView{open}).bytes, 0U);
  }
  static std::string ping_frame(std::string_view payload) {
    core::VectorSink ping;
    frames::encode_ping(as_bytes(payload), ping);
    return std::string{as_text(ByteView{ping.bytes})};
  }
  /// Sends `ping` again and again, and reads nothing.
  void flood(std::string_view ping) {
    std::string many;
    while (many.size() < 100 * ping.size()) many += ping;
    for (std::size_t sent = 0; sent < kFloodBytes; sent += many.size()) {
      ASSERT_EQ(peer_.write(as_bytes(many)).bytes, many.size()) << "it reads all the time";
      loop_->run_once({});
      ASSERT_EQ(context_.entries.size(), 1U);
      ASSERT_LE(connection_->backlog_bytes(), kAnswersMark + 2 * many.size());
    }
    EXPECT_GT(connection_->backlog_bytes(), kAnswersMark) << "answers wait";
  }

  /// With a message under way that no socket takes at once, the peer sends these pings. What it then reads.
  std::string read_behind_message(Session& session, std::string_view pings) {
    EXPECT_NE(session.send(Message::binary(std::vector<std::uint8_t>(kMessageBytes)), {}), SendStatus::dropped);
    loop_->run_once({});
    EXPECT_GT(connection_->backlog_bytes(), kAnswersMark);
    EXPECT_EQ(peer_.write(as_bytes(pings)).bytes, pings.size());
    loop_->run_once({});
    std::string received;
    std::vector<std::uint8_t> piece(65'536);
    const auto read_all = [&] {
      net::IoResult result;
      while ((result = peer_.read(MutableByteView{piece})).status == net::IoStatus::ok) {
        received += as_text(ByteView{piece}.first(result.bytes));
      }
    };
    while (connection_->backlog_bytes() > 0) {
      read_all();
      loop_->run_once({});
    }
    read_all();
    return received;
  }

  static constexpr std::size_t kMessageBytes = std::size_t{2} << 20;
  TcpConnection* connection_ = nullptr;
};

TEST_F(TransportPingFlood, Rfc6455Section5_5_3_AWebSocketsClientAnswersNotAll) {
  start_websocket();
  flood(std::string{'\x89', static_cast<char>(kPingBytes)} + std::string(kPingBytes, 'p'));
}

TEST_F(TransportPingFlood, AClientOfFramesAnswersNotAll) {
  start_frames();
  flood(ping_frame(std::string(kPingBytes, 'p')));
}

TEST_F(TransportPingFlood, Rfc6455Section5_5_2AWebSocketsClientAnswersTheLastOfThoseThatMetABacklog) {
  start_websocket();
  const std::string received = read_behind_message(*connection_->session(),
                                                   "\x89\x01"
                                                   "a"
                                                   "\x89\x01"
                                                   "b");
  constexpr std::size_t kHeaderBytes = 14;  // of the message, masked
  constexpr std::size_t kPongBytes = 7;
  ASSERT_EQ(received.size(), kHeaderBytes + kMessageBytes + kPongBytes);
  const std::string pong = received.substr(received.size() - kPongBytes);
  EXPECT_EQ(pong.substr(0, 2), "\x8A\x81");
  EXPECT_EQ(pong[6] ^ pong[2], 'b');
}

TEST_F(TransportPingFlood, AClientOfFramesAnswersTheLastOfThoseThatMetABacklog) {
  start_frames();
  const std::string received = read_behind_message(*connection_->session(), ping_frame("a") + ping_frame("b"));
  EXPECT_TRUE(
      received.ends_with("\x06\x01"
                         "b"))
      << received.size();
  EXPECT_FALSE(
      received.ends_with("\x06\x01"
                         "a\x06\x01"
                         "b"));
}

}  // namespace
}  // namespace plait::transport
