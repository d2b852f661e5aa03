// What is left of a large message is read straight to where the message is kept.
#include <gtest/gtest.h>

#include "core/byte_sink.hpp"
#include "frames/frame.hpp"
#include "frames/open.hpp"
#include "transport/tcp/frame_session.hpp"
#include "unit/transport/connected_loop.hpp"
#include "ws/frame.hpp"

namespace plait::transport {
namespace {

constexpr std::size_t kMessageBytes = 100'000;
constexpr std::size_t kHalf = kMessageBytes / 2;

class Counting final : public SessionHandler {
 public:
  explicit Counting(std::size_t& received) : received_(received) {}
  void on_message(Session&, const Message& message) override { received_ += message.size(); }

 private:
  std::size_t& received_;
};

class Framed final : public FrameSession {
 public:
  explicit Framed(LoopContext& context) : FrameSession(context, std::make_unique<SessionHandler>(), false) {}
  void handle_drain() override {}
  void handle_closed(const Disconnect&) override {}

 private:
  void handle_open_frame(ByteView) override {}
};

class TransportDirectInput : public testing::Test, protected ConnectedLoop {
 protected:
  void receive(ByteView bytes) {
    ASSERT_EQ(peer_.write(bytes).bytes, bytes.size());
    loop_->run_once(std::chrono::seconds{5});
  }
};

TEST_F(TransportDirectInput, OfAWebSocketMessageUntilItIsWhole) {
  std::size_t received = 0;
  const WsSession& session = open(std::make_unique<Counting>(received));
  const std::uint32_t key = 0;
  std::vector<std::uint8_t> frame(ws::kFrameHeaderBytesMax + kMessageBytes);
  const std::size_t header =
      ws::encode_frame_header(frame.data(), ws::Opcode::binary, true, false, kMessageBytes, &key);
  frame.resize(header + kMessageBytes);
  receive(ByteView{frame}.first(kHalf));
  EXPECT_TRUE(session.reads_directly());
  receive(ByteView{frame}.subspan(kHalf));
  EXPECT_FALSE(session.reads_directly());
  EXPECT_EQ(received, kMessageBytes);
}

TEST_F(TransportDirectInput, OfAMessageOnAWireWithoutHttp) {
  auto owned = std::make_unique<Framed>(context_);
  const Framed& session = *owned;
  connect(std::move(owned));
  core::VectorSink begin;
  frames::encode_open(frames::OpenRequest{.path = "/"}, begin);
  begin.append(frames::FrameHeader{frames::type_of(MessageKind::binary), kMessageBytes}.view());
  begin.append(ByteView{std::vector<std::uint8_t>(kHalf)});
  receive(begin.bytes);
  EXPECT_TRUE(session.reads_directly());
}

}  // namespace
}  // namespace plait::transport
