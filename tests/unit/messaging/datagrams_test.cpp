// The broadcaster and reliable datagrams (spec/messaging.md §5).
#include <gtest/gtest.h>
#include <plait/datagrams.hpp>

#include <algorithm>
#include <array>
#include <random>
#include <set>
#include <stdexcept>

#include "fake.hpp"
#include "messaging/reliable_frame.hpp"
#include "support/vectors.hpp"

namespace plait::test {
namespace {

using namespace std::chrono_literals;

struct Tick {
  std::int64_t number = 0;
};
Value to_value(const Tick& tick) { return tick.number; }
bool from_value(const Value& value, Tick& tick) {
  tick.number = value.as_int64().value_or(0);
  return value.as_int64().has_value();
}

TEST(DatagramBroadcaster, SendsToAllAndDropsThoseThatAreClosed) {
  FakeExecutor executor;
  std::array<FakeSession, 4> sessions{FakeSession{executor, 0}, FakeSession{executor, 1}, FakeSession{executor, 2},
                                      FakeSession{executor, 3}};
  DatagramBroadcaster broadcaster;
  for (FakeSession& session : sessions) broadcaster.add(session);
  broadcaster.add(sessions[0]);
  EXPECT_EQ(broadcaster.session_count(), 4U) << "once each";
  sessions[1].closed = true;
  sessions[2].datagram_max = 2;
  EXPECT_EQ(broadcaster.broadcast(as_bytes("abc")), 2U);
  EXPECT_EQ(broadcaster.session_count(), 3U) << "who cannot take one datagram stays";
  EXPECT_EQ(sessions[0].take_datagrams(), std::vector<std::string>{"abc"});
  broadcaster.remove(sessions[0]);
  broadcaster.remove(sessions[1]);
  EXPECT_EQ(broadcaster.broadcast(as_bytes("x")), 2U);
  EXPECT_TRUE(sessions[0].take_datagrams().empty());
}

TEST(DatagramBroadcaster, OneEncodingForAll) {
  FakeExecutor executor;
  FakeSession first{executor};
  FakeSession second{executor};
  DatagramBroadcaster broadcaster;
  broadcaster.add(first);
  broadcaster.add(second);
  StructuredTypes types{Format::json};
  EXPECT_EQ(broadcaster.broadcast(types, Tick{7}).error(), StructuredError::unregistered);
  types.add<Tick>(5);
  EXPECT_EQ(broadcaster.broadcast(types, Tick{7}).value_or(0), 2U);
  EXPECT_EQ(first.datagrams, (std::vector<std::string>{std::string{"\0\x05"
                                                                   "7",
                                                                   3}}));
  EXPECT_EQ(first.datagrams, second.datagrams);
}

TEST(ReliableFrame, Vectors) {
  const VectorFile file{"messaging.json"};
  for (const codec::JsonValue vector : file.array("reliable_datagrams")) {
    const auto name = string_member(vector, "name");
    const auto bytes = from_hex(string_member(vector, "hex"));
    const auto frame = messaging::decode_reliable(bytes);
    const auto kind = string_member(vector, "kind");
    ASSERT_EQ(frame.has_value(), kind != "none") << name;
    if (!frame) continue;
    EXPECT_EQ(frame->acknowledges, kind == "ack") << name;
    EXPECT_EQ(frame->sequence, vector.find("sequence").as_uint64()) << name;
    const std::string again = frame->acknowledges ? messaging::encode_acknowledgement(frame->sequence)
                                                  : messaging::encode_data(frame->sequence, frame->payload);
    EXPECT_EQ(to_hex(as_bytes(again)), to_hex(bytes)) << name;
  }
}

class Reliable : public testing::Test {
 protected:
  Reliable() {
    receiver.on_datagram([this](ByteView data) { received.emplace_back(as_text(data)); });
  }
  /// Carries what was sent, once each way.
  void carry() {
    for (const std::string& datagram : ours.take_datagrams()) EXPECT_TRUE(receiver.handle_datagram(as_bytes(datagram)));
    for (const std::string& datagram : theirs.take_datagrams()) EXPECT_TRUE(sender.handle_datagram(as_bytes(datagram)));
  }
  ReliableDatagrams::Done keep(std::optional<bool>& done) {
    return [&done](bool acknowledged) { done = acknowledged; };
  }

  FakeExecutor executor;
  FakeSession ours{executor};
  FakeSession theirs{executor};
  ReliableDatagrams sender{ours};
  ReliableDatagrams receiver{theirs};
  std::vector<std::string> received;
};

TEST_F(Reliable, ArrivesAndIsAcknowledged) {
  std::optional<bool> done;
  EXPECT_EQ(sender.send(as_bytes("a"), keep(done)), SendStatus::sent);
  EXPECT_EQ(done, std::nullopt);
  carry();
  EXPECT_EQ(done, true);
  EXPECT_EQ(received, std::vector<std::string>{"a"});
  EXPECT_EQ(sender.pending_count(), 0U);
  EXPECT_FALSE(executor.has_timers());
}

TEST_F(Reliable, AHandlerMayReplaceItselfWhileItRuns) {
  receiver.on_datagram([this, name = std::string(100, 'x')](ByteView) {
    receiver.on_datagram([this](ByteView) { received.emplace_back("again"); });
    received.push_back(name);
  });
  sender.send(as_bytes("a"), nullptr);
  sender.send(as_bytes("b"), nullptr);
  carry();
  EXPECT_EQ(received, (std::vector<std::string>{std::string(100, 'x'), "again"}));
}

TEST_F(Reliable, ALostDatagramIsSentAgain) {
  std::optional<bool> done;
  sender.send(as_bytes("a"), keep(done));
  ours.take_datagrams();
  executor.advance(1900ms);
  EXPECT_TRUE(ours.datagrams.empty());
  executor.advance(200ms);
  carry();
  EXPECT_EQ(done, true);
  EXPECT_EQ(received, std::vector<std::string>{"a"});
}

TEST_F(Reliable, ALostAcknowledgementMakesNoDuplicate) {
  sender.send(as_bytes("a"));
  receiver.handle_datagram(as_bytes(ours.take_datagrams().at(0)));
  theirs.take_datagrams();
  executor.advance(2100ms);
  carry();
  EXPECT_EQ(received, std::vector<std::string>{"a"});
  EXPECT_EQ(sender.pending_count(), 0U);
}

TEST_F(Reliable, TheLongestTimeIsNoneThatIsOver) {
  executor.advance(1s);
  ReliableDatagrams patient{ours, {.acknowledgement_timeout = Duration::max()}};
  patient.send(as_bytes("a"));
  for (int i = 0; i < 10; ++i) executor.advance(1s);
  EXPECT_EQ(ours.take_datagrams().size(), 1U);
  EXPECT_EQ(patient.pending_count(), 1U);
}

TEST_F(Reliable, GivenUpAfterFiveRetries) {
  std::optional<bool> done;
  sender.send(as_bytes("a"), keep(done));
  for (int i = 0; i < 5; ++i) executor.advance(2100ms);
  EXPECT_EQ(ours.take_datagrams().size(), 6U);
  EXPECT_EQ(done, std::nullopt);
  executor.advance(2100ms);
  EXPECT_EQ(done, false);
  EXPECT_FALSE(executor.has_timers());
}

TEST_F(Reliable, ASessionThatIsClosedGivesUpAtOnce) {
  std::optional<bool> done;
  sender.send(as_bytes("a"), keep(done));
  ours.closed = true;
  EXPECT_EQ(sender.send(as_bytes("b")), SendStatus::closed);
  executor.advance(2100ms);
  EXPECT_EQ(done, false);
}

TEST_F(Reliable, AFullQueueIsRetried) {
  ours.datagram_status = SendStatus::dropped;
  EXPECT_EQ(sender.send(as_bytes("a")), SendStatus::queued);
  ours.take_datagrams();
  ours.datagram_status = SendStatus::sent;
  executor.advance(2100ms);
  carry();
  EXPECT_EQ(received, std::vector<std::string>{"a"});
}

TEST_F(Reliable, SizesOnBothSidesOfTheLimit) {
  EXPECT_EQ(sender.bytes_max(), 1191U);
  EXPECT_EQ(sender.send(Value::Binary(1191)), SendStatus::sent);
  EXPECT_EQ(sender.send(Value::Binary(1192)), SendStatus::dropped);
  EXPECT_EQ(sender.send({}), SendStatus::sent) << "an empty payload is a payload";
}

TEST_F(Reliable, WhatIsPendingIsBounded) {
  for (int i = 0; i < 1024; ++i) EXPECT_EQ(sender.send(as_bytes("x")), SendStatus::sent);
  EXPECT_EQ(sender.send(as_bytes("x")), SendStatus::dropped);
  carry();
  EXPECT_EQ(sender.send(as_bytes("x")), SendStatus::sent);
}

TEST_F(Reliable, WhatIsPendingIsBoundedAsAskedFor) {
  ReliableDatagrams few{ours, {.pending_max = 2}};
  EXPECT_EQ(few.send(as_bytes("x")), SendStatus::sent);
  EXPECT_EQ(few.send(as_bytes("x")), SendStatus::sent);
  EXPECT_EQ(few.send(as_bytes("x")), SendStatus::dropped);
  EXPECT_EQ(few.pending_count(), 2U);
  EXPECT_TRUE(few.handle_datagram(as_bytes(messaging::encode_acknowledgement(1))));
  EXPECT_EQ(few.send(as_bytes("x")), SendStatus::sent);
}

// What was bounded was how many are pending, so the receiver could forget the one whose acknowledgement was lost.
TEST_F(Reliable, NoneGoesTooFarAheadOfTheOldest) {
  sender.send(as_bytes("first"));
  receiver.handle_datagram(as_bytes(ours.take_datagrams().at(0)));
  theirs.take_datagrams();  // the acknowledgement is lost
  for (int i = 1; i < 1024; ++i) {
    EXPECT_EQ(sender.send(as_bytes("x")), SendStatus::sent);
    carry();
  }
  EXPECT_EQ(sender.pending_count(), 1U);
  EXPECT_EQ(sender.send(as_bytes("x")), SendStatus::dropped);
  executor.advance(2100ms);
  carry();
  EXPECT_EQ(std::count(received.begin(), received.end(), "first"), 1);
  EXPECT_EQ(sender.pending_count(), 0U);
  EXPECT_EQ(sender.send(as_bytes("x")), SendStatus::sent);
}

TEST_F(Reliable, TheWindowOfDuplicates) {
  for (std::uint32_t i = 0; i < 1024; ++i) receiver.handle_datagram(as_bytes(messaging::encode_data(i, {})));
  receiver.handle_datagram(as_bytes(messaging::encode_data(0, {})));
  EXPECT_EQ(received.size(), 1024U);
  receiver.handle_datagram(as_bytes(messaging::encode_data(1024, {})));
  receiver.handle_datagram(as_bytes(messaging::encode_data(1, {})));
  EXPECT_EQ(received.size(), 1025U);
  receiver.handle_datagram(as_bytes(messaging::encode_data(0, {})));
  EXPECT_EQ(received.size(), 1026U) << "forgotten: 1,024 further than it";
}

TEST_F(Reliable, TheWindowOfDuplicatesMovesOverGapsAndWraps) {
  const auto is_new = [this](std::uint32_t sequence) {
    const std::size_t before = received.size();
    receiver.handle_datagram(as_bytes(messaging::encode_data(sequence, {})));
    return received.size() > before;
  };
  constexpr std::uint32_t kLast = UINT32_MAX;
  for (const std::uint32_t sequence : {kLast - 700, kLast, kLast - 300, std::uint32_t{500}, std::uint32_t{0}}) {
    EXPECT_TRUE(is_new(sequence)) << sequence;
    EXPECT_FALSE(is_new(sequence)) << sequence;
  }
  EXPECT_FALSE(is_new(kLast - 300));
  EXPECT_TRUE(is_new(kLast - 299)) << "in the window, and not known";
  EXPECT_TRUE(is_new(kLast - 700)) << "forgotten";
  EXPECT_TRUE(is_new(500 + 1024)) << "takes the place of 500";
  EXPECT_FALSE(is_new(500 + 1024));
  EXPECT_TRUE(is_new(501));
  EXPECT_TRUE(is_new(1'000'000)) << "further than the window is long";
  EXPECT_FALSE(is_new(1'000'000));
  EXPECT_TRUE(is_new(1'000'000 - 1023));
}

TEST_F(Reliable, WhatIsNotOursIsLeftToTheCaller) {
  EXPECT_FALSE(receiver.handle_datagram(as_bytes("hello")));
  EXPECT_FALSE(receiver.handle_datagram({}));
  EXPECT_TRUE(theirs.datagrams.empty());
  EXPECT_TRUE(
      sender.handle_datagram(as_bytes("\x03"
                                      "ACK99")))
      << "of nothing that was sent";
}

TEST_F(Reliable, AnExceptionAtTheEndEndsTheSessionOnly) {
  sender.send(as_bytes("a"), [](bool) { throw std::runtime_error{"user"}; });
  for (int i = 0; i < 6; ++i) executor.advance(2100ms);
  EXPECT_TRUE(ours.closed);
}

TEST_F(Reliable, EverythingArrivesOnceOverABadWire) {
  std::mt19937 random{7};  // NOLINT(cert-msc32-c,cert-msc51-cpp)
  std::size_t acknowledged = 0;
  for (int i = 0; i < 500; ++i) {
    sender.send(as_bytes(std::to_string(i)), [&](bool arrived) { acknowledged += arrived ? 1 : 0; });
  }
  for (int round = 0; round < 7; ++round) {
    for (auto* from : {&ours, &theirs}) {
      std::vector<std::string> datagrams = from->take_datagrams();
      std::shuffle(datagrams.begin(), datagrams.end(), random);
      for (const std::string& datagram : datagrams) {
        const auto copies = random() % 10 < 2 ? 0U : random() % 10 < 2 ? 2U : 1U;
        for (auto copy = copies; copy > 0; --copy) {
          (from == &ours ? receiver : sender).handle_datagram(as_bytes(datagram));
        }
      }
    }
    executor.advance(2100ms);
  }
  const std::set<std::string> distinct{received.begin(), received.end()};
  EXPECT_EQ(distinct.size(), received.size());
  EXPECT_GE(distinct.size(), acknowledged);
  EXPECT_GT(acknowledged, 490U);
}

}  // namespace
}  // namespace plait::test
