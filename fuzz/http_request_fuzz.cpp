// Request heads: the same answer whole and in pieces and whatever follows, an accepted head keeps the rules that
// request smuggling lives on when read line by line, and it says the same after it was written again.
#include <algorithm>
#include <cstdlib>
#include <string>
#include <vector>

#include "core/byte_sink.hpp"
#include "http/grammar.hpp"
#include "http/request.hpp"
#include "http/request_encoder.hpp"

namespace {

using namespace plait;
using namespace plait::http;
using Parsed = Result<std::optional<RequestHead>, http::Error>;

void require(bool holds) {
  if (!holds) std::abort();
}

constexpr Limits kLimits{.request_line_bytes_max = 200, .header_bytes_max = 600, .header_count_max = 12};

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
  require(a.fields.find("Host").value_or("") == b.fields.find("Host").value_or(""));
  require_same_fields(a, b);
}

void require_same_message(const RequestHead& a, const RequestHead& b) {
  require(a.head_bytes == b.head_bytes && a.minor_version == b.minor_version);
  require(a.keep_alive == b.keep_alive && a.expects_continue == b.expects_continue);
  require(a.body.kind == b.body.kind && a.body.length == b.body.length);
  require_same(a, b);
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

// The lines of a head without its empty lines; no CR or LF stands anywhere but at a line's end.
std::vector<std::string> lines_of(std::string_view head) {
  std::vector<std::string> lines;
  while (!head.empty()) {
    const std::size_t end = head.find("\r\n");
    require(end != head.npos);
    if (end > 0) lines.emplace_back(head.substr(0, end));
    head.remove_prefix(end + 2);
  }
  for (const std::string& line : lines) {
    for (const char c : line) require(static_cast<unsigned char>(c) >= 0x20 ? c != 0x7F : c == '\t');
  }
  return lines;
}

std::string name_in_lower_case(const std::string& line) {
  const std::size_t colon = line.find(':');
  require(colon != line.npos && colon > 0 && line.substr(0, colon).find_first_of(" \t\"(),/;<=>?@[]{}") == line.npos);
  std::string name = line.substr(0, colon);
  std::transform(name.begin(), name.end(), name.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? c + 32 : c; });
  return name;
}

// RFC 9112 §3 and §6.3, read from the bytes of an accepted head.
void require_sound(std::string_view text, const RequestHead& head) {
  require(text.ends_with("\r\n\r\n") && text.size() <= 2 + 202 + 600 + 2);
  const auto lines = lines_of(text);
  require(!lines.empty() && lines.size() <= 1 + kLimits.header_count_max);
  require(lines[0] ==
          std::string{head.method} + ' ' + std::string{head.target} + " HTTP/1." + std::to_string(head.minor_version));
  require(head.target.find_first_of(" \t") == head.target.npos);
  std::size_t hosts = 0, lengths = 0, codings = 0;
  for (std::size_t i = 1; i < lines.size(); ++i) {
    const std::string name = name_in_lower_case(lines[i]);
    hosts += name == "host" ? 1 : 0;
    lengths += name == "content-length" ? 1 : 0;
    codings += name == "transfer-encoding" ? 1 : 0;
  }
  require(hosts == 1 || (hosts == 0 && head.minor_version == 0));
  require(lengths + codings <= 1 && (codings == 0 || head.minor_version > 0));
  require((head.body.kind == BodyFraming::Kind::chunked) == (codings == 1));
  require(head.body.kind != BodyFraming::Kind::length || (lengths == 1 && head.body.length > 0));
  require(further_fields(head).size() == lines.size() - 1 - hosts - lengths - codings);
}

// Neither what follows a head nor its absence changes it.
void require_independent_of_the_rest(std::string_view text, const RequestHead& head) {
  for (const char* rest : {"", "\r\n", "GET / HTTP/1.1\r\n\r\n", " x\n"}) {
    const std::string input = std::string{text} + rest;
    std::size_t scanned = 0;
    const auto parsed = parse_request_head(as_bytes(input), scanned, kLimits);
    require(parsed.has_value() && parsed->has_value());
    require_same_message(**parsed, head);
  }
}

void require_round_trip(const RequestHead& head) {
  const auto fields = further_fields(head);
  core::VectorSink sink;
  require(encode_request_head(sink, {.method = head.method,
                                     .target = head.target,
                                     .host = head.fields.find("Host").value_or(""),
                                     .fields = fields})
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
  std::size_t scanned = 0;
  const auto whole = parse_request_head(input, scanned, kLimits);
  const auto pieces = parse_in_pieces(input, 1 + size % 7, kLimits);
  require(whole.has_value() == pieces.has_value());
  if (!whole) {
    require(whole.error() == pieces.error() && !describe(whole.error()).empty() && status_of(whole.error()) >= 400);
    return 0;
  }
  require(whole->has_value() == pieces->has_value());
  if (!*whole) return 0;
  require((*whole)->head_bytes <= size);
  require_same_message(**whole, **pieces);
  const std::string_view text = as_text(input.first((*whole)->head_bytes));
  require_sound(text, **whole);
  require_independent_of_the_rest(text, **whole);
  require_round_trip(**whole);
  return 0;
}
