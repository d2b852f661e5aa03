// The head of an HTTP/1.1 request (RFC 9112 §3, §5), parsed in place: every view points into the caller's buffer.
#pragma once

#include <plait/bytes.hpp>
#include <plait/limits.hpp>
#include <plait/result.hpp>

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "http/error.hpp"
#include "http/fields.hpp"

namespace plait::http {

/// How the body that follows the head is delimited (RFC 9112 §6).
struct BodyFraming {
  enum class Kind : std::uint8_t { none, length, chunked, until_close /* responses only */ };
  Kind kind = Kind::none;
  std::uint64_t length = 0;
};

struct RequestHead {
  std::string_view method;
  std::string_view target;  ///< as sent
  std::string_view path;    ///< without the query; "/" for an empty absolute-form path
  std::string_view query;   ///< after "?"
  int minor_version = 1;    ///< HTTP/1.x
  Fields fields;
  BodyFraming body;
  bool needs_tls = false;  ///< the target names https: a connection without TLS must refuse it (RFC 9110 §7.4)
  bool keep_alive = true;
  bool expects_continue = false;
  std::size_t head_bytes = 0;  ///< of the buffer, the empty line included
};

/// Parses the head at the front of `input`. nullopt: it is not whole yet (call again with more; `scanned` remembers how
/// far the search for its end got, 0 at first). Every MUST of RFC 9112 about framing is checked: see http/error.hpp.
Result<std::optional<RequestHead>, Error> parse_request_head(ByteView input, std::size_t& scanned,
                                                             const Limits& limits);

}  // namespace plait::http
