// What can be wrong with an HTTP/1.1 message: one enumerator per rule, so that a test asserts which rule fired.
// After any of them nobody knows where the next message begins: answer status_of() and close the connection.
#pragma once

#include <cstdint>
#include <string_view>

namespace plait::http {

enum class Error : std::uint8_t {
  // Lines (RFC 9112 §2.2)
  bare_line_feed,
  bare_carriage_return,
  empty_lines_before_start,
  // Start line (RFC 9112 §3, §4)
  bad_request_line,
  request_line_too_long,
  bad_method,
  bad_target,
  bad_version,
  unsupported_version,
  bad_status_line,
  // Header section (RFC 9112 §5)
  header_too_large,
  too_many_fields,
  whitespace_before_first_field,
  missing_colon,
  bad_field_name,
  whitespace_before_colon,
  bad_field_value,
  obs_fold,
  missing_host,
  several_hosts,
  bad_host,
  repeated_field,
  // Framing (RFC 9112 §6)
  content_length_and_transfer_encoding,
  bad_content_length,
  content_length_too_large,
  differing_content_lengths,
  repeated_content_length,
  bad_transfer_encoding,
  chunked_not_last,
  chunked_repeated,
  unknown_transfer_coding,
  transfer_encoding_in_http_1_0,
  // Body (RFC 9112 §7, §8)
  bad_chunk_size,
  chunk_size_overflow,
  bad_chunk_extension,
  chunk_extensions_too_long,
  missing_chunk_line_end,
  trailer_too_large,
  body_too_large,
  // What an encoder refuses to write
  bad_status,
  framing_field_given,
};

/// The status code a server answers with: 400, 413, 414, 431, 501 or 505; 500 for what only an encoder refuses.
[[nodiscard]] int status_of(Error error);

/// A sentence that names the rule and its section.
[[nodiscard]] std::string_view describe(Error error);

}  // namespace plait::http
