// What becomes of datagrams, told to the session that sent them.
#include <algorithm>
#include <map>
#include <stdexcept>
#include <vector>

#include "integration/server/stream_calls.hpp"
#include "integration/server/udp_relay.hpp"

namespace plait::test {
namespace {

using Fates = std::map<DatagramId, std::vector<DatagramFate>>;

const std::vector<DatagramFate> kArrived{DatagramFate::sent, DatagramFate::acknowledged};
const std::vector<DatagramFate> kLost{DatagramFate::sent, DatagramFate::lost};
const std::vector<DatagramFate> kDropped{DatagramFate::dropped};

constexpr std::size_t kSmall = 900;  // UDP payloads up to this pass where large ones are lost
const std::string kLarge(1000, 'x');

/// How many have had a last word.
std::size_t settled(const Fates& fates) {
  return static_cast<std::size_t>(
      std::ranges::count_if(fates, [](const auto& one) { return one.second.back() != DatagramFate::sent; }));
}

std::size_t count(const Fates& fates, DatagramFate fate) {
  return static_cast<std::size_t>(
      std::ranges::count_if(fates, [fate](const auto& one) { return one.second.front() == fate; }));
}

class DatagramFates : public SecureServer, public testing::TestWithParam<std::string> {
 protected:
  void start(Calls calls) {
    make();
    calls.streams = true;
    relay_ = std::make_unique<UdpRelay>(server_->listen(GetParam(), calling(std::move(calls))));
    server_->start();
  }
  void connect(Client& client, Calls calls, bool reuse = false) {
    ConnectOptions options = trusting();
    options.reuse_connection = reuse;
    calls.streams = true;
    const auto id = client.connect(relay_->url(), std::make_unique<Called>(std::move(calls)), options);
    EXPECT_TRUE(id) << id.error().message;
  }
  /// Runs a client's session until it has ended.
  void run(Calls calls, const Limits& limits = {}) {
    calls.on_close = [](Session&, const CloseInfo& info) { EXPECT_TRUE(info.clean) << info.reason; };
    Client client{{.limits = limits}};
    connect(client, std::move(calls));
    client.run();
  }
  DatagramId send(Session& session, std::string_view data) {
    DatagramId id = ~DatagramId{0};
    EXPECT_EQ(session.send_datagram(as_bytes(data), &id), SendStatus::sent);
    return id;
  }

  std::unique_ptr<UdpRelay> relay_;
};

TEST_P(DatagramFates, ThoseThatArriveAreSentAndThenAcknowledged) {
  std::atomic<int> arrived{0};
  start({.on_datagram = [&](Session&, ByteView) { ++arrived; }});
  Fates fates;
  Calls calls;
  calls.on_open = [&](Session& session) {
    EXPECT_EQ(send(session, "first"), 0U);
    EXPECT_EQ(session.send_datagram(as_bytes("nobody asks")), SendStatus::sent);
    DatagramId id = 77;
    EXPECT_EQ(session.send_datagram(as_bytes(std::string(70'000, 'x')), &id), SendStatus::dropped);
    EXPECT_EQ(session.send_datagram({}, &id), SendStatus::dropped);
    EXPECT_EQ(id, 77U) << "it has none";
    EXPECT_EQ(send(session, "second"), 1U);
    EXPECT_EQ(send(session, "third"), 2U);
    EXPECT_TRUE(fates.empty());
  };
  calls.on_datagram_fate = [&](Session& session, DatagramId id, DatagramFate fate) {
    fates[id].push_back(fate);
    if (settled(fates) == 3) session.close();
  };
  run(std::move(calls));
  EXPECT_EQ(fates, (Fates{{0, kArrived}, {1, kArrived}, {2, kArrived}}));
  EXPECT_TRUE(wait_until([&] { return arrived == 4; }));
}

TEST_P(DatagramFates, AServersSessionIsToldToo) {
  Box<Fates> told;
  Calls server_calls;
  server_calls.on_open = [](Session& session) {
    DatagramId id = 0;
    EXPECT_EQ(session.send_datagram(as_bytes("hello"), &id), SendStatus::sent);
  };
  server_calls.on_datagram_fate = [&told](Session& session, DatagramId id, DatagramFate fate) {
    Fates fates = told.get().value_or(Fates{});
    fates[id].push_back(fate);
    told.set(fates);
    if (fate == DatagramFate::acknowledged) session.close();
  };
  start(std::move(server_calls));
  run({});
  EXPECT_EQ(told.wait(), (Fates{{0, kArrived}}));
}

TEST_P(DatagramFates, WhatTheNetworkLosesIsLost) {
  start({});
  Fates fates;
  Calls calls;
  calls.on_open = [&](Session& session) {
    relay_->lose_larger_than(kSmall);
    send(session, kLarge);
  };
  calls.on_datagram_fate = [&](Session& session, DatagramId id, DatagramFate fate) {
    fates[id].push_back(fate);
    if (id == 0 && fate == DatagramFate::sent) send(session, "its acknowledgement tells");
    if (settled(fates) == 2) session.close();
  };
  run(std::move(calls));
  EXPECT_EQ(fates, (Fates{{0, kLost}, {1, kArrived}}));
}

TEST_P(DatagramFates, WhatWaitsTooLongForTheWindowIsDropped) {
  start({});
  Fates fates;
  Calls calls;
  calls.on_open = [&](Session& session) {
    relay_->lose_larger_than(kSmall);
    for (int i = 0; i < 100; ++i) send(session, kLarge);
  };
  calls.on_datagram_fate = [&](Session& session, DatagramId id, DatagramFate fate) {
    fates[id].push_back(fate);
    if (fates.size() != 100 || count(fates, DatagramFate::dropped) < 50) return;
    relay_->lose_nothing();
    session.close();
  };
  Limits limits;
  limits.datagram_age_max = 1ms;
  run(std::move(calls), limits);
  EXPECT_EQ(fates.size(), 100U);
  EXPECT_GE(count(fates, DatagramFate::dropped), 50U);
}

// The queue of a connection holds 4,096.
TEST_P(DatagramFates, NewerOnesPushTheOldestOutOfAFullQueue) {
  start({});
  Fates fates;
  Calls calls;
  calls.on_open = [&](Session& session) {
    for (DatagramId id = 0; id < 5000; ++id) EXPECT_EQ(send(session, "x"), id);
    EXPECT_TRUE(fates.empty()) << "told from inside send_datagram()";
  };
  calls.on_datagram_fate = [&](Session& session, DatagramId id, DatagramFate fate) {
    fates[id].push_back(fate);
    if (fates.size() == 5000) session.close();
  };
  Limits limits;
  limits.datagram_age_max = 1h;  // however long this machine takes, none is dropped for its age
  run(std::move(calls), limits);
  ASSERT_EQ(count(fates, DatagramFate::dropped), 904U);
  EXPECT_EQ(fates.at(0), kDropped);
  EXPECT_EQ(fates.at(903), kDropped);
}

TEST_P(DatagramFates, AnExceptionOutOfTheHandlerEndsTheSessionAlone) {
  start({});
  std::uint32_t code = 0;
  Calls calls;
  calls.on_open = [&](Session& session) { send(session, "x"); };
  calls.on_datagram_fate = [](Session&, DatagramId, DatagramFate) { throw std::runtime_error{"no"}; };
  calls.on_close = [&](Session&, const CloseInfo& info) { code = info.code; };
  Client client;
  connect(client, calls);
  client.run();
  EXPECT_EQ(code, close_code::kInternalError);
}

INSTANTIATE_TEST_SUITE_P(Wires, DatagramFates, testing::Values("https", "quic"),
                         [](const auto& wire) { return wire.param; });

// --- Sessions that share a connection --------------------------------------------------------------------------------

class SharedDatagramFates : public DatagramFates {
 protected:
  /// A session that counts what it is told, and whether it is after its end.
  struct Told {
    Session* session = nullptr;
    Fates fates;
    bool closed = false;
    std::function<void(DatagramId, DatagramFate)> then;
  };
  void connect_shared(Client& client, Told& told) {
    Calls calls;
    calls.on_open = [&told](Session& session) { told.session = &session; };
    calls.on_datagram_fate = [&told](Session&, DatagramId id, DatagramFate fate) {
      EXPECT_FALSE(told.closed);
      told.fates[id].push_back(fate);
      if (told.then) told.then(id, fate);
    };
    calls.on_close = [&told](Session&, const CloseInfo&) { told.closed = true; };
    connect(client, std::move(calls), true);
  }
};

TEST_P(SharedDatagramFates, EachReachesTheSessionThatSentIt) {
  start({});
  Client client;
  Told first, second;
  connect_shared(client, first);
  connect_shared(client, second);
  ASSERT_TRUE(turn_until(client, [&] { return first.session != nullptr && second.session != nullptr; }));
  ASSERT_EQ(server_->server().stats().connections_accepted, 1U);
  relay_->lose_larger_than(kSmall);
  EXPECT_EQ(send(*first.session, kLarge), 0U);
  first.then = [&](DatagramId, DatagramFate fate) {
    if (fate == DatagramFate::sent) send(*second.session, "small");
  };
  ASSERT_TRUE(turn_until(client, [&] { return settled(first.fates) == 1 && settled(second.fates) == 1; }));
  EXPECT_EQ(first.fates, (Fates{{0, kLost}}));
  EXPECT_EQ(second.fates, (Fates{{0, kArrived}}));
}

// Twenty later ones are acknowledged: the one of the session that has ended counts as lost by then.
TEST_P(SharedDatagramFates, ThoseOfASessionThatHasEndedReachNobody) {
  start({});
  Client client;
  Told first, second;
  connect_shared(client, first);
  connect_shared(client, second);
  ASSERT_TRUE(turn_until(client, [&] { return first.session != nullptr && second.session != nullptr; }));
  relay_->lose_larger_than(kSmall);
  send(*first.session, kLarge);
  first.then = [&](DatagramId, DatagramFate) { first.session->abort(); };
  ASSERT_TRUE(turn_until(client, [&] { return first.closed; }));
  second.then = [&](DatagramId id, DatagramFate fate) {
    if (fate == DatagramFate::acknowledged && id < 19) send(*second.session, "small");
  };
  send(*second.session, "small");
  ASSERT_TRUE(turn_until(client, [&] { return settled(second.fates) == 20; }));
  EXPECT_EQ(first.fates, (Fates{{0, {DatagramFate::sent}}}));
  for (const auto& [id, fates] : second.fates) EXPECT_EQ(fates, kArrived) << id;
}

INSTANTIATE_TEST_SUITE_P(Wires, SharedDatagramFates, testing::Values("https"),
                         [](const auto& wire) { return wire.param; });

}  // namespace
}  // namespace plait::test
