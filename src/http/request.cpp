#include "http/request.hpp"

#include "http/authority.hpp"
#include "http/framing.hpp"
#include "http/grammar.hpp"
#include "http/head.hpp"
#include "http/target.hpp"

namespace plait::http {
namespace {

// request-line = method SP request-target SP HTTP-version (RFC 9112 §3), with exactly these two spaces.
Result<Target, Error> parse_request_line(std::string_view line, RequestHead& head) {
  if (line.find('\r') != std::string_view::npos) return err(Error::bare_carriage_return);
  const std::size_t first = line.find(' ');
  const std::size_t last = line.rfind(' ');
  if (first == last) return err(Error::bad_request_line);
  head.method = line.substr(0, first);
  head.target = line.substr(first + 1, last - first - 1);
  if (!is_token(head.method)) return err(Error::bad_method);
  const auto version = parse_version(line.substr(last + 1));
  if (!version) return err(version.error());
  head.minor_version = *version;
  return parse_target(head.method, head.target);
}

// RFC 9112 §3.2: exactly one Host, which may be empty; HTTP/1.0 may do without.
Result<void, Error> check_host(const Fields& fields, int minor_version) {
  const std::size_t count = fields.count("Host");
  if (count > 1) return err(Error::several_hosts);
  if (count == 0 && minor_version >= 1) return err(Error::missing_host);
  const std::string_view host = fields.find("Host").value_or("");
  if (!host.empty() && !parse_authority(host)) return err(Error::bad_host);
  return {};
}

// RFC 9110 §5.3: fields that are no lists come once. Of these two, who checks one and who uses the other must not
// differ.
Result<void, Error> check_repetitions(const Fields& fields) {
  const bool repeated = fields.count("Authorization") > 1 || fields.count("Origin") > 1;
  return repeated ? Result<void, Error>{err(Error::repeated_field)} : Result<void, Error>{};
}

// RFC 9112 §3.2.2: the authority of an absolute-form target takes the place of the Host that was sent. In CONNECT's
// authority-form the two are to be the same, so there it does no harm.
Fields with_host(const Fields& fields, std::string_view authority) {
  Fields replaced;
  replaced.reserve(fields.size() + 1);
  replaced.add("Host", authority);
  for (const Field& field : fields) {
    if (!equals_ignoring_case(field.name, "Host")) replaced.add(field.name, field.value);
  }
  return replaced;
}

Result<std::optional<RequestHead>, Error> parse_parts(const HeadParts& parts, const Limits& limits) {
  RequestHead head;
  head.head_bytes = parts.head_bytes;
  const auto target = parse_request_line(parts.start_line, head);
  if (!target) return err(target.error());
  head.path = target->path;
  head.query = target->query;
  head.needs_tls = target->secure;
  if (auto parsed = parse_fields(parts.field_section, limits, head.fields); !parsed) return err(parsed.error());
  if (auto checked = check_host(head.fields, head.minor_version); !checked) return err(checked.error());
  if (auto checked = check_repetitions(head.fields); !checked) return err(checked.error());
  if (!target->authority.empty()) head.fields = with_host(head.fields, target->authority);
  const auto body = request_framing(head.fields, head.minor_version);
  if (!body) return err(body.error());
  head.body = *body;
  head.keep_alive = is_persistent(head.fields, head.minor_version);
  // RFC 9110 §10.1.1: it means nothing without content, and is ignored from an HTTP/1.0 client.
  head.expects_continue = head.minor_version >= 1 && head.body.kind != BodyFraming::Kind::none &&
                          head.fields.has_token("Expect", "100-continue");
  return std::optional<RequestHead>{std::move(head)};
}

// What begins with another character is no HTTP, and may never send a line feed: TLS, or spec/frames.md.
bool may_begin_request(std::string_view input) {
  if (input.starts_with("\r\n")) input.remove_prefix(2);
  return input.empty() || in_class(input[0], CharClass::token) || is_whitespace(input[0]) || input[0] == '\r' ||
         input[0] == '\n';
}

}  // namespace

Result<std::optional<RequestHead>, Error> parse_request_head(ByteView input, std::size_t& scanned,
                                                             const Limits& limits) {
  if (!may_begin_request(as_text(input))) return err(Error::bad_method);
  const auto parts = find_head(as_text(input), scanned, limits);
  if (!parts) return err(parts.error());
  if (!*parts) return std::optional<RequestHead>{};
  return parse_parts(**parts, limits);
}

}  // namespace plait::http
