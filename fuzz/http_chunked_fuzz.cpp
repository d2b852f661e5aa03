// Chunked bodies: the same body, error and rest whole and in pieces, never more than the limit, and a decoded body
// decodes to itself after it was encoded again.
#include <cstdlib>
#include <optional>
#include <string>

#include "core/byte_sink.hpp"
#include "http/body_decoder.hpp"
#include "http/body_encoder.hpp"

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
  require(decoded.body.size() <= kBodyMax && decoder.body_bytes() == decoded.body.size());
  require(decoder.finish().has_value() == decoded.done);
  if (decoded.error) decoded.used = 0;  // how much of the failing piece was looked at depends on the pieces
  return decoded;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteView input{data, size};
  const Decoded whole = decode(input, size);
  require(whole == decode(input, 1 + size % 7));
  core::VectorSink sink;
  encode_chunk(sink, as_bytes(whole.body));
  encode_last_chunk(sink);
  const Decoded again = decode(sink.bytes, sink.bytes.size());
  require(again.done && again.body == whole.body && again.used == sink.bytes.size());
  return 0;
}
