// Structured streams and datagrams (spec/messaging.md §2).
#include <gtest/gtest.h>
#include <plait/structured.hpp>

#include "fake.hpp"
#include "support/vectors.hpp"

namespace plait::test {
namespace {

struct User {
  std::int64_t id = 0;
  std::string name;
  std::vector<std::string> tags;
  friend bool operator==(const User&, const User&) = default;
};

Value to_value(const User& user) {
  Value::Array tags{user.tags.begin(), user.tags.end()};
  return Value::object({{"id", user.id}, {"name", user.name}, {"tags", std::move(tags)}});
}

bool from_value(const Value& value, User& user) {
  const auto id = value.find("id").as_int64();
  const std::string* name = value.find("name").as_string();
  const Value::Array* tags = value.find("tags").as_array();
  if (!id || name == nullptr || tags == nullptr) return false;
  user.id = *id;
  user.name = *name;
  for (const Value& tag : *tags) {
    if (tag.as_string() == nullptr) return false;
    user.tags.push_back(*tag.as_string());
  }
  return true;
}

struct Raw {
  Value::Binary bytes;
};
Value to_value(const Raw& raw) { return raw.bytes; }
bool from_value(const Value& value, Raw& raw) {
  if (value.as_binary() != nullptr) raw.bytes = *value.as_binary();
  return value.as_binary() != nullptr;
}

/// What protoc makes looks like this; the message has one field, a string of number 1.
struct FakeProtobuf {
  std::string text;
  bool SerializeToString(std::string* out) const {
    *out = "\x0a" + std::string(1, static_cast<char>(text.size())) + text;
    return text.size() < 128;
  }
  bool ParseFromArray(const void* data, int size) {
    const std::string_view bytes{static_cast<const char*>(data), static_cast<std::size_t>(size)};
    if (bytes.size() < 2 || bytes[0] != '\x0a' || static_cast<std::size_t>(bytes[1]) != bytes.size() - 2) return false;
    text = bytes.substr(2);
    return true;
  }
};
static_assert(ProtobufMessage<FakeProtobuf> && !ValueMapped<FakeProtobuf>);
static_assert(!Structured<int> && Structured<User>);

const User kAnn{7, "Ann", {"a", "b"}};

class StructuredStreams : public testing::Test {
 protected:
  StructuredStreams() {
    types.add<User>(1).add<FakeProtobuf>(0xABCD).add<Raw>(3);
    auto handler = StructuredStream::open(session, types);
    ours = *handler;
    wire = session.streams.back().get();
    peer_wire = &session.add_stream(nullptr);
    auto peer_handler = std::make_unique<StructuredStream>(*peer_wire, types);
    peer = peer_handler.get();
    peer_wire->handler = std::move(peer_handler);
    peer->on<User>([this](User user) { users.push_back(std::move(user)); });
    peer->on<FakeProtobuf>([this](FakeProtobuf message) { texts.push_back(std::move(message.text)); });
    peer->on_error([this](StructuredError error) { errors.push_back(error); });
    peer->on_end([this](std::optional<std::uint32_t> code) { ends.push_back(code); });
  }

  FakeExecutor executor;
  FakeSession session{executor};
  StructuredTypes types{Format::json};
  StructuredStream* ours = nullptr;
  StructuredStream* peer = nullptr;
  FakeStream* wire = nullptr;
  FakeStream* peer_wire = nullptr;
  std::vector<User> users;
  std::vector<std::string> texts;
  std::vector<StructuredError> errors;
  std::vector<std::optional<std::uint32_t>> ends;
};

TEST_F(StructuredStreams, FramesAreThoseOfTheSpecification) {
  const VectorFile file{"messaging.json"};
  for (const codec::JsonValue vector : file.array("structured_frames")) {
    const auto name = string_member(vector, "name");
    const auto hex = string_member(vector, "hex");
    const bool msgpack = string_member(vector, "format") == "msgpack";
    StructuredTypes own{msgpack ? Format::msgpack : Format::json};
    own.add<User>(static_cast<std::uint16_t>(*vector.find("type_id").as_uint64()));
    FakeStream& stream = session.add_stream(nullptr);
    StructuredStream reader{stream, own};
    std::vector<User> read;
    reader.on<User>([&](User user) { read.push_back(std::move(user)); });
    reader.on_data(stream, from_hex(hex), false);
    ASSERT_EQ(read, std::vector{kAnn}) << name;
    EXPECT_EQ(reader.send(kAnn).value_or(SendStatus::closed), SendStatus::sent);
    EXPECT_EQ(to_hex(as_bytes(stream.take())), hex) << name;
  }
}

TEST_F(StructuredStreams, ObjectsOfSeveralTypesCutAnywhere) {
  ASSERT_TRUE(ours->send(kAnn));
  ASSERT_TRUE(ours->send(FakeProtobuf{"proto"}));
  ASSERT_TRUE(ours->send(User{}));
  const std::string bytes = wire->take();
  for (std::size_t cut = 0; cut <= bytes.size(); ++cut) {
    users.clear();
    texts.clear();
    peer_wire->receive(bytes.substr(0, cut));
    peer_wire->receive(bytes.substr(cut));
    EXPECT_EQ(users, (std::vector{kAnn, User{}})) << cut;
    EXPECT_EQ(texts, std::vector<std::string>{"proto"}) << cut;
  }
  users.clear();
  for (const char byte : bytes) peer_wire->receive({&byte, 1});
  EXPECT_EQ(users, (std::vector{kAnn, User{}}));
  EXPECT_TRUE(errors.empty());
}

TEST_F(StructuredStreams, WhatCannotBeReadIsReportedAndTheNextIsRead) {
  ASSERT_TRUE(ours->send(kAnn));
  const std::string good = wire->take();
  peer_wire->receive(std::string{"\x00\x01\x00\x00\x00\x02{}", 8});  // no such user
  peer_wire->receive(std::string{"\x00\x01\x00\x00\x00\x01{", 7});   // no JSON
  peer_wire->receive(std::string{"\x00\x63\x00\x00\x00\x01x", 7});   // no such type
  peer_wire->receive(std::string{"\x00\x03\x00\x00\x00\x01x", 7});   // a type that nothing handles
  peer_wire->receive(std::string{"\xAB\xCD\x00\x00\x00\x01x", 7});   // no such Protocol Buffers message
  peer_wire->receive(good);
  EXPECT_EQ(errors, (std::vector{StructuredError::malformed, StructuredError::malformed, StructuredError::unknown_type,
                                 StructuredError::unknown_type, StructuredError::malformed}));
  EXPECT_EQ(users, std::vector{kAnn});
}

TEST_F(StructuredStreams, TooLargeClosesTheStreamBeforeThePayload) {
  peer_wire->receive(std::string{"\x00\x01\x00\x10\x00\x01", 6});  // 1 MiB + 1
  EXPECT_EQ(errors, std::vector{StructuredError::too_large});
  EXPECT_EQ(peer_wire->reset_codes, std::vector{kStructuredErrorCode});
  EXPECT_EQ(peer_wire->stop_codes, std::vector{kStructuredErrorCode});
  ASSERT_TRUE(ours->send(kAnn));
  peer_wire->receive(wire->take());
  peer_wire->receive({}, true);
  EXPECT_TRUE(users.empty() && ends.empty()) << "nothing is read any more";
}

TEST_F(StructuredStreams, TheLargestIsReadAndSent) {
  StructuredTypes own{Format::msgpack, 100};
  own.add<Raw>(5);
  FakeStream& stream = session.add_stream(nullptr);
  StructuredStream both{stream, own};
  std::size_t read = 0;
  both.on<Raw>([&](const Raw& raw) { read = raw.bytes.size(); });
  EXPECT_TRUE(both.send(Raw{Value::Binary(98)}));
  EXPECT_EQ(both.send(Raw{Value::Binary(99)}).error(), StructuredError::too_large);
  both.on_data(stream, as_bytes(stream.take()), false);
  EXPECT_EQ(read, 98U);
}

TEST_F(StructuredStreams, WhatCannotBeSentIsSaidAndNotSent) {
  struct Unknown : User {};
  EXPECT_EQ(ours->send(Unknown{}).error(), StructuredError::unregistered);
  EXPECT_EQ(ours->send(Raw{{1}}).error(), StructuredError::malformed) << "JSON has no binary";
  EXPECT_EQ(ours->send(FakeProtobuf{std::string(200, 'x')}).error(), StructuredError::malformed);
  EXPECT_EQ(wire->take(), "");
  wire->status = SendStatus::dropped;
  EXPECT_EQ(ours->send(kAnn).value_or(SendStatus::sent), SendStatus::dropped);
}

TEST_F(StructuredStreams, EndsAreTold) {
  peer_wire->receive(std::string{"\x00\x01\x00", 3}, true);
  EXPECT_EQ(errors, std::vector{StructuredError::truncated});
  EXPECT_EQ(ends, std::vector{std::optional<std::uint32_t>{}});
  bool closed = false;
  ours->on_close([&] { closed = true; });
  std::optional<std::uint32_t> code;
  ours->on_end([&](std::optional<std::uint32_t> told) { code = told; });
  wire->handler->on_reset(*wire, 5);
  EXPECT_EQ(code, 5U);
  ours->finish();
  EXPECT_TRUE(wire->fin);
  wire->close();
  EXPECT_TRUE(closed);
}

// What they hold is too long to live inside the function object.
TEST_F(StructuredStreams, AHandlerMayReplaceItselfWhileItRuns) {
  std::string seen;
  const std::string kept(100, 'k');
  const auto see = [kept, &seen](char what) { seen += what + kept.substr(0, 2); };
  peer->on<User>([this, see, &seen](const User&) {
    peer->on<User>([&seen](const User&) { seen += "second"; });
    see('u');
  });
  peer->on_error([this, see](StructuredError) {
    peer->on_error({});
    see('e');
  });
  peer->on_writable([this, see] {
    peer->on_writable({});
    see('w');
  });
  peer->on_end([this, see](std::optional<std::uint32_t>) {
    peer->on_end({});
    see('n');
  });
  peer->on_close([this, see] {
    peer->on_close({});
    see('c');
  });
  for (int i = 0; i < 2; ++i) {
    ASSERT_TRUE(ours->send(kAnn));
    peer_wire->receive(wire->take());
    peer_wire->receive(std::string{"\x00\x63\x00\x00\x00\x01x", 7});
    peer_wire->handler->on_writable(*peer_wire);
  }
  peer_wire->receive({}, true);
  peer_wire->close();
  EXPECT_EQ(seen, "ukkekkwkksecondnkkckk");
}

TEST_F(StructuredStreams, OpeningFailsAsTheSessionSays) {
  session.stream_error = StreamError::unsupported;
  EXPECT_EQ(StructuredStream::open(session, types).error(), StreamError::unsupported);
}

TEST(StructuredTypesDeathTest, OneTypeOneId) {
  StructuredTypes types{Format::json};
  types.add<User>(1);
  EXPECT_DEATH(types.add<Raw>(1), "one id is one type");
  EXPECT_DEATH(types.add<User>(2), "one type has one id");
  FakeExecutor executor;
  FakeSession session{executor};
  StructuredDatagrams datagrams{session, types};
  EXPECT_DEATH(datagrams.on<Raw>([](const Raw&) {}), "the type is registered");
}

TEST(StructuredDatagram, VectorsBothWays) {
  const VectorFile file{"messaging.json"};
  for (const codec::JsonValue vector : file.array("structured_datagrams")) {
    FakeExecutor executor;
    FakeSession session{executor};
    StructuredTypes types{Format::json};
    types.add<User>(static_cast<std::uint16_t>(*vector.find("type_id").as_uint64()));
    StructuredDatagrams datagrams{session, types};
    std::vector<User> users;
    datagrams.on<User>([&](User user) { users.push_back(std::move(user)); });
    const auto hex = string_member(vector, "hex");
    datagrams.handle_datagram(from_hex(hex));
    EXPECT_EQ(users, std::vector{kAnn});
    ASSERT_TRUE(datagrams.send(kAnn));
    EXPECT_EQ(to_hex(as_bytes(session.take_datagrams().at(0))), hex);
  }
}

TEST(StructuredDatagram, ErrorsAreReported) {
  FakeExecutor executor;
  FakeSession session{executor};
  StructuredTypes types{Format::json};
  types.add<User>(1);
  StructuredDatagrams datagrams{session, types};
  std::vector<StructuredError> errors;
  datagrams.on<User>([](const User&) { FAIL(); });
  datagrams.on_error([&](StructuredError error) { errors.push_back(error); });
  datagrams.handle_datagram(as_bytes("\x01"));
  datagrams.handle_datagram(as_bytes("zz{}"));
  datagrams.handle_datagram(as_bytes(std::string_view{"\x00\x01", 2}));
  EXPECT_EQ(errors,
            (std::vector{StructuredError::truncated, StructuredError::unknown_type, StructuredError::malformed}));
  session.datagram_max = 20;
  EXPECT_EQ(datagrams.send(kAnn).error(), StructuredError::too_large);
  session.close(0, {});
  const auto sent = datagrams.send(kAnn);
  ASSERT_TRUE(sent) << describe(sent.error());
  EXPECT_EQ(*sent, SendStatus::closed);
}

}  // namespace
}  // namespace plait::test
