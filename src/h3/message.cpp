#include "h3/message.hpp"

#include <algorithm>
#include <array>
#include <bitset>
#include <cstddef>

#include "http/authority.hpp"
#include "http/framing.hpp"
#include "http/grammar.hpp"

namespace plait::h3 {
namespace {

using http::CharClass;

// Of these, who checks one and who uses the other must not differ.
constexpr std::array<std::string_view, 3> kSingleFields{"authorization", "host", "origin"};
constexpr std::array<std::string_view, 5> kConnectionFields{"connection", "keep-alive", "proxy-connection",
                                                            "transfer-encoding", "upgrade"};

bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }

Result<void, Error> check_field(const http::Field& field) {
  if (std::any_of(field.name.begin(), field.name.end(), is_upper)) return err(Error::field_name_uppercase);
  if (!http::is_token(field.name)) return err(Error::field_name_invalid);
  if (!is_field_value(field.value)) return err(Error::field_value_invalid);
  if (is_connection_specific(field.name)) return err(Error::connection_specific_field);
  if (field.name == "te" && field.value != "trailers") return err(Error::te_invalid);
  return {};
}

struct PseudoHeader {
  std::string_view name;
  std::optional<std::string_view> value{};
};

// Pseudo-headers into `wanted`, all other lines into `fields` (RFC 9114 §4.3).
Result<void, Error> split(const FieldSection& section, std::span<PseudoHeader> wanted, http::Fields& fields) {
  fields.reserve(section.lines().size());
  for (const http::Field& line : section.lines()) {
    if (!line.name.starts_with(':')) {
      if (auto checked = check_field(line); !checked) return checked;
      fields.add(line.name, line.value);
      continue;
    }
    const auto found = std::find_if(wanted.begin(), wanted.end(),
                                    [&](const PseudoHeader& header) { return header.name == line.name; });
    if (found == wanted.end()) return err(Error::pseudo_header_unknown);
    if (found->value) return err(Error::pseudo_header_repeated);
    if (fields.size() > 0) return err(Error::pseudo_header_after_field);
    if (!is_field_value(line.value)) return err(Error::field_value_invalid);
    found->value = line.value;
  }
  return {};
}

bool is_scheme(std::string_view text) {
  const auto letter = [](char c) { return http::to_lower(c) >= 'a' && http::to_lower(c) <= 'z'; };
  const auto rest = [&](char c) { return letter(c) || http::is_digit(c) || c == '+' || c == '-' || c == '.'; };
  return !text.empty() && letter(text.front()) && std::all_of(text.begin(), text.end(), rest);
}

// RFC 9114 §4.3.1: never empty, without userinfo; and Host says the same.
Result<void, Error> take_authority(std::optional<std::string_view> authority, RequestHead& head) {
  const auto host = head.fields.find("host");
  if (!authority && !host) return err(Error::authority_missing);
  if (authority && host && !http::equals_ignoring_case(*authority, *host)) {
    return err(Error::authority_differs_from_host);
  }
  head.authority = authority ? *authority : *host;
  if (!http::parse_authority(head.authority)) return err(Error::authority_invalid);
  return {};
}

bool is_path(std::string_view path, std::string_view method) {
  if (path == "*") return method == "OPTIONS";
  return path.starts_with('/') && http::all_in_class(path, CharClass::target) && !http::has_backslash_in_path(path);
}

// RFC 9114 §4.4: a tunnel to :authority, which has a port, and nothing else.
Result<void, Error> check_connect(std::optional<std::string_view> authority, bool others, RequestHead& head) {
  if (others) return err(Error::pseudo_header_with_connect);
  if (!authority) return err(Error::pseudo_header_missing);
  const auto parsed = http::parse_authority(*authority);
  if (!parsed || !parsed->port) return err(Error::authority_invalid);
  head.authority = *authority;
  return {};
}

}  // namespace

bool is_connection_specific(std::string_view name) {
  return std::ranges::any_of(kConnectionFields,
                             [name](std::string_view own) { return http::equals_ignoring_case(name, own); });
}

bool is_field_value(std::string_view value) {
  if (http::find_bad_value_char(value) != std::string_view::npos) return false;
  return value.empty() || (!http::is_whitespace(value.front()) && !http::is_whitespace(value.back()));
}

Result<RequestHead, Error> parse_request(const FieldSection& section, bool extended_connect) {
  RequestHead head;
  std::array<PseudoHeader, 5> pseudo{{{":method"}, {":scheme"}, {":authority"}, {":path"}, {":protocol"}}};
  if (const auto checked = split(section, pseudo, head.fields); !checked) return err(checked.error());
  const auto repeated = [&head](std::string_view name) { return head.fields.count(name) > 1; };
  if (std::any_of(kSingleFields.begin(), kSingleFields.end(), repeated)) return err(Error::field_repeated);
  const auto& [method, scheme, authority, path, protocol] = pseudo;
  if (!method.value) return err(Error::pseudo_header_missing);
  if (!http::is_token(*method.value)) return err(Error::method_invalid);
  head.method = *method.value;
  if (protocol.value && !extended_connect) return err(Error::protocol_not_enabled);
  if (protocol.value && !head.is_connect()) return err(Error::protocol_without_connect);
  if (head.is_connect() && !protocol.value) {
    const bool others = scheme.value.has_value() || path.value.has_value();
    if (const auto checked = check_connect(authority.value, others, head); !checked) return err(checked.error());
    return head;
  }
  if (!scheme.value || !path.value) return err(Error::pseudo_header_missing);
  if (!is_scheme(*scheme.value)) return err(Error::scheme_invalid);
  head.scheme = *scheme.value;
  head.path = *path.value;
  head.protocol = protocol.value.value_or(std::string_view{});
  if (protocol.value && !http::is_token(head.protocol)) return err(Error::field_value_invalid);
  if (!is_path(head.path, head.method)) return err(Error::path_invalid);
  if (const auto checked = take_authority(authority.value, head); !checked) return err(checked.error());
  return head;
}

Result<ResponseHead, Error> parse_response(const FieldSection& section) {
  ResponseHead head;
  std::array<PseudoHeader, 1> pseudo{{{":status"}}};
  if (const auto checked = split(section, pseudo, head.fields); !checked) return err(checked.error());
  if (!pseudo[0].value) return err(Error::pseudo_header_missing);
  const std::string_view status = *pseudo[0].value;
  if (status.size() != 3 || !std::all_of(status.begin(), status.end(), http::is_digit)) {
    return err(Error::status_invalid);
  }
  for (const char digit : status) head.status = head.status * 10 + (digit - '0');
  if (head.status < 100 || head.status > 599 || head.status == 101) return err(Error::status_invalid);
  return head;
}

Result<void, Error> check_trailers(const FieldSection& section) {
  for (const http::Field& line : section.lines()) {
    if (line.name.starts_with(':')) return err(Error::pseudo_header_in_trailers);
    if (auto checked = check_field(line); !checked) return checked;
  }
  return {};
}

Result<std::optional<std::uint64_t>, Error> content_length_of(const http::Fields& fields) {
  if (!fields.find("content-length")) return std::optional<std::uint64_t>{};
  const auto framing = http::request_framing(fields, 1);
  if (!framing) return err(Error::content_length_invalid);
  return std::optional{framing->length};
}

// --- Sending --------------------------------------------------------------------------------------------------------

bool Lines::add_field(const http::Field& field) {
  http::Field line{field.name, http::trim_whitespace(field.value)};
  if (std::any_of(line.name.begin(), line.name.end(), is_upper)) {
    auto lowered = std::make_unique<std::string>(line.name);
    std::transform(lowered->begin(), lowered->end(), lowered->begin(), http::to_lower);
    line.name = *lowered;
    lowered_.push_back(std::move(lowered));
  }
  if (!check_field(line)) return false;
  lines_.push_back(line);
  return true;
}

std::uint64_t Lines::section_bytes() const {
  std::uint64_t bytes = 0;
  for (const http::Field& line : lines_) bytes += line.name.size() + line.value.size() + 32;
  return bytes;
}

}  // namespace plait::h3
