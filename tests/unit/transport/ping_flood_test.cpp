// A server that sends pings and reads nothing: its client, who goes on reading, does not gather answers without end.
#include <gtest/gtest.h>

#include <string>
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

  TcpConnection* connection_ = nullptr;
};

TEST_F(TransportPingFlood, Rfc6455Section5_5_3_AWebSocketsClientAnswersNotAll) {
  WsSession::Options options;
  options.role = ws::Role::client;
  start(std::make_unique<WsSession>(context_, std::make_unique<SessionHandler>(), std::move(options)));
  flood(std::string{'\x89', static_cast<char>(kPingBytes)} + std::string(kPingBytes, 'p'));
}

TEST_F(TransportPingFlood, AClientOfFramesAnswersNotAll) {
  FrameRequest request;
  request.path = "/";
  start(std::make_unique<FrameConnect>(context_, std::make_unique<SessionHandler>(), false, std::move(request)));
  core::VectorSink answer;
  frames::encode_open(frames::OpenResponse{.status = frames::kStatusAccepted}, answer);
  ASSERT_EQ(peer_.write(ByteView{answer.bytes}).bytes, answer.bytes.size());
  loop_->run_once({});
  core::VectorSink ping;
  frames::encode_ping(as_bytes(std::string(kPingBytes, 'p')), ping);
  flood(as_text(ByteView{ping.bytes}));
}

}  // namespace
}  // namespace plait::transport
