// Response heads: the same answer whole and in pieces, a body only where RFC 9112 §6.3 has one, and an accepted head
// says the same after it was written again.
#include <algorithm>
#include <cstdlib>
#include <vector>

#include "core/byte_sink.hpp"
#include "http/grammar.hpp"
#include "http/response.hpp"

namespace {

using namespace plait;
using namespace plait::http;
using Parsed = Result<std::optional<ResponseHead>, http::Error>;

void require(bool holds) {
  if (!holds) std::abort();
}

void require_same(const ResponseHead& a, const ResponseHead& b) {
  require(a.status == b.status && a.reason == b.reason && a.minor_version == b.minor_version);
  require(a.body.kind == b.body.kind && a.body.length == b.body.length);
  require(a.head_bytes == b.head_bytes && a.keep_alive == b.keep_alive);
  const auto same = [](const Field& x, const Field& y) { return x.name == y.name && x.value == y.value; };
  require(std::equal(a.fields.begin(), a.fields.end(), b.fields.begin(), b.fields.end(), same));
}

Parsed parse_in_pieces(ByteView input, std::size_t step, const Limits& limits) {
  std::size_t scanned = 0;
  for (std::size_t size = 0; size < input.size(); size += step) {
    auto parsed = parse_response_head(input.first(size), scanned, limits, "GET");
    if (!parsed || *parsed) return parsed;
  }
  return parse_response_head(input, scanned, limits, "GET");
}

std::vector<Field> further_fields(const ResponseHead& head) {
  std::vector<Field> fields;
  for (const Field& field : head.fields) {
    const bool written_by_encoder = equals_ignoring_case(field.name, "Host") ||
                                    equals_ignoring_case(field.name, "Content-Length") ||
                                    equals_ignoring_case(field.name, "Transfer-Encoding");
    if (!written_by_encoder) fields.push_back(field);
  }
  return fields;
}

void require_round_trip(const ResponseHead& head) {
  const auto fields = further_fields(head);
  // Without a length, a client would read until the connection ends. Chunks are read, but not sent.
  const bool has_length = head.body.kind == BodyFraming::Kind::length;
  const bool until_close = head.body.kind == BodyFraming::Kind::until_close;
  const BodyFraming body = has_length || until_close ? head.body : BodyFraming{BodyFraming::Kind::length, 0};
  core::VectorSink sink;
  const auto encoded = encode_response_head(
      sink, {.status = head.status, .fields = fields, .body = body, .keep_alive = head.keep_alive});
  require(encoded.has_value() == (head.status <= 599));
  if (!encoded) return;
  std::size_t scanned = 0;
  const auto again = parse_response_head(sink.bytes, scanned, {.header_bytes_max = sink.bytes.size()}, "GET");
  require(again.has_value() && again->has_value());
  require((*again)->status == head.status && (*again)->head_bytes == sink.bytes.size());
  const auto kind = has_length || until_close ? head.body.kind : BodyFraming::Kind::none;
  require((*again)->body.kind == kind && (*again)->body.length == body.length);
  if (!head.keep_alive) require(!(*again)->keep_alive);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteView input{data, size};
  const Limits limits{.request_line_bytes_max = 200, .header_bytes_max = 600, .header_count_max = 12};
  std::size_t scanned = 0;
  const auto whole = parse_response_head(input, scanned, limits, "GET");
  const auto pieces = parse_in_pieces(input, 1 + size % 7, limits);
  require(whole.has_value() == pieces.has_value());
  if (!whole) {
    require(whole.error() == pieces.error());
    return 0;
  }
  require(whole->has_value() == pieces->has_value());
  if (!*whole) return 0;
  require((*whole)->head_bytes <= size);
  require_same(**whole, **pieces);
  scanned = 0;
  const auto alone = parse_response_head(input.first((*whole)->head_bytes), scanned, limits, "GET");
  require(alone.has_value() && alone->has_value());
  require_same(**whole, **alone);
  scanned = 0;
  const auto to_head = parse_response_head(input, scanned, limits, "HEAD");
  require(to_head.has_value() && (*to_head)->body.kind == BodyFraming::Kind::none);
  require_round_trip(**whole);
  return 0;
}
