// MessageStream: what a paused session on QUIC has kept, and pings behind a backlog.
#include "transport/quic/message_stream.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "core/byte_sink.hpp"
#include "frames/frame.hpp"
#include "support/allocations.hpp"

namespace plait::transport {
namespace {

/// Pauses at each message. Counts how often a message does not stand right behind the one before it.
class PausingOwner final : public MessageStream::Owner {
 public:
  bool write(MessageStream::StreamId, Bytes data, bool) override {
    written.emplace_back(data.text());
    return true;
  }
  [[nodiscard]] std::size_t buffered_bytes(MessageStream::StreamId) const override { return unsent; }
  [[nodiscard]] std::size_t unsent_bytes(MessageStream::StreamId) const override { return unsent; }
  void tell_when_sent(MessageStream::StreamId) override { ++asked; }
  void consume(MessageStream::StreamId, std::size_t bytes) override { consumed += bytes; }
  void on_message(MessageKind, ByteView payload, Block*) override {
    received += as_text(payload);
    moves += payload.data() == next ? 0 : 1;
    next = payload.data() + payload.size() + kHeaderBytes;
    if (pauses) stream->set_paused(true);
  }
  void on_part(MessageKind, ByteView, bool) override {}
  SendStatus count_part(SendStatus status, std::size_t, bool) override { return status; }
  void on_writable() override {}
  void on_framing_error(std::uint16_t, std::string_view reason) override { ADD_FAILURE() << reason; }
  void on_peer_close(std::uint16_t, std::string_view) override {}
  void on_end() override { ended = true; }

  static constexpr std::size_t kHeaderBytes = 2;
  MessageStream* stream = nullptr;
  const std::uint8_t* next = nullptr;
  std::string received;
  std::vector<std::string> written;
  std::size_t unsent = 0;
  std::size_t asked = 0;  // to tell when it is sent
  std::size_t consumed = 0;
  std::size_t moves = 0;
  bool pauses = true;
  bool ended = false;
};

class TransportMessageStream : public testing::Test {
 protected:
  TransportMessageStream() {
    owner_.stream = &stream_;
    stream_.attach(0);
  }
  void resume() {
    stream_.set_paused(false);
    stream_.handle_kept();
  }
  static std::vector<std::uint8_t> messages(std::size_t count) {
    core::VectorSink out;
    for (std::size_t i = 0; i < count; ++i) {
      out.append(frames::FrameHeader{frames::FrameType::text, 1}.view());
      out.append(as_bytes(std::string(1, letter(i))));
    }
    return out.bytes;
  }
  static char letter(std::size_t i) { return static_cast<char>('a' + i % 23); }

  const Limits limits_;
  core::BufferPool pool_;
  PausingOwner owner_;
  MessageStream stream_{owner_, limits_, pool_, false};
};

TEST_F(TransportMessageStream, OneThatNothingComesOnIsSmall) {
  EXPECT_LE(sizeof(MessageStream), 104U);
  test::start_counting();
  stream_.set_paused(true);
  stream_.set_paused(false);
  stream_.handle_kept();
  stream_.handle_room();
  stream_.ignore_messages();
  stream_.handle_end_of_session();
  EXPECT_EQ(test::stop_counting().count, 0U);
  EXPECT_FALSE(owner_.ended);
}

TEST_F(TransportMessageStream, WhatIsKeptIsNotMovedForEachMessage) {
  constexpr std::size_t kMessages = 16'000;
  const auto sent = messages(kMessages);
  stream_.handle_data(sent, true);
  EXPECT_EQ(owner_.received.size(), 1U);
  for (std::size_t i = 1; i < kMessages; ++i) {
    EXPECT_FALSE(owner_.ended);
    resume();
    ASSERT_EQ(owner_.received.size(), i + 1);
    ASSERT_EQ(owner_.received.back(), letter(i));
  }
  EXPECT_EQ(owner_.consumed, sent.size());
  resume();
  EXPECT_TRUE(owner_.ended);
  EXPECT_LE(owner_.moves, 20U) << "half of it at a time";
}

TEST_F(TransportMessageStream, WhatComesWhileSomeIsKeptStandsBehindIt) {
  const auto sent = messages(3000);
  std::string expected;
  for (std::size_t i = 0; i < 3000; ++i) expected += letter(i);
  ByteView rest{sent};
  for (std::size_t i = 0; !rest.empty(); ++i) {
    const std::size_t size = std::min<std::size_t>(rest.size(), 1 + i % 11);
    stream_.handle_data(rest.first(size), size == rest.size());
    rest = rest.subspan(size);
    stream_.set_paused(i % 3 == 0);
  }
  owner_.pauses = false;
  resume();
  EXPECT_EQ(owner_.received, expected);
  EXPECT_EQ(owner_.consumed, sent.size());
  EXPECT_TRUE(owner_.ended);
}

TEST_F(TransportMessageStream, OfThePingsThatMeetABacklogTheLastIsAnsweredBehindIt) {
  owner_.unsent = limits_.send_high_water_bytes + 1;
  for (std::size_t i = 0; i < 100; ++i) {
    core::VectorSink ping;
    frames::encode_ping(as_bytes(std::to_string(i)), ping);
    stream_.handle_data(ping.bytes, false);
    stream_.handle_room();
  }
  EXPECT_TRUE(owner_.written.empty());
  owner_.unsent = limits_.send_low_water_bytes;
  stream_.handle_room();
  stream_.handle_room();
  EXPECT_EQ(owner_.written, std::vector<std::string>{std::string{"\x06\x02"} + "99"});
}

TEST_F(TransportMessageStream, WhoeverMeetsABacklogIsToldWhenItIsSentWithoutWaitingForAcknowledgements) {
  const std::string text = "text";
  EXPECT_EQ(stream_.send(Message::text(text)), SendStatus::sent);
  EXPECT_EQ(owner_.asked, 0U);
  owner_.unsent = limits_.send_high_water_bytes + 1;
  EXPECT_EQ(stream_.send(Message::text(text)), SendStatus::queued);
  EXPECT_EQ(owner_.asked, 1U);
}

}  // namespace
}  // namespace plait::transport
