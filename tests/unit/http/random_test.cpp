// Random garbage and mutated requests: whatever comes, the parser answers, stays inside its input, and answers the same
// however the input was cut.
#include <gtest/gtest.h>

#include <random>
#include <string>

#include "http_testing.hpp"

namespace plait::http {
namespace {

constexpr std::string_view kRequest =
    "POST http://[::1]:80/a?b HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 12\r\nCookie: a=b; "
    "c=d\r\n\r\n";

void expect_same_in_pieces(std::string_view text, std::mt19937& random) {
  Limits limits;
  limits.request_line_bytes_max = 60;
  limits.header_bytes_max = 120;
  limits.header_count_max = 6;
  const std::string whole = summary(parse_request(text, limits));
  std::size_t scanned = 0;
  for (std::size_t size = 0; size < text.size(); size += 1 + random() % 20) {
    const auto part = parse_request_head(as_bytes(text.substr(0, size)), scanned, limits);
    if (!part || *part) {
      ASSERT_EQ(summary(part), whole);
      return;
    }
  }
  ASSERT_EQ(summary(parse_request_head(as_bytes(text), scanned, limits)), whole);
}

TEST(HttpRandom, GarbageOfProtocolCharacters) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random{seed};
  constexpr std::string_view kAlphabet = "\r\n\r\n\r\n  :/*?GETHP1.,;\t\x01\x80";
  for (int round = 0; round < 20000; ++round) {
    std::string text(random() % 200, ' ');
    for (char& c : text) c = kAlphabet[random() % kAlphabet.size()];
    ASSERT_NO_FATAL_FAILURE(expect_same_in_pieces(text, random));
  }
}

TEST(HttpRandom, MutatedRequests) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random{seed};
  for (int round = 0; round < 20000; ++round) {
    std::string text{kRequest};
    for (std::size_t edits = 1 + random() % 3; edits > 0; --edits) {
      const std::size_t at = random() % text.size();
      switch (random() % 3) {
        case 0:
          text[at] = static_cast<char>(random() % 256);
          break;
        case 1:
          text.erase(at, 1 + random() % 3);
          break;
        default:
          text.insert(at, 1 + random() % 4, text[random() % text.size()]);
          break;
      }
    }
    ASSERT_NO_FATAL_FAILURE(expect_same_in_pieces(text, random));
  }
}

}  // namespace
}  // namespace plait::http
