// The property that matters most: however the input is cut, the events are the same.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "codec/deflate.hpp"
#include "unit/ws/frames.hpp"

namespace plait::ws {
namespace {

struct Sequence {
  const char* name;
  std::vector<Frame> frames;
};

// Payloads above Decoder::kDirectBytes are gathered, so both ways are in here.
std::vector<Sequence> sequences() {
  const std::string large_text(Decoder::kDirectBytes + 3, 't');
  std::string euros;
  while (euros.size() < 5000) euros += "\xE2\x82\xAC";
  return {
      {"text", {{.payload = "hello"}}},
      {"empty messages", {{.payload = ""}, {.opcode = Opcode::binary}}},
      {"characters of each length", {{.payload = "a\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80z"}}},
      {"lengths of 16 bits",
       {{.payload = std::string(126, 'a')}, {.opcode = Opcode::binary, .payload = std::string(300, 'b')}}},
      {"gathered", {{.payload = large_text}, {.opcode = Opcode::binary, .payload = large_text}}},
      {"gathered characters", {{.payload = euros}}},
      {"fragments",
       {{.payload = "one", .fin = false},
        {.opcode = Opcode::continuation, .payload = "two", .fin = false},
        {.opcode = Opcode::continuation, .payload = "three"}}},
      {"fragments with pings, empty and not, and a pong between",
       {{.payload = "\xE2\x82", .fin = false},
        {.opcode = Opcode::ping},
        {.opcode = Opcode::continuation, .payload = "", .fin = false},
        {.opcode = Opcode::ping, .payload = "are you there"},
        {.opcode = Opcode::continuation, .payload = "\xAC and more", .fin = false},
        {.opcode = Opcode::pong, .payload = "pong"},
        {.opcode = Opcode::continuation, .payload = ""}}},
      {"a large fragment after a small one",
       {{.payload = "small", .fin = false},
        {.opcode = Opcode::continuation, .payload = large_text},
        {.payload = "next"}}},
      {"close", {{.payload = "bye"}, {.opcode = Opcode::close, .payload = "\x03\xE8reason"}, {.payload = "late"}}},
      {"close inside a message", {{.payload = "un", .fin = false}, {.opcode = Opcode::close}}},
      {"text that turns invalid", {{.payload = "good"}, {.payload = "bad \xED\xA0\x80 surrogate"}}},
      {"text that turns invalid in the third fragment",
       {{.payload = "\xF0", .fin = false},
        {.opcode = Opcode::continuation, .payload = "\x9F", .fin = false},
        {.opcode = Opcode::continuation, .payload = "x"}}},
      {"text that ends inside a character", {{.payload = "\xF0\x9F", .fin = false}, {.opcode = Opcode::continuation}}},
      {"a broken rule after good messages", {{.payload = "good"}, {.opcode = Opcode::continuation, .payload = "?"}}},
  };
}

Buffer stream_of(const Sequence& sequence, Role role) {
  std::mt19937 random{0x5EED};
  Buffer stream;
  for (Frame frame : sequence.frames) {
    frame.key = static_cast<std::uint32_t>(random()) | 1U;  // not zero
    if (role == Role::client) frame.key = std::nullopt;
    stream = stream + frame.bytes();
  }
  return stream;
}

void expect_same_at_every_cut(const Buffer& stream, const Decoder::Options& options, const char* name) {
  const auto whole = join_parts(decode(stream, options));
  for (std::size_t cut = 0; cut <= stream.size(); ++cut) {
    ASSERT_EQ(join_parts(decode_cut(stream, cut, options)), whole) << name << ", cut at " << cut;
  }
}

void expect_same_in_chunks(const Buffer& stream, const Decoder::Options& options, std::size_t size, const char* name) {
  Driver driver{options};
  for (std::size_t at = 0; at < stream.size(); at += size) {
    driver.feed(ByteView{stream}.subspan(at, std::min(size, stream.size() - at)));
  }
  ASSERT_EQ(join_parts(driver.seen), join_parts(decode(stream, options))) << name << ", in chunks of " << size;
}

class DecoderSplit : public testing::TestWithParam<Decoder::Options> {};

TEST_P(DecoderSplit, AnywhereGivesTheSameEvents) {
  for (const Sequence& sequence : sequences()) {
    const Buffer stream = stream_of(sequence, GetParam().role);
    expect_same_at_every_cut(stream, GetParam(), sequence.name);
    for (const std::size_t size : {1U, 2U, 3U, 7U, 13U, 64U}) {
      expect_same_in_chunks(stream, GetParam(), size, sequence.name);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Roles, DecoderSplit,
                         testing::Values(Decoder::Options{.role = Role::server}, Decoder::Options{.role = Role::client},
                                         Decoder::Options{.role = Role::server, .parts = true},
                                         Decoder::Options{.role = Role::client, .parts = true}),
                         [](const auto& instance) {
                           return std::string{instance.param.role == Role::server ? "Server" : "Client"} +
                                  (instance.param.parts ? "Parts" : "Messages");
                         });

TEST(DecoderSequences, EachSaysSomething) {
  for (const Sequence& sequence : sequences()) {
    EXPECT_THAT(decode(stream_of(sequence, Role::server)), testing::Not(testing::IsEmpty())) << sequence.name;
  }
}

TEST(DecoderGarbage, NeverCrashesAndEndsWithAFailureOrWaits) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937 random{seed};
  for (int round = 0; round < 2'000; ++round) {
    codec::Inflater inflater{{}};
    Decoder::Options options;
    options.role = random() % 2 == 0 ? Role::server : Role::client;
    options.parts = random() % 2 == 0;
    options.inflater = random() % 2 == 0 ? &inflater : nullptr;
    Limits limits;
    limits.message_bytes_max = 10'000;
    Driver driver{options, limits};
    for (int chunk = 0; chunk < 20; ++chunk) {
      Buffer bytes(random() % 40);
      for (auto& byte : bytes) byte = static_cast<std::uint8_t>(random());
      if (!bytes.empty() && random() % 2 == 0) bytes[0] = static_cast<std::uint8_t>(0x81 + random() % 2);
      driver.feed(bytes);
    }
    for (std::size_t i = 0; i + 1 < driver.seen.size(); ++i) {
      ASSERT_NE(driver.seen[i].kind, Event::Kind::failed) << "nothing follows";
      ASSERT_NE(driver.seen[i].kind, Event::Kind::close) << "nothing follows";
    }
  }
}

}  // namespace
}  // namespace plait::ws
