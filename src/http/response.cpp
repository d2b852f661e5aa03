#include "http/response.hpp"

#include "http/framing.hpp"
#include "http/grammar.hpp"
#include "http/head.hpp"

namespace plait::http {
namespace {

// status-line = HTTP-version SP 3DIGIT SP [ reason-phrase ] (RFC 9112 §4).
Result<void, Error> parse_status_line(std::string_view line, ResponseHead& head) {
  constexpr std::size_t kVersionSize = 8;
  const auto version = parse_version(line.substr(0, kVersionSize));
  if (!version) return err(version.error());
  head.minor_version = *version;
  const std::string_view rest = line.substr(kVersionSize);
  if (rest.size() < 5 || rest[0] != ' ' || rest[4] != ' ') return err(Error::bad_status_line);
  for (const char c : rest.substr(1, 3)) {
    if (!is_digit(c)) return err(Error::bad_status_line);
    head.status = head.status * 10 + (c - '0');
  }
  head.reason = rest.substr(5);
  if (head.status < 100 || !all_in_class(head.reason, kFieldValueChar)) return err(Error::bad_status_line);
  return {};
}

Result<std::optional<ResponseHead>, Error> parse_parts(const HeadParts& parts, const Limits& limits,
                                                       std::string_view request_method) {
  if (parts.after_empty_line) return err(Error::bad_status_line);
  ResponseHead head;
  head.head_bytes = parts.head_bytes;
  if (auto parsed = parse_status_line(parts.start_line, head); !parsed) return err(parsed.error());
  if (auto parsed = parse_fields(parts.field_section, limits, head.fields); !parsed) return err(parsed.error());
  const auto body = response_framing(head.fields, head.minor_version, head.status, request_method);
  if (!body) return err(body.error());
  head.body = *body;
  head.keep_alive = body->kind != BodyFraming::Kind::until_close && is_persistent(head.fields, head.minor_version);
  return std::optional<ResponseHead>{std::move(head)};
}

}  // namespace

Result<std::optional<ResponseHead>, Error> parse_response_head(ByteView input, std::size_t& scanned,
                                                               const Limits& limits, std::string_view request_method) {
  const auto parts = find_head(as_text(input), scanned, limits);
  if (!parts) return err(parts.error());
  if (!*parts) return std::optional<ResponseHead>{};
  return parse_parts(**parts, limits, request_method);
}

}  // namespace plait::http
