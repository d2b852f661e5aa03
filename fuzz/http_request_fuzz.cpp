// Request heads: the same answer whole and in pieces, and an accepted head says the same after it was written again.
#include <cstdlib>
#include <vector>

#include "core/byte_sink.hpp"
#include "http/request.hpp"
#include "http/request_encoder.hpp"

namespace {

using namespace plait;
using namespace plait::http;
using Parsed = Result<std::optional<RequestHead>, http::Error>;

void require(bool holds) {
  if (!holds) std::abort();
}

bool is_written_by_encoder(const Field& field) {
  return equals_ignoring_case(field.name, "Host") || equals_ignoring_case(field.name, "Content-Length") ||
         equals_ignoring_case(field.name, "Transfer-Encoding");
}

std::vector<Field> further_fields(const RequestHead& head) {
  std::vector<Field> fields;
  for (const Field& field : head.fields) {
    if (!is_written_by_encoder(field)) fields.push_back(field);
  }
  return fields;
}

void require_same_fields(const RequestHead& a, const RequestHead& b) {
  const auto left = further_fields(a);
  const auto right = further_fields(b);
  require(left.size() == right.size());
  for (std::size_t i = 0; i < left.size(); ++i) {
    require(left[i].name == right[i].name && left[i].value == right[i].value);
  }
}

void require_same(const RequestHead& a, const RequestHead& b) {
  require(a.method == b.method && a.target == b.target && a.path == b.path && a.query == b.query);
  require(a.body.kind == b.body.kind && a.body.length == b.body.length);
  require(a.fields.find("Host").value_or("") == b.fields.find("Host").value_or(""));
  require_same_fields(a, b);
}

Parsed parse_in_pieces(ByteView input, std::size_t step, const Limits& limits) {
  std::size_t scanned = 0;
  for (std::size_t size = 0; size < input.size(); size += step) {
    auto parsed = parse_request_head(input.first(size), scanned, limits);
    if (!parsed || *parsed) return parsed;
    require(scanned <= size);
  }
  return parse_request_head(input, scanned, limits);
}

void require_round_trip(const RequestHead& head) {
  const auto fields = further_fields(head);
  core::VectorSink sink;
  require(encode_request_head(sink, {.method = head.method,
                                     .target = head.target,
                                     .host = head.fields.find("Host").value_or(""),
                                     .fields = fields,
                                     .body = head.body})
              .has_value());
  std::size_t scanned = 0;
  const auto again = parse_request_head(sink.bytes, scanned, {.header_bytes_max = sink.bytes.size()});
  require(again.has_value() && again->has_value());
  require((*again)->head_bytes == sink.bytes.size());
  require_same(head, **again);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteView input{data, size};
  const Limits limits{.request_line_bytes_max = 200, .header_bytes_max = 600, .header_count_max = 12};
  std::size_t scanned = 0;
  const auto whole = parse_request_head(input, scanned, limits);
  const auto pieces = parse_in_pieces(input, 1 + size % 7, limits);
  require(whole.has_value() == pieces.has_value());
  if (!whole) {
    require(whole.error() == pieces.error() && !describe(whole.error()).empty());
    return 0;
  }
  require(whole->has_value() == pieces->has_value());
  if (!*whole) return 0;
  require((*whole)->head_bytes == (*pieces)->head_bytes && (*whole)->head_bytes <= size);
  require_same(**whole, **pieces);
  require_round_trip(**whole);
  return 0;
}
