// The head of an HTTP/1.1 response (RFC 9112 §4): written by servers, parsed by clients.
#pragma once

#include <plait/bytes.hpp>
#include <plait/limits.hpp>
#include <plait/result.hpp>

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>

#include "core/byte_sink.hpp"
#include "http/error.hpp"
#include "http/fields.hpp"
#include "http/request.hpp"

namespace plait::http {

struct ResponseOptions {
  int status = 200;
  /// Further fields. Content-Length is written from `body` and refused here, as Transfer-Encoding is.
  std::span<const Field> fields = {};
  /// `length` writes Content-Length, also when it is 0, but never with status 1xx and 204 (RFC 9110 §8.6). No other
  /// kind is sent.
  BodyFraming body = {};
  /// False writes "Connection: close".
  bool keep_alive = true;
  /// Of the request that is answered: an HTTP/1.0 client must be told "Connection: keep-alive".
  int request_minor_version = 1;
  std::string_view date = {};  ///< the Date field's value, see http/date.hpp; empty writes none
};

/// Appends status line, fields and the empty line. Errors: bad_status, bad_field_name, bad_field_value (a control
/// character, so no handler's input can split the response), framing_field_given; nothing is written then.
[[nodiscard]] Result<void, Error> encode_response_head(core::ByteSink& sink, const ResponseOptions& response);

/// The phrase of RFC 9110 §15 for `status`; empty if it has none.
[[nodiscard]] std::string_view reason_phrase(int status);

struct ResponseHead {
  int status = 0;
  std::string_view reason;
  int minor_version = 1;
  Fields fields;
  BodyFraming body;  ///< none for 1xx, 204, 304, answers to HEAD, and 2xx to CONNECT
  bool keep_alive = true;
  std::size_t head_bytes = 0;  ///< of the buffer, the empty line included
};

/// As parse_request_head(), for the response to a request with `request_method`. Interim responses (1xx) are reported
/// like others; the final one follows. Limits::request_line_bytes_max bounds the status line.
[[nodiscard]] Result<std::optional<ResponseHead>, Error> parse_response_head(ByteView input, std::size_t& scanned,
                                                                             const Limits& limits,
                                                                             std::string_view request_method);

}  // namespace plait::http
