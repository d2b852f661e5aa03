#include "http/capsule.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

namespace plait::http {
namespace {

using Seen = std::pair<std::uint64_t, std::string>;
using Buffer = std::vector<std::uint8_t>;

constexpr std::uint64_t kKnown = 0x2843;
constexpr std::uint64_t kAlsoKnown = 0x190B4D3D;
constexpr std::uint64_t kGrease = 0x29 * 7 + 0x17;

bool is_known(std::uint64_t type) { return type == kKnown || type == kAlsoKnown; }

struct Decoded {
  std::vector<Seen> seen;
  std::optional<CapsuleError> error;
  bool operator==(const Decoded&) const = default;
};

void feed(CapsuleDecoder& decoder, ByteView piece, Decoded& decoded) {
  for (;;) {
    const auto capsule = decoder.next(piece);
    if (!capsule) {
      decoded.error = capsule.error();
      return;
    }
    if (!*capsule) break;
    decoded.seen.emplace_back((*capsule)->type, as_text((*capsule)->value));
  }
  EXPECT_TRUE(piece.empty());
}

Decoded decode(ByteView stream, std::size_t piece_bytes, std::size_t value_bytes_max = kCapsuleValueBytesMax) {
  CapsuleDecoder decoder{is_known, value_bytes_max};
  Decoded decoded;
  while (!stream.empty() && !decoded.error) {
    const Buffer exact(stream.begin(),
                       stream.begin() + static_cast<std::ptrdiff_t>(std::min(piece_bytes, stream.size())));
    stream = stream.subspan(exact.size());
    feed(decoder, exact, decoded);
  }
  if (!decoded.error) {
    if (const auto finished = decoder.finish(); !finished) decoded.error = finished.error();
  }
  return decoded;
}

Buffer capsule(std::uint64_t type, std::string_view value) {
  core::VectorSink out;
  encode_capsule(type, as_bytes(value), out);
  return out.bytes;
}

Buffer operator+(Buffer left, const Buffer& right) {
  left.insert(left.end(), right.begin(), right.end());
  return left;
}

// What Chromium 156 sends for close({closeCode: 123, reason: "client done"}).
const Buffer close_session = {0x68, 0x43, 0x0F, 0, 0, 0, 0x7B, 'c', 'l', 'i', 'e', 'n', 't', ' ', 'd', 'o', 'n', 'e'};

TEST(Capsule, WhatChromiumSendsOnClose) {
  const std::string value{"\0\0\0{client done", 15};
  EXPECT_EQ(decode(close_session, 100).seen, (std::vector<Seen>{{kKnown, value}}));
  EXPECT_EQ(capsule(kKnown, value), close_session);
}

TEST(Capsule, SplitAnywhereGivesTheSameCapsules) {
  const auto stream = capsule(kGrease, "grease") + close_session + capsule(kAlsoKnown, "") + capsule(kKnown, "x") +
                      capsule(0x3F, std::string(300, 's')) + capsule(kAlsoKnown, std::string(70, 'v'));
  const Decoded whole = decode(stream, stream.size());
  ASSERT_EQ(whole.seen.size(), 4U);
  for (std::size_t piece = 1; piece < stream.size(); ++piece) EXPECT_EQ(decode(stream, piece), whole) << piece;
}

TEST(Capsule, Rfc9297Section3_2_UnknownTypesAreSkippedWhateverTheirLength) {
  CapsuleDecoder decoder{is_known};
  Decoded decoded;
  core::VectorSink header;
  encode_capsule_header(kGrease, std::uint64_t{1} << 20, header);
  feed(decoder, header.bytes, decoded);
  const Buffer piece(1 << 10, 'u');
  for (int i = 0; i < 1 << 10; ++i) feed(decoder, piece, decoded);
  feed(decoder, capsule(kKnown, "after"), decoded);
  EXPECT_EQ(decoded.seen, (std::vector<Seen>{{kKnown, "after"}}));
  EXPECT_FALSE(decoded.error);
}

TEST(Capsule, LengthsMayBeLongerThanNeeded) {
  const Buffer stream = {0xC0, 0, 0, 0, 0, 0, 0x28, 0x43, 0x80, 0, 0, 2, 'o', 'k'};
  for (std::size_t piece = 1; piece <= stream.size(); ++piece) {
    EXPECT_EQ(decode(stream, piece).seen, (std::vector<Seen>{{kKnown, "ok"}})) << piece;
  }
}

TEST(Capsule, TheLimitPassesAndOneByteMoreDoesNot) {
  EXPECT_EQ(decode(capsule(kKnown, std::string(kCapsuleValueBytesMax, 'a')), 1000).seen.size(), 1U);
  const auto beyond = capsule(kKnown, std::string(kCapsuleValueBytesMax + 1, 'a'));
  EXPECT_EQ(decode(beyond, 1000).error, CapsuleError::value_too_large);
  EXPECT_EQ(decode(ByteView{beyond}.first(6), 1).error, CapsuleError::value_too_large) << "from its header alone";
  EXPECT_EQ(decode(capsule(kKnown, "12345"), 1, 4).error, CapsuleError::value_too_large);
}

TEST(Capsule, NothingFollowsAFailure) {
  CapsuleDecoder decoder{is_known, 1};
  Decoded decoded;
  feed(decoder, capsule(kKnown, "ab") + capsule(kKnown, ""), decoded);
  const Buffer good = capsule(kKnown, "");
  ByteView input = good;
  EXPECT_FALSE(decoder.next(input).has_value());
  EXPECT_FALSE(decoder.finish().has_value());
}

TEST(Capsule, Rfc9297Section3_3_AStreamThatEndsInsideACapsuleIsMalformed) {
  const auto stream = capsule(kAlsoKnown, "value") + capsule(kGrease, "skip");
  const std::size_t first = capsule(kAlsoKnown, "value").size();
  for (std::size_t size = 0; size <= stream.size(); ++size) {
    const bool whole = size == 0 || size == first || size == stream.size();
    const auto error = decode(ByteView{stream}.first(size), 3).error;
    EXPECT_EQ(error, whole ? std::nullopt : std::optional{CapsuleError::truncated}) << size;
  }
}

}  // namespace
}  // namespace plait::http
