#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <random>
#include <string>
#include <vector>

#include "http/body_decoder.hpp"
#include "http_testing.hpp"

namespace plait::http {
namespace {

constexpr BodyFraming kChunked{BodyFraming::Kind::chunked, 0};
constexpr std::uint64_t kMax = 1000;

struct DecodedBody {
  std::string body;
  bool done = false;
  std::optional<Error> error;
  std::string rest;
  bool operator==(const DecodedBody&) const = default;
};

void PrintTo(const DecodedBody& d, std::ostream* out) {
  *out << d.body << (d.done ? " done" : "") << (d.error ? describe(*d.error) : "") << " rest: " << d.rest;
}

// Feeds `pieces` one by one, as a connection does: what is left after `done` is not offered again.
DecodedBody decode_body(const BodyFraming& framing, const std::vector<std::string_view>& pieces,
                        std::uint64_t max = kMax) {
  BodyDecoder decoder{framing, max};
  DecodedBody decoded;
  for (const std::string_view piece : pieces) {
    ByteView input = as_bytes(piece);
    for (bool more = !decoded.done && !decoded.error; more;) {
      const auto chunk = decoder.decode(input);
      if (!chunk) {
        decoded.error = chunk.error();
        break;
      }
      decoded.body += as_text(chunk->data);
      decoded.done = chunk->done;
      more = !chunk->data.empty() && !chunk->done;
    }
    if (!decoded.error) decoded.rest += as_text(input);
  }
  return decoded;
}

std::string chunk_of(std::string_view data) {
  std::array<char, 16> size{};
  char* const end = std::to_chars(size.data(), size.data() + size.size(), data.size(), 16).ptr;
  return std::string{size.data(), end} + "\r\n" + std::string{data} + "\r\n";
}

TEST(HttpBody, NoneIsDoneAtOnce) {
  EXPECT_EQ(decode_body({}, {"GET"}), (DecodedBody{"", true, {}, "GET"}));
  EXPECT_EQ(decode_body({}, {""}), (DecodedBody{"", true, {}, ""}));
}

TEST(HttpBody, LengthTakesExactlyItsBytes) {
  const BodyFraming five{BodyFraming::Kind::length, 5};
  EXPECT_EQ(decode_body(five, {"helloGET"}), (DecodedBody{"hello", true, {}, "GET"}));
  EXPECT_EQ(decode_body(five, {"he", "", "llo"}), (DecodedBody{"hello", true, {}, ""}));
  EXPECT_EQ(decode_body(five, {"hell"}), (DecodedBody{"hell", false, {}, ""}));
}

TEST(HttpBody, DataPointsIntoTheInput) {
  const std::string_view text = "5\r\nhello\r\n";
  BodyDecoder decoder{kChunked, kMax};
  ByteView input = as_bytes(text);
  EXPECT_EQ(decoder.decode(input)->data.data(), as_bytes(text).data() + 3);
}

TEST(HttpBody, LengthLimitOnBothSidesBeforeAnyByte) {
  EXPECT_EQ(decode_body({BodyFraming::Kind::length, 1000}, {""}).error, std::nullopt);
  EXPECT_EQ(decode_body({BodyFraming::Kind::length, 1001}, {""}).error, Error::body_too_large);
}

TEST(HttpBody, ChunkedLimitOnBothSides) {
  const std::string first = "258\r\n" + std::string(600, 'x') + "\r\n";
  EXPECT_EQ(decode_body(kChunked, {first + "190\r\n"}).error, std::nullopt);
  EXPECT_EQ(decode_body(kChunked, {first + "191\r\n"}).error, Error::body_too_large);
}

TEST(HttpBody, Rfc9112Section8IncompleteMessages) {
  EXPECT_FALSE(decode_body({BodyFraming::Kind::length, 3}, {"ab"}).done);
  EXPECT_FALSE(decode_body(kChunked, {"1\r\na\r\n0\r\n"}).done);
}

TEST(HttpBody, Rfc9112Section7_1Chunked) {
  const std::string_view text =
      "4;name=value\r\nWiki\r\n6\r\npedia \r\nE\r\nin \r\n\r\nchunks.\r\n0\r\nExpires: 0\r\n\r\nGET";
  EXPECT_EQ(decode_body(kChunked, {text}), (DecodedBody{"Wikipedia in \r\n\r\nchunks.", true, {}, "GET"}));
}

TEST(HttpBody, ChunkedSplitAnywhereGivesTheSameBody) {
  const std::string_view text = "4 ;name=\"v\"\r\nWiki\r\n0a\r\n0123456789\r\n00\r\nExpires: 0\r\nX:\r\n\r\nGET";
  const DecodedBody whole = decode_body(kChunked, {text});
  ASSERT_TRUE(whole.done);
  for (std::size_t i = 0; i <= text.size(); ++i) {
    for (std::size_t j = i; j <= text.size(); ++j) {
      ASSERT_EQ(decode_body(kChunked, {text.substr(0, i), text.substr(i, j - i), text.substr(j)}), whole)
          << i << ' ' << j;
    }
  }
}

TEST(HttpBody, AnErrorRepeats) {
  BodyDecoder decoder{kChunked, kMax};
  ByteView bad = as_bytes("x");
  ByteView good = as_bytes("0\r\n\r\n");
  EXPECT_EQ(error_of(decoder.decode(bad)), Error::bad_chunk_size);
  EXPECT_EQ(error_of(decoder.decode(good)), Error::bad_chunk_size);
}

TEST(HttpBody, ChunkSizeDigitsLimitOnBothSides) {
  EXPECT_EQ(decode_body(kChunked, {"0000000000000001\r\nx\r\n0\r\n\r\n"}), (DecodedBody{"x", true, {}, ""}));
  EXPECT_EQ(decode_body(kChunked, {"00000000000000001\r\n"}).error, Error::chunk_size_overflow);
}

TEST(HttpBody, ExtensionBytesAreBoundedOverTheWholeBody) {
  const auto with_extensions = [](std::size_t bytes) {
    const std::size_t half = bytes / 2;
    return "1;" + std::string(half, 'e') + "\r\nx\r\n0;" + std::string(bytes - half, 'e') + "\r\n\r\n";
  };
  EXPECT_TRUE(decode_body(kChunked, {with_extensions(BodyDecoder::kExtensionBytesMax)}).done);
  EXPECT_EQ(decode_body(kChunked, {with_extensions(BodyDecoder::kExtensionBytesMax + 1)}).error,
            Error::chunk_extensions_too_long);
  EXPECT_EQ(decode_body(kChunked, {"1" + std::string(BodyDecoder::kExtensionBytesMax + 1, ' ')}).error,
            Error::chunk_extensions_too_long);
}

TEST(HttpBody, TrailerLimitOnBothSides) {
  const auto with_trailer = [](std::size_t bytes) { return "0\r\nX:" + std::string(bytes - 2, 'y') + "\r\n\r\n"; };
  EXPECT_TRUE(decode_body(kChunked, {with_trailer(BodyDecoder::kTrailerBytesMax)}).done);
  EXPECT_EQ(decode_body(kChunked, {with_trailer(BodyDecoder::kTrailerBytesMax + 1)}).error, Error::trailer_too_large);
}

TEST(HttpBody, TrailerFieldsAreChecked) {
  EXPECT_EQ(decode_body(kChunked, {"0\r\nX\r\n\r\n"}).error, Error::missing_colon);
  EXPECT_EQ(decode_body(kChunked, {"0\r\n: y\r\n\r\n"}).error, Error::bad_field_name);
  EXPECT_EQ(decode_body(kChunked, {std::string_view{"0\r\nX: \0\r\n\r\n", 10}}).error, Error::bad_field_value);
}

TEST(HttpBody, ChunksOfEverySizeOfTheirLength) {
  std::string chunks;
  std::string body;
  for (const std::size_t size : {1U, 15U, 16U, 17U, 255U, 256U, 4096U}) {
    const std::string data(size, static_cast<char>('a' + size % 26));
    chunks += chunk_of(data);
    body += data;
  }
  EXPECT_EQ(decode_body(kChunked, {chunks + "0\r\n\r\n"}, body.size()), (DecodedBody{body, true, {}, ""}));
}

TEST(HttpBody, RandomChunksInRandomPieces) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random{seed};
  for (int round = 0; round < 200; ++round) {
    std::string chunks;
    std::string body;
    for (std::size_t count = random() % 8; count > 0; --count) {
      const std::string data(1 + random() % 300, static_cast<char>(random() % 256));
      chunks += chunk_of(data);
      body += data;
    }
    chunks += "0\r\n\r\n";
    std::vector<std::string_view> pieces;
    for (std::string_view rest = chunks; !rest.empty();) {
      pieces.push_back(rest.substr(0, random() % 40));
      rest.remove_prefix(pieces.back().size());
    }
    ASSERT_EQ(decode_body(kChunked, pieces, body.size()), (DecodedBody{body, true, {}, ""}));
  }
}

}  // namespace
}  // namespace plait::http
