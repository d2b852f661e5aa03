#include "frames/decoder.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

#include "frames/open.hpp"
#include "support/vectors.hpp"

namespace plait::frames {
namespace {

using test::from_hex;
using test::string_member;
using test::to_hex;

/// Feeds bytes as a transport does, keeps what the decoder left over, and writes each event down in words.
class Feed {
 public:
  explicit Feed(const Decoder::Options& options = {}, const Limits& limits = {})
      : limits_(limits), decoder_(options, limits_, pool_) {}

  void operator()(ByteView piece) {
    while (!piece.empty()) {
      if (MutableByteView direct = decoder_.direct_buffer(); !direct.empty()) {
        const std::size_t count = std::min(direct.size(), piece.size());
        std::memcpy(direct.data(), piece.data(), count);
        decoder_.commit_direct(count);
        piece = piece.subspan(count);
      } else {
        kept_.insert(kept_.end(), piece.begin(), piece.end());
        piece = {};
      }
      drain();
    }
  }

  std::vector<std::string> events;
  std::size_t kept_bytes_max = 0;
  std::size_t blocks = 0;

 private:
  void drain() {
    ByteView input{kept_};
    for (Event event = decoder_.next(input); event.kind != Event::Kind::need_more; event = decoder_.next(input)) {
      if (event.storage == Message::Storage::block) ++blocks;
      record(event);
    }
    kept_.erase(kept_.begin(), kept_.end() - static_cast<std::ptrdiff_t>(input.size()));
    kept_bytes_max = std::max(kept_bytes_max, kept_.size());
  }

  void record(const Event& event) {
    const std::string kind = event.message_kind == MessageKind::text ? "text " : "binary ";
    switch (event.kind) {
      case Event::Kind::open:
        return events.push_back("open");
      case Event::Kind::message:
        return events.push_back("message " + kind + to_hex(event.payload));
      case Event::Kind::part:
        return record_part(event, kind);
      case Event::Kind::ping:
        return events.push_back("ping " + to_hex(event.payload));
      case Event::Kind::pong:
        return events.push_back("pong " + to_hex(event.payload));
      case Event::Kind::close:
        return events.push_back("close " + std::to_string(event.close_code) + " " +
                                std::string{as_text(event.payload)});
      case Event::Kind::failed:
        return events.push_back("failed " + std::string{name_of(event.error)} + " " +
                                std::to_string(close_code_of(event.error)));
      case Event::Kind::need_more:
        return;
    }
  }

  // Parts are joined: where they are cut depends on how the bytes arrive.
  void record_part(const Event& event, const std::string& kind) {
    part_ += to_hex(event.payload);
    if (!event.last) return;
    events.push_back("message " + kind + part_);
    part_.clear();
  }

  core::BufferPool pool_;
  Limits limits_;
  Decoder decoder_;
  std::vector<std::uint8_t> kept_;
  std::string part_;
};

std::string expected_event(codec::JsonValue event) {
  const std::string kind{string_member(event, "kind")};
  if (kind == "open") return kind;
  if (kind == "close") {
    return "close " + std::to_string(*event.find("code").as_uint64()) + " " +
           std::string{string_member(event, "reason")};
  }
  const std::string hex{string_member(event, "hex")};
  if (kind == "message") return "message " + std::string{string_member(event, "message_kind")} + " " + hex;
  return kind + " " + hex;
}

struct Vector {
  std::string name;
  std::vector<std::uint8_t> bytes;
  std::vector<std::string> events;
};

std::vector<Vector> load_vectors() {
  const test::VectorFile file{"frames.json"};
  std::vector<Vector> vectors;
  for (const codec::JsonValue value : file.array("valid")) {
    Vector vector{std::string{string_member(value, "name")}, from_hex(string_member(value, "hex")), {}};
    for (const codec::JsonValue event : value.find("events").elements()) vector.events.push_back(expected_event(event));
    vectors.push_back(std::move(vector));
  }
  for (const codec::JsonValue value : file.array("invalid")) {
    Vector vector{std::string{string_member(value, "name")}, from_hex(string_member(value, "hex")), {}};
    vector.events.push_back("failed " + std::string{string_member(value, "error")} + " " +
                            std::to_string(*value.find("close_code").as_uint64()));
    vectors.push_back(std::move(vector));
  }
  EXPECT_GT(vectors.size(), 45u);
  return vectors;
}

// What comes before a violation is not part of an invalid vector's expectation.
std::vector<std::string> relevant(const Vector& vector, const std::vector<std::string>& events) {
  if (!vector.events.front().starts_with("failed") || events.empty()) return events;
  return {events.back()};
}

TEST(FramesDecoder, VectorsWhole) {
  for (const Vector& vector : load_vectors()) {
    Feed feed;
    feed(vector.bytes);
    EXPECT_EQ(relevant(vector, feed.events), vector.events) << vector.name;
  }
}

TEST(FramesDecoder, VectorsSplitAnywhere) {
  for (const Vector& vector : load_vectors()) {
    for (std::size_t cut = 1; cut < vector.bytes.size(); ++cut) {
      Feed feed;
      feed(ByteView{vector.bytes}.first(cut));
      feed(ByteView{vector.bytes}.subspan(cut));
      ASSERT_EQ(relevant(vector, feed.events), vector.events) << vector.name << " cut at " << cut;
    }
  }
}

TEST(FramesDecoder, VectorsByteByByteAndInParts) {
  for (const Vector& vector : load_vectors()) {
    // The limits on whole messages do not apply to parts, and a text's parts are reported before it turns out bad.
    if (vector.events.front().starts_with("failed message_too_big")) continue;
    Feed feed{{.parts = true}};
    for (const std::uint8_t& byte : vector.bytes) feed({&byte, 1});
    EXPECT_EQ(relevant(vector, feed.events), vector.events) << vector.name;
  }
}

std::vector<std::uint8_t> opened() {
  core::VectorSink out;
  encode_open(OpenRequest{"/", "", "", {}}, out);
  return out.bytes;
}

std::vector<std::uint8_t> opened_with(MessageKind kind, std::string_view data) {
  core::VectorSink out;
  out.append(opened());
  out.append(FrameHeader{type_of(kind), data.size()}.view());
  out.append(as_bytes(data));
  return out.bytes;
}

TEST(FramesDecoder, GathersLargeMessagesAndWaitsForSmallOnes) {
  for (const std::size_t size : {Decoder::kDirectBytes - 1, Decoder::kDirectBytes, std::size_t{70000}}) {
    const std::string data(size, 'x');
    const auto bytes = opened_with(MessageKind::binary, data);
    const std::string expected = "message binary " + to_hex(as_bytes(data));
    for (const std::size_t cut : {bytes.size() - 1, bytes.size() - size + 1, bytes.size() - size}) {
      Feed feed;
      feed(ByteView{bytes}.first(cut));
      feed(ByteView{bytes}.subspan(cut));
      ASSERT_EQ(feed.events.size(), 2u) << size << " cut at " << cut;
      EXPECT_EQ(feed.events[1], expected);
      EXPECT_EQ(feed.blocks, size < Decoder::kDirectBytes ? 0u : 1u);
      EXPECT_LT(feed.kept_bytes_max, Decoder::kDirectBytes + FrameHeader::kBytesMax);
    }
  }
}

TEST(FramesDecoder, SharedMessageOutlivesTheDecoder) {
  const std::string data(5000, 'x');
  const auto bytes = opened_with(MessageKind::binary, data);
  core::BufferPool pool;
  Bytes kept;
  {
    const Limits limits;
    Decoder decoder{{}, limits, pool};
    ByteView input = ByteView{bytes}.first(bytes.size() - 1);
    EXPECT_EQ(decoder.next(input).kind, Event::Kind::open);
    EXPECT_EQ(decoder.next(input).kind, Event::Kind::need_more);
    input = ByteView{bytes}.last(1);
    const Event event = decoder.next(input);
    ASSERT_EQ(event.kind, Event::Kind::message);
    ASSERT_EQ(event.storage, Message::Storage::block);
    kept = Message::received(event.message_kind, event.payload, event.storage, event.block).share();
    EXPECT_EQ(kept.data(), event.payload.data());
  }
  EXPECT_EQ(kept.text(), data);
}

TEST(FramesDecoder, MessageLimitIsExact) {
  Limits limits;
  limits.message_bytes_max = 10000;
  Feed fits{{}, limits};
  fits(opened_with(MessageKind::binary, std::string(10000, 'x')));
  EXPECT_TRUE(fits.events.back().starts_with("message"));
  Feed over{{}, limits};
  over(opened_with(MessageKind::binary, std::string(10001, 'x')));
  EXPECT_EQ(over.events.back(), "failed message_too_big 1009");
}

TEST(FramesDecoder, ALargeDeclaredLengthTakesMemoryOnlyAsBytesArrive) {
  constexpr std::size_t kDeclaredBytes = std::size_t{64} << 20;
  constexpr std::size_t kAtOnceBytes = std::size_t{1} << 20;
  Limits limits;
  limits.message_bytes_max = kDeclaredBytes;
  for (const bool in_parts : {false, true}) {
    core::BufferPool pool;
    Decoder decoder{{}, limits, pool};
    core::VectorSink out;
    out.append(opened());
    out.append(in_parts ? FrameHeader::part(MessageKind::binary, false, kDeclaredBytes).view()
                        : FrameHeader{FrameType::binary, kDeclaredBytes}.view());
    ByteView input{out.bytes};
    ASSERT_EQ(decoder.next(input).kind, Event::Kind::open);
    ASSERT_EQ(decoder.next(input).kind, Event::Kind::need_more);
    for (std::size_t received = 0; received < 8 * kAtOnceBytes;) {
      const MutableByteView direct = decoder.direct_buffer();
      ASSERT_FALSE(direct.empty());
      ASSERT_LE(received + direct.size(), std::max(kAtOnceBytes, 2 * received)) << received;
      const std::size_t count = std::min<std::size_t>(direct.size(), 100'000);
      std::fill_n(direct.begin(), count, std::uint8_t{0});
      decoder.commit_direct(count);
      ByteView none;
      ASSERT_EQ(decoder.next(none).kind, Event::Kind::need_more);
      received += count;
    }
  }
}

TEST(FramesDecoder, LimitCountsAllPartsOfAMessageTogether) {
  Limits limits;
  limits.message_bytes_max = 10000;
  for (const std::size_t last_size : {5000u, 5001u}) {
    core::VectorSink out;
    out.append(opened());
    out.append(FrameHeader::part(MessageKind::binary, false, 5000).view());
    out.append(as_bytes(std::string(5000, 'a')));
    out.append(FrameHeader::part(MessageKind::binary, true, last_size).view());
    out.append(as_bytes(std::string(last_size, 'b')));
    Feed feed{{}, limits};
    feed(out.bytes);
    EXPECT_EQ(feed.events.back().starts_with("message"), last_size == 5000) << feed.events.back().substr(0, 40);
  }
}

TEST(FramesDecoder, PartsAreCountedAndTheCountBeginsAnewWithEachMessage) {
  Limits limits;
  limits.message_fragments_max = 3;
  const auto parts = [](int count, core::VectorSink& out) {
    for (int i = 1; i <= count; ++i) out.append(FrameHeader::part(MessageKind::text, i == count, 0).view());
  };
  core::VectorSink out;
  out.append(opened());
  parts(3, out);
  parts(3, out);
  Feed fits{{}, limits};
  fits(out.bytes);
  EXPECT_EQ(fits.events, (std::vector<std::string>{"open", "message text ", "message text "}));
  parts(4, out);
  Feed over{{}, limits};
  over(out.bytes);
  EXPECT_EQ(over.events.back(), "failed too_many_parts 1008");
}

TEST(FramesDecoder, InPartsAMessageMayBeLargerThanTheLimit) {
  Limits limits;
  limits.message_bytes_max = 10;
  Feed feed{{.parts = true}, limits};
  feed(opened_with(MessageKind::text, std::string(1000, 'x')));
  EXPECT_EQ(feed.events.back(), "message text " + to_hex(as_bytes(std::string(1000, 'x'))));
  EXPECT_EQ(feed.blocks, 0u);
}

TEST(FramesDecoder, NothingFollowsAViolation) {
  core::VectorSink out;
  out.append(opened());
  out.append(as_bytes(std::string_view{"\x08\0\x02\x01x", 5}));
  Feed feed;
  feed(out.bytes);
  feed(opened());
  EXPECT_EQ(feed.events, (std::vector<std::string>{"open", "failed unknown_type 1002"}));
}

}  // namespace
}  // namespace plait::frames
