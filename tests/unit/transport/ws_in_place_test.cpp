// WsSession: output that is one piece needs no queue. A message that goes back as it came leaves from the buffer that
// it was read to, and a shared one from the log of frames; whatever else is sent, the peer sees it in its order.
#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "unit/transport/connected_loop.hpp"
#include "unit/ws/frames.hpp"

namespace plait::transport {
namespace {

using OnMessage = std::function<void(Session&, const Message&)>;

class Calling final : public SessionHandler {
 public:
  explicit Calling(OnMessage on_message) : on_message_(std::move(on_message)) {}
  void on_message(Session& session, const Message& message) override { on_message_(session, message); }

 private:
  const OnMessage on_message_;
};

void echo(Session& session, const Message& message) { EXPECT_EQ(session.send(message), SendStatus::sent); }

void append(ws::Buffer& to, const ws::Buffer& bytes) { to.insert(to.end(), bytes.begin(), bytes.end()); }

std::string numbered(std::size_t size, std::size_t number) {
  std::string text(size, ' ');
  for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<char>('a' + (i + number) % 26);
  return text;
}

class TransportWsInPlace : public testing::Test, protected ConnectedLoop {
 protected:
  /// One frame of the peer's.
  void receive(const std::string& payload, ws::Opcode opcode = ws::Opcode::text) {
    append(input_, ws::Frame{.opcode = opcode, .payload = payload}.bytes());
  }
  /// One frame that the peer should get.
  void expect(const std::string& payload, ws::Opcode opcode = ws::Opcode::text) {
    append(expected_, ws::Frame{.opcode = opcode, .payload = payload, .key = std::nullopt}.bytes());
  }
  void receive_and_expect(const std::string& payload) {
    receive(payload);
    expect(payload);
  }
  /// All frames arrive in one read, as far as a socket's buffers go.
  void run(OnMessage on_message = echo) { exchange(open(std::make_unique<Calling>(std::move(on_message)))); }
  void exchange(const WsSession& session) {
    std::vector<std::uint8_t> output;
    std::size_t written = 0;
    for (int turn = 0; turn < 2000 && output.size() < expected_.size(); ++turn) {
      if (written < input_.size()) written += peer_.write(ByteView{input_}.subspan(written)).bytes;
      loop_->run_once(std::chrono::milliseconds{5});
      if (turn >= turns_before_reading_) read(output);
    }
    EXPECT_TRUE(output == expected_) << output.size() << " bytes of " << expected_.size();
    EXPECT_EQ(session.buffered_bytes(), 0U);
  }
  void read(std::vector<std::uint8_t>& output) {
    std::vector<std::uint8_t> some(std::size_t{1} << 20);
    const net::IoResult result = peer_.read(MutableByteView{some});
    if (result.status == net::IoStatus::ok)
      output.insert(output.end(), some.begin(), some.begin() + static_cast<std::ptrdiff_t>(result.bytes));
  }

  ws::Buffer input_;
  ws::Buffer expected_;
  int turns_before_reading_ = 0;
};

TEST_F(TransportWsInPlace, MessagesOfAllSizesGoBack) {
  std::size_t number = 0;
  for (int round = 0; round < 3; ++round) {
    for (const std::size_t size : {0, 1, 2, 7, 8, 9, 125, 126, 127, 2047, 2048, 4096, 20'000, 65'535, 65'536, 3}) {
      receive_and_expect(numbered(size, ++number));
    }
  }
  run();
}

TEST_F(TransportWsInPlace, AMessageIsPutBehindTheAnswerBeforeIt) {
  constexpr std::size_t kSize = 93;
  constexpr std::size_t kAnswerHeader = 2;
  const std::uint8_t* expected_place = nullptr;
  for (std::size_t i = 0; i < 10; ++i) receive_and_expect(numbered(kSize, i));
  run([&](Session& session, const Message& message) {
    EXPECT_TRUE(expected_place == nullptr || message.data().data() == expected_place);
    expected_place = message.data().data() + kSize + kAnswerHeader;
    echo(session, message);
  });
}

TEST_F(TransportWsInPlace, ManySmallOnesGoBack) {
  for (std::size_t i = 0; i < 2000; ++i) receive_and_expect(numbered(i % 130, i));
  run();
}

TEST_F(TransportWsInPlace, OneMayBeSentTwiceAndReadBetween) {
  for (std::size_t i = 0; i < 50; ++i) {
    receive(numbered(i * 3, i));
    for (int copy = 0; copy < 3; ++copy) expect(numbered(i * 3, i));
  }
  std::size_t number = 0;
  run([&](Session& session, const Message& message) {
    for (int copy = 0; copy < 3; ++copy) {
      echo(session, message);
      EXPECT_EQ(message.text(), numbered(number * 3, number));
    }
    ++number;
  });
}

TEST_F(TransportWsInPlace, OneMayBeSentInPart) {
  for (std::size_t i = 0; i < 60; ++i) {
    receive(numbered(200, i));
    expect(numbered(200, i).substr(0, i * 3), ws::Opcode::binary);
    expect(numbered(200, i).substr(3));
  }
  std::size_t number = 0;
  run([&](Session& session, const Message& message) {
    echo(session, Message{MessageKind::binary, message.data().first(number++ * 3)});
    echo(session, Message{MessageKind::text, message.data().subspan(3)});
  });
}

TEST_F(TransportWsInPlace, OthersMayComeBeforeAndBehind) {
  for (std::size_t i = 0; i < 40; ++i) {
    const std::string payload = numbered(i % 3 == 0 ? 3000 : 50, i);
    receive(payload);
    if (i % 2 == 1) expect("before");
    expect(payload);
    if (i % 5 == 4) expect(numbered(2500, 1));
  }
  std::size_t number = 0;
  const Bytes large = Bytes::copy_of(numbered(2500, 1));
  run([&](Session& session, const Message& message) {
    if (number % 2 == 1) echo(session, Message::text("before"));
    echo(session, message);
    if (number++ % 5 == 4) echo(session, Message::shared(MessageKind::text, large));
  });
}

TEST_F(TransportWsInPlace, SharedMessagesComeBetween) {
  const Bytes shared = Bytes::copy_of("shared by many");
  for (std::size_t i = 0; i < 60; ++i) {
    receive(numbered(50, i));
    if (i % 3 == 0) expect("shared by many");
    if (i % 4 != 0) expect(numbered(50, i));
    if (i % 5 == 0) expect("shared by many");
  }
  std::size_t number = 0;
  run([&](Session& session, const Message& message) {
    const std::size_t i = number++;
    if (i % 3 == 0) echo(session, Message::shared(MessageKind::text, shared));
    if (i % 4 != 0) echo(session, message);
    if (i % 5 == 0) echo(session, Message::shared(MessageKind::text, shared));
    if (i % 7 != 0) return;
    session.pause();
    session.executor().post([&session] { session.resume(); });
  });
}

TEST_F(TransportWsInPlace, SharedMessagesThatTheSocketTakesInPartAreNotSentTwice) {
  auto owned = std::make_unique<WsSession>(context_, std::make_unique<SessionHandler>(), WsSession::Options{});
  WsSession& session = *owned;
  connect_tcp(std::move(owned), 10'000);
  for (std::size_t i = 0; session.buffered_bytes() < 20'000; ++i) {
    const Bytes payload = Bytes::copy_of(numbered(1500, i));
    EXPECT_NE(session.send(Message::shared(MessageKind::text, payload), {}), SendStatus::dropped);
    expect(numbered(1500, i));
    loop_->run_once({});
  }
  exchange(session);
}

TEST_F(TransportWsInPlace, ASharedMessageMayNeverLeave) {
  const Bytes payload = Bytes::copy_of(numbered(93, 0));
  WsSession& session = open(std::make_unique<SessionHandler>());
  echo(session, Message::shared(MessageKind::text, payload));
  EXPECT_GT(session.buffered_bytes(), payload.size());
  session.abort();
  loop_->run_once({});
  std::vector<std::uint8_t> output;
  read(output);
  EXPECT_TRUE(output.empty());
  EXPECT_EQ(context_.entries.size(), 0U);
}

TEST_F(TransportWsInPlace, SomeMayGoUnanswered) {
  for (std::size_t i = 0; i < 200; ++i) {
    receive(numbered(93, i));
    if (i % 3 != 0) expect(numbered(93, i));
  }
  std::size_t number = 0;
  run([&](Session& session, const Message& message) {
    if (number++ % 3 != 0) echo(session, message);
  });
}

TEST_F(TransportWsInPlace, PingsAreAnsweredInOrder) {
  for (std::size_t i = 0; i < 30; ++i) {
    receive_and_expect(numbered(93, i));
    if (i % 4 != 0) continue;
    receive(numbered(i, 0), ws::Opcode::ping);
    expect(numbered(i, 0), ws::Opcode::pong);
  }
  run();
}

TEST_F(TransportWsInPlace, WhatDoesNotFitIntoTheSocketWaits) {
  for (std::size_t i = 0; i < 10'000; ++i) receive_and_expect(numbered(93, i));
  turns_before_reading_ = 20;
  run();
}

TEST_F(TransportWsInPlace, WhatTheSocketTakesInPartIsNotSentTwice) {
  for (std::size_t i = 0; i < 10'000; ++i) receive_and_expect(numbered(93, i));
  turns_before_reading_ = 20;
  auto owned = std::make_unique<WsSession>(context_, std::make_unique<Calling>(echo), WsSession::Options{});
  const WsSession& session = *owned;
  connect_tcp(std::move(owned), 10'000);
  exchange(session);
}

TEST_F(TransportWsInPlace, TheAnswersBeforeAPauseLeave) {
  for (std::size_t i = 0; i < 20; ++i) receive_and_expect(numbered(93, i));
  run([&](Session& session, const Message& message) {
    echo(session, message);
    session.pause();
    session.executor().post([&session] { session.resume(); });
  });
}

TEST_F(TransportWsInPlace, TheCloseFrameComesBehindTheAnswers) {
  for (std::size_t i = 0; i < 3; ++i) receive(numbered(93, i));
  expect(numbered(93, 0));
  expect(std::string{"\x03\xE8", 2} + "enough", ws::Opcode::close);
  std::vector<std::uint8_t> output;
  open(std::make_unique<Calling>([](Session& session, const Message& message) {
    (void)session.send(message);
    session.close(1000, "enough");
  }));
  ASSERT_EQ(peer_.write(input_).bytes, input_.size());
  loop_->run_once({});
  read(output);
  EXPECT_EQ(output, expected_);
}

TEST_F(TransportWsInPlace, InvalidTextBehindOthersFailsTheConnection) {
  for (std::size_t i = 0; i < 5; ++i) receive_and_expect(numbered(93, i));
  receive("not UTF-8: \xC3\x28, and longer than a header");
  receive(numbered(93, 6));
  std::vector<std::uint8_t> output;
  open(std::make_unique<Calling>(echo));
  ASSERT_EQ(peer_.write(input_).bytes, input_.size());
  loop_->run_once({});
  read(output);
  ASSERT_GT(output.size(), expected_.size());
  const ByteView close = ByteView{output}.subspan(expected_.size());
  EXPECT_TRUE(std::equal(expected_.begin(), expected_.end(), output.begin()));
  EXPECT_EQ(close[0], 0x88);
  EXPECT_EQ(close[2] << 8 | close[3], 1007);
}

TEST_F(TransportWsInPlace, AnEmptyMessageOfOnesOwnIsNoAnswer) {
  WsSession& session = open(std::make_unique<SessionHandler>());
  echo(session, Message::text(std::string_view{}));
  loop_->run_once({});
  expect("");
  std::vector<std::uint8_t> output;
  read(output);
  EXPECT_EQ(output, expected_);
}

// Both are read to the same buffer, so the second one's message is where the first one's was.
TEST_F(TransportWsInPlace, AMessageForAnotherSessionIsCopied) {
  receive_and_expect(numbered(93, 0));
  WsSession& other = open(std::make_unique<Calling>(echo));
  const net::Socket other_peer = std::move(peer_);
  ASSERT_EQ(other_peer.write(input_).bytes, input_.size());
  loop_->run_once({});
  open(std::make_unique<Calling>([&other](Session&, const Message& message) { echo(other, message); }));
  ASSERT_EQ(peer_.write(input_).bytes, input_.size());
  loop_->run_once({});
  expect(numbered(93, 0));
  std::vector<std::uint8_t> output(2 * expected_.size());
  output.resize(other_peer.read(MutableByteView{output}).bytes);
  EXPECT_EQ(output, expected_);
}

TEST_F(TransportWsInPlace, APeerThatIsGoneEndsTheSession) {
  open(std::make_unique<Calling>([&](Session& session, const Message& message) {
    peer_.close();
    echo(session, message);
  }));
  receive(numbered(93, 0));
  ASSERT_EQ(peer_.write(input_).bytes, input_.size());
  loop_->run_once({});
  EXPECT_EQ(context_.entries.size(), 0U);
}

}  // namespace
}  // namespace plait::transport
