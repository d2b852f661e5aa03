// The head of an HTTP/1.1 request (RFC 9112 §3), as a client writes it.
#pragma once

#include <plait/result.hpp>

#include <span>
#include <string_view>

#include "core/byte_sink.hpp"
#include "http/error.hpp"
#include "http/fields.hpp"

namespace plait::http {

struct RequestOptions {
  std::string_view method = "GET";
  std::string_view target = "/";  ///< one of the four forms of RFC 9112 §3.2
  std::string_view host;          ///< the Host field, see to_host_field(); may be empty
  /// Further fields. Host is written from the member and refused here, as Content-Length and Transfer-Encoding are: the
  /// requests that we send have no body.
  std::span<const Field> fields = {};
};

/// Appends request line, Host, fields and the empty line. Errors: bad_method, bad_target, bad_host, bad_field_name,
/// bad_field_value, framing_field_given; nothing is written then.
[[nodiscard]] Result<void, Error> encode_request_head(core::ByteSink& sink, const RequestOptions& request);

}  // namespace plait::http
