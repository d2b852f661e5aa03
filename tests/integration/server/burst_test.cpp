// Session::send_burst: the same as so many calls of send(), on every wire, with limits and interruptions.
#include "integration/server/wires.hpp"

namespace plait::test {
namespace {

MessageBurst burst_of(const std::vector<std::string>& texts) {
  MessageBurst burst;
  for (const std::string& text : texts) burst.add(MessageKind::text, Bytes::copy_of(text));
  return burst;
}

class ServerBurst : public EveryWire {};

TEST_P(ServerBurst, ArrivesInOrderAmongOtherMessagesOnEveryWire) {
  const std::vector<std::string> texts{"b", "", pattern(125), pattern(126), pattern(3000), pattern(70'000)};
  const std::string many = pattern(90);
  Box<SessionStats> stats;
  Calls calls;
  calls.on_message = [&](Session& session, const Message&) {
    EXPECT_EQ(session.send_burst({}).status, SendStatus::sent);
    session.send(Message::text("before"));
    const MessageBurst large = burst_of(texts);
    EXPECT_EQ(session.send_burst(large).accepted, texts.size());
    EXPECT_EQ(session.send_burst(large).accepted, texts.size()) << "the same again";
    const MessageBurst small = burst_of(std::vector<std::string>(64, many));
    EXPECT_EQ(session.send_burst(small).accepted, 64U);
    session.send(Message::text("after"));
    stats.set(session.stats());
  };
  start(calls);
  auto client = connect();
  ASSERT_TRUE(client) << client.error().message;
  ASSERT_TRUE(client->send(Message::text("go")));
  std::vector<std::string> wanted{"before"};
  wanted.insert(wanted.end(), texts.begin(), texts.end());
  wanted.insert(wanted.end(), texts.begin(), texts.end());
  wanted.insert(wanted.end(), 64, many);
  wanted.emplace_back("after");
  std::size_t bytes = 0;
  for (const std::string& text : wanted) {
    const auto received = client->receive();
    ASSERT_TRUE(received && received->has_value());
    ASSERT_TRUE((*received)->data.text() == text) << (*received)->data.size() << " instead of " << text.size();
    bytes += text.size();
  }
  EXPECT_EQ(stats.wait().messages_sent, wanted.size());
  EXPECT_EQ(stats.wait().bytes_sent, bytes);
}

INSTANTIATE_TEST_SUITE_P(Wires, ServerBurst, kEveryWire, [](const auto& wire) { return wire.param; });

class ServerBurstLimits : public PlainServer, public testing::Test {};

TEST_F(ServerBurstLimits, OneThatDoesNotFitIsAcceptedUpToTheFirstMessageThatIsDropped) {
  ServerOptions options;
  options.limits.send_high_water_bytes = 100'000;
  options.limits.send_low_water_bytes = 10'000;
  options.limits.send_queue_bytes_max = 400'000;
  Box<std::size_t> accepted;
  Calls calls;
  calls.on_open = [&](Session& session) {
    const MessageBurst burst = burst_of(std::vector<std::string>(64, pattern(1000)));
    std::size_t sum = 0;
    BurstStatus status;
    do {
      status = session.send_burst(burst);
      sum += status.accepted;
    } while (status.status != SendStatus::dropped);
    EXPECT_LT(status.accepted, burst.size());
    EXPECT_EQ(session.stats().messages_sent, sum);
    EXPECT_EQ(session.stats().messages_dropped, 1U);
    accepted.set(sum);
  };
  calls.on_writable = [&](Session& session) { session.close(); };
  start(options, calling(calls));
  RawClient client{port_, 4096};
  client.upgrade();
  const std::size_t count = accepted.wait();
  for (std::size_t i = 0; i < count; ++i) ASSERT_TRUE(client.read_frame().payload == pattern(1000)) << i;
  EXPECT_EQ(client.read_frame().close_code(), 1000);
}

TEST_F(ServerBurstLimits, NothingIsAcceptedInsideAMessageInPartsOrAfterClose) {
  Box<std::vector<BurstStatus>> seen;
  Calls calls;
  calls.on_open = [&](Session& session) {
    const MessageBurst burst = burst_of({"1", "2"});
    std::vector<BurstStatus> statuses;
    MessageWriter* writer = session.begin_message(MessageKind::text);
    ASSERT_NE(writer, nullptr);
    writer->write(as_bytes("a"));
    statuses.push_back(session.send_burst(burst));
    writer->finish();
    statuses.push_back(session.send_burst(burst));
    session.close();
    statuses.push_back(session.send_burst(burst));
    seen.set(statuses);
  };
  start({}, calling(calls));
  RawClient client{port_};
  client.upgrade();
  const std::vector<BurstStatus> statuses = seen.wait();
  ASSERT_EQ(statuses.size(), 3U);
  EXPECT_EQ(statuses[0].status, SendStatus::dropped);
  EXPECT_EQ(statuses[0].accepted, 0U);
  EXPECT_EQ(statuses[1].accepted, 2U);
  EXPECT_EQ(statuses[2].status, SendStatus::closed);
  EXPECT_EQ(statuses[2].accepted, 0U);
  EXPECT_EQ(client.read_frame().payload, "a");
  EXPECT_EQ(client.read_frame().payload, "");
  EXPECT_EQ(client.read_frame().payload, "1");
  EXPECT_EQ(client.read_frame().payload, "2");
  EXPECT_EQ(client.read_frame().close_code(), 1000);
}

TEST_F(ServerBurstLimits, MessagesOfACompressingSessionAreCompressed) {
  ServerOptions options;
  options.deflate = true;
  options.limits.deflate_threshold_bytes = 64;
  Calls calls;
  calls.on_open = [&](Session& session) {
    session.send_burst(burst_of({"short", std::string(1000, 'a')}));
    session.close();
  };
  start(options, calling(calls));
  RawClient client{port_};
  client.upgrade("Sec-WebSocket-Extensions: permessage-deflate\r\n");
  EXPECT_EQ(client.read_frame().payload, "short");
  EXPECT_LT(client.read_frame().payload.size(), 100U);
  EXPECT_EQ(client.read_frame().close_code(), 1000);
}

}  // namespace
}  // namespace plait::test
