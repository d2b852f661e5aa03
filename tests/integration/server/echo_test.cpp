// Messages of every size over every wire, by Plait's own clients.
#include "integration/server/wires.hpp"

namespace plait::test {
namespace {

constexpr std::size_t kSizes[] = {0, 1, 125, 126, 4095, 4096, 65535, 65536, std::size_t{1} << 20, std::size_t{5} << 20};

class ServerEcho : public EveryWire {
 protected:
  void start(ServerOptions options = {}, HandlerFactory factory = handler<Echo>()) {
    make(std::move(options));
    listen(std::move(factory));
    server_->start();
    url_ = base_ + "/";
  }
  std::optional<BlockingClient> connect(const ConnectOptions& options) {
    auto client = BlockingClient::connect(url_, options);
    EXPECT_TRUE(client) << (client ? "" : client.error().message);
    if (!client) return std::nullopt;
    return std::move(*client);
  }
  std::optional<BlockingClient> connect() { return connect(trusting()); }

  std::string url_;
};

void expect_echo_of(BlockingClient& client, MessageKind kind, const std::string& data) {
  const auto sent = client.send(Message{kind, as_bytes(data)});
  ASSERT_TRUE(sent) << sent.error().message;
  const auto received = client.receive();
  ASSERT_TRUE(received) << received.error().message;
  ASSERT_TRUE(received->has_value()) << "no echo of " << data.size() << " bytes";
  EXPECT_EQ((*received)->kind, kind);
  EXPECT_TRUE((*received)->data.text() == data) << data.size() << " bytes came back as " << (*received)->data.size();
}

TEST_P(ServerEcho, SizesOnBothSidesOfEachBoundary) {
  start();
  auto client = connect();
  ASSERT_TRUE(client);
  for (const std::size_t size : kSizes) {
    expect_echo_of(*client, MessageKind::text, pattern(size));
    expect_echo_of(*client, MessageKind::binary, pattern(size));
  }
  const CloseInfo closed = client->close(4000, "done");
  EXPECT_EQ(closed.code, 4000);
  EXPECT_TRUE(closed.clean);
  EXPECT_TRUE(closed.started_by_us);
}

TEST_P(ServerEcho, PipelinedBatchesComeBackInOrder) {
  start();
  std::size_t received = 0;
  std::string wrong;
  constexpr std::size_t kCount = 500;
  const auto text_of = [](std::size_t i) { return std::to_string(i) + pattern(i % 16 == 0 ? i * 40 : i); };
  Client client;
  Calls calls;
  calls.on_open = [&](Session& session) {
    for (std::size_t i = 0; i < kCount; ++i) session.send(Message::text(text_of(i)));
  };
  calls.on_message = [&](Session& session, const Message& message) {
    if (message.text() != text_of(received) && wrong.empty()) wrong = "message " + std::to_string(received);
    if (++received == kCount) session.close();
  };
  const auto id = client.connect(url_, std::make_unique<Called>(calls), trusting());
  ASSERT_TRUE(id) << id.error().message;
  client.run();
  EXPECT_EQ(wrong, "");
  EXPECT_EQ(received, kCount);
}

TEST_P(ServerEcho, TheSubprotocolIsTheHandlersChoiceAmongThoseOffered) {
  Box<std::string> offered;
  Calls calls;
  calls.on_request = [&](OpeningRequest& request) {
    std::string all;
    for (const std::string_view one : request.subprotocols()) all.append(one).append(";");
    offered.set(all);
    request.accept("b");
  };
  calls.on_message = [](Session& session, const Message&) { session.send(Message::text(session.subprotocol())); };
  start({}, calling(calls));
  ConnectOptions wanted = trusting();
  wanted.subprotocols = {"a", "b", "c"};
  auto client = connect(wanted);
  ASSERT_TRUE(client);
  EXPECT_EQ(offered.wait(), "a;b;c;");
  expect_echo_of(*client, MessageKind::text, "b");
}

TEST_P(ServerEcho, ARejectedRequestTellsItsStatus) {
  Calls calls;
  calls.on_request = [](OpeningRequest& request) { request.reject(401, "log in first"); };
  start({}, calling(calls));
  const auto client = BlockingClient::connect(url_, trusting());
  ASSERT_FALSE(client);
  EXPECT_NE(client.error().message.find("401"), std::string::npos) << client.error().message;
}

TEST_P(ServerEcho, AnExceptionFromOnRequestRefusesWith500) {
  Calls calls;
  calls.on_request = [](OpeningRequest&) { throw std::runtime_error{"no database"}; };
  start({}, calling(calls));
  const QuietLog log;
  const auto client = BlockingClient::connect(url_, trusting());
  ASSERT_FALSE(client);
  EXPECT_NE(client.error().message.find("500"), std::string::npos) << client.error().message;
  EXPECT_EQ(client.error().message.find("database"), std::string::npos) << "internals stay inside";
  EXPECT_NE(log.text().find("the handler of / threw in on_request (peer "), std::string::npos) << log.text();
  EXPECT_NE(log.text().find("): no database"), std::string::npos) << log.text();
}

TEST_P(ServerEcho, WhateverOnRequestThrowsRefusesWith500) {
  Calls calls;
  calls.on_request = [](OpeningRequest&) { throw 42; };
  start({}, calling(calls));
  const auto client = BlockingClient::connect(url_, trusting());
  ASSERT_FALSE(client);
  EXPECT_NE(client.error().message.find("500"), std::string::npos) << client.error().message;
}

TEST_P(ServerEcho, AnExceptionFromOnMessageClosesWith1011) {
  Calls calls;
  calls.on_message = [](Session&, const Message&) { throw std::runtime_error{"no database"}; };
  start({}, calling(calls));
  const QuietLog log;
  auto client = connect();
  ASSERT_TRUE(client);
  ASSERT_TRUE(client->send(Message::text("hello")));
  EXPECT_FALSE(client->receive());
  EXPECT_EQ(client->close().code, close_code::kInternalError);
  EXPECT_NE(log.text().find("a session handler threw in on_message (peer "), std::string::npos) << log.text();
}

TEST_P(ServerEcho, BothSidesOfACloseFromTheServerAreClean) {
  Box<CloseInfo> server_side;
  Calls calls;
  calls.on_message = [](Session& session, const Message&) { session.close(4001, "enough"); };
  calls.on_close = [&](Session&, const CloseInfo& info) { server_side.set(info); };
  start({}, calling(calls));
  auto client = connect();
  ASSERT_TRUE(client);
  ASSERT_TRUE(client->send(Message::text("hello")));
  EXPECT_FALSE(client->receive());
  const CloseInfo closed = client->close();
  EXPECT_EQ(closed.code, 4001);
  EXPECT_EQ(closed.reason, "enough");
  EXPECT_TRUE(closed.clean);
  EXPECT_FALSE(closed.started_by_us);
  const CloseInfo theirs = server_side.wait();
  EXPECT_EQ(theirs.code, 4001);
  EXPECT_TRUE(theirs.clean);
  EXPECT_TRUE(theirs.started_by_us);
}

TEST_P(ServerEcho, ACloseFromTheClientReachesTheHandler) {
  Box<CloseInfo> server_side;
  Calls calls;
  calls.on_close = [&](Session&, const CloseInfo& info) { server_side.set(info); };
  start({}, calling(calls));
  auto client = connect();
  ASSERT_TRUE(client);
  client->close(1000, "bye");
  const CloseInfo theirs = server_side.wait();
  EXPECT_EQ(theirs.code, 1000);
  EXPECT_EQ(theirs.reason, "bye");
  EXPECT_TRUE(theirs.clean);
  EXPECT_FALSE(theirs.started_by_us);
}

TEST_P(ServerEcho, AnAbortIsNotClean) {
  Calls calls;
  calls.on_message = [](Session& session, const Message&) { session.abort(); };
  start({}, calling(calls));
  auto client = connect();
  ASSERT_TRUE(client);
  ASSERT_TRUE(client->send(Message::text("hello")));
  EXPECT_FALSE(client->receive());
  const CloseInfo closed = client->close();
  EXPECT_EQ(closed.code, close_code::kAbnormal);
  EXPECT_FALSE(closed.clean);
}

TEST_P(ServerEcho, PartsBothWaysPassWhatNoLimitWouldLetThrough) {
  constexpr std::size_t kPartBytes = 100'000;
  constexpr std::size_t kParts = 30;
  Calls calls;
  auto writer = std::make_shared<MessageWriter*>(nullptr);
  calls.on_part = [writer](Session& session, const Message& part, bool last) {
    if (*writer == nullptr) *writer = session.begin_message(part.kind());
    (*writer)->write(part.data());
    if (last) std::exchange(*writer, nullptr)->finish();
  };
  ServerOptions server_options;
  server_options.limits.message_bytes_max = 1000;
  start(server_options, calling(calls));

  std::string received;
  bool ended = false;
  Calls own;
  own.on_open = [&](Session& session) {
    MessageWriter* message = session.begin_message(MessageKind::binary);
    ASSERT_NE(message, nullptr);
    EXPECT_EQ(session.begin_message(MessageKind::text), nullptr);
    EXPECT_EQ(session.send(Message::text("not now")), SendStatus::dropped);
    for (std::size_t i = 0; i < kParts; ++i) message->write(as_bytes(pattern(kPartBytes)));
    message->finish();
  };
  own.on_part = [&](Session& session, const Message& part, bool last) {
    received += part.text();
    EXPECT_EQ(part.kind(), MessageKind::binary);
    ended = last;
    if (last) session.close();
  };
  ClientOptions client_options;
  client_options.limits.message_bytes_max = 1000;
  Client client{client_options};
  ASSERT_TRUE(client.connect(url_, std::make_unique<Called>(own), trusting()));
  client.run();
  EXPECT_TRUE(ended);
  std::string sent;
  for (std::size_t i = 0; i < kParts; ++i) sent += pattern(kPartBytes);
  EXPECT_TRUE(received == sent) << received.size() << " of " << sent.size() << " bytes, or other ones";
}

TEST_P(ServerEcho, WhatIsKeptOfAMessageOutlivesTheClientAndTheServer) {
  const std::string large = pattern(std::size_t{1} << 20);
  Box<Bytes> taken;
  Calls calls;
  calls.on_message = [&](Session& session, const Message& message) {
    for (int i = 0; i < 2; ++i) session.send(message);
    taken.set(message.share());
  };
  start({}, calling(calls));
  auto client = connect();
  ASSERT_TRUE(client);
  ASSERT_TRUE(client->send(Message::text(large)));
  auto received = client->receive();
  ASSERT_TRUE(received && *received);
  client->close();  // the other waits unread
  client.reset();
  EXPECT_TRUE((*received)->data.text() == large);
  received = std::optional<BlockingClient::Received>{};
  (*server_)->stop();
  EXPECT_TRUE(server_->join());
  server_.reset();
  EXPECT_TRUE(taken.wait().text() == large);
}

TEST_P(ServerEcho, ADrainSays1001AndRunReturns) {
  start();
  auto client = connect();
  ASSERT_TRUE(client);
  expect_echo_of(*client, MessageKind::text, "hello");
  (*server_)->drain();
  EXPECT_FALSE(client->receive());
  EXPECT_EQ(client->close().code, close_code::kGoingAway);
  EXPECT_TRUE(server_->join());
}

// More than the credit of a QUIC stream stands before the peer's close.
TEST_P(ServerEcho, APausedSessionClosesCleanlyAndHearsNoMoreMessages) {
  constexpr std::size_t kBytes = std::size_t{12} << 20;
  Box<SessionId> id;
  Box<CloseInfo> closed;
  Box<bool> heard;
  Calls calls;
  calls.on_open = [&](Session& session) {
    session.pause();
    id.set(session.id());
  };
  calls.on_message = [&](Session&, const Message&) { heard.set(true); };
  calls.on_close = [&](Session&, const CloseInfo& info) { closed.set(info); };
  start({}, calling(calls));
  CloseInfo seen;
  Calls own;
  own.on_open = [&](Session& session) {
    const std::string text = pattern(std::size_t{64} << 10);
    for (std::size_t sent = 0; sent < kBytes; sent += text.size()) {
      ASSERT_NE(session.send(Message::text(text)), SendStatus::dropped);
    }
    (*server_)->post(id.wait(), [](Session& paused) { paused.close(4000); });
  };
  own.on_close = [&](Session&, const CloseInfo& info) { seen = info; };
  Client client;
  ASSERT_TRUE(client.connect(url_, std::make_unique<Called>(own), trusting()));
  client.run();
  EXPECT_EQ(seen.code, 4000);
  EXPECT_TRUE(seen.clean) << seen.reason;
  EXPECT_TRUE(closed.wait().clean) << closed.wait().reason;
  EXPECT_FALSE(heard.get());
}

TEST_P(ServerEcho, AStopCutsWhatIsOpen) {
  start();
  auto client = connect();
  ASSERT_TRUE(client);
  (*server_)->stop();
  EXPECT_TRUE(server_->join());
  EXPECT_FALSE(client->receive());
  EXPECT_EQ(client->close().code, close_code::kAbnormal);
}

TEST_P(ServerEcho, PingsMeasureTheRoundTrip) {
  ServerOptions server_options;
  server_options.limits.ping_interval = 5ms;
  std::atomic<bool> measured{false};
  Calls calls;
  calls.on_message = [&](Session& session, const Message& message) {
    measured = session.rtt().has_value() && *session.rtt() >= Duration::zero();
    session.send(message);
  };
  start(server_options, calling(calls));
  auto client = connect();
  ASSERT_TRUE(client);
  EXPECT_TRUE(wait_until([&] {
    expect_echo_of(*client, MessageKind::text, "measured?");
    return measured.load();
  }));
}

INSTANTIATE_TEST_SUITE_P(Wire, ServerEcho, kEveryWire, [](const auto& wire) { return wire.param; });

}  // namespace
}  // namespace plait::test
