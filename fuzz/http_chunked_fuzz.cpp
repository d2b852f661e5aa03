// Chunked bodies: the same body, error and rest whole and in pieces, never more than the limit, and what a plain reader
// of whole lines makes of an accepted one.
#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <optional>
#include <string>

#include "http/body_decoder.hpp"

namespace {

using namespace plait;
using namespace plait::http;

constexpr std::uint64_t kBodyMax = 4096;

void require(bool holds) {
  if (!holds) std::abort();
}

struct Decoded {
  std::string body;
  bool done = false;
  std::optional<http::Error> error;
  std::size_t used = 0;
  bool operator==(const Decoded&) const = default;
};

// Takes all of `piece`, or as much as there is before the end or the error.
void decode_piece(BodyDecoder& decoder, ByteView piece, Decoded& decoded) {
  const std::size_t size = piece.size();
  while (!decoded.done) {
    const auto chunk = decoder.decode(piece);
    if (!chunk) {
      decoded.error = chunk.error();
      return;
    }
    decoded.body += as_text(chunk->data);
    decoded.done = chunk->done;
    if (chunk->data.empty() && !chunk->done) break;
  }
  decoded.used += size - piece.size();
}

Decoded decode(ByteView input, std::size_t step) {
  BodyDecoder decoder{{BodyFraming::Kind::chunked, 0}, kBodyMax};
  Decoded decoded;
  while (!input.empty() && !decoded.done && !decoded.error) {
    const std::size_t size = std::min(step, input.size());
    decode_piece(decoder, input.first(size), decoded);
    input = input.subspan(size);
  }
  require(decoded.body.size() <= kBodyMax);
  if (decoded.error) decoded.used = 0;  // how much of the failing piece was looked at depends on the pieces
  return decoded;
}

std::string_view take_line(std::string_view& text) {
  const std::size_t end = text.find("\r\n");
  require(end != text.npos);
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(end + 2);
  require(line.find_first_of("\r\n") == line.npos);
  return line;
}

// RFC 9112 §7.1 of a body that was accepted.
void require_reads_the_same(std::string_view text, const Decoded& decoded) {
  const std::size_t size = text.size();
  std::string body;
  for (std::size_t chunk_size = 1; chunk_size > 0;) {
    const std::string_view line = take_line(text);
    const std::size_t digits = std::min(line.find_first_not_of("0123456789abcdefABCDEF"), line.size());
    require(digits > 0 && digits <= 16);
    const std::size_t extension = line.find_first_not_of(" \t", digits);
    require(digits == line.size() || (extension != line.npos && line[extension] == ';'));
    chunk_size = 0;
    std::from_chars(line.data(), line.data() + digits, chunk_size, 16);
    require(chunk_size <= text.size());
    body += text.substr(0, chunk_size);
    text.remove_prefix(chunk_size);
    if (chunk_size > 0) require(take_line(text).empty());
  }
  for (std::string_view line = take_line(text); !line.empty(); line = take_line(text)) {
    require(line.find(':') != line.npos && line.find(':') > 0);
  }
  require(body == decoded.body && size - text.size() == decoded.used);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteView input{data, size};
  const Decoded whole = decode(input, size);
  require(whole == decode(input, 1 + size % 7));
  if (whole.done) require_reads_the_same(as_text(input), whole);
  return 0;
}
