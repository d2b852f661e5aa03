#include "http/framing.hpp"

#include <limits>
#include <optional>

#include "http/grammar.hpp"

namespace plait::http {
namespace {

Result<std::uint64_t, Error> parse_content_length(std::string_view text) {
  constexpr std::uint64_t kMax = std::numeric_limits<std::uint64_t>::max();
  if (text.empty()) return err(Error::bad_content_length);
  std::uint64_t length = 0;
  bool overflow = false;
  for (const char c : text) {
    if (!is_digit(c)) return err(Error::bad_content_length);
    const auto digit = static_cast<std::uint64_t>(c - '0');
    overflow = overflow || length > (kMax - digit) / 10;
    length = length * 10 + digit;
  }
  if (overflow) return err(Error::content_length_too_large);
  return length;
}

// RFC 9110 §8.6 lets a recipient merge equal lengths that were sent twice or as a list; refusing them leaves nothing
// for two recipients to disagree on.
Result<std::optional<std::uint64_t>, Error> find_content_length(const Fields& fields) {
  std::optional<std::uint64_t> found;
  for (const Field& field : fields) {
    if (!equals_ignoring_case(field.name, "Content-Length")) continue;
    const auto length = parse_content_length(field.value);
    if (!length) return err(length.error());
    if (found) return err(*found == *length ? Error::repeated_content_length : Error::differing_content_lengths);
    found = *length;
  }
  return found;
}

struct TransferCodings {
  std::size_t chunked_count = 0;
  std::size_t other_count = 0;
  bool chunked_last = false;
};

Result<void, Error> add_codings(std::string_view list, TransferCodings& codings) {
  do {
    const bool comma_follows = list.find(',') != std::string_view::npos;
    const std::string_view coding = trim_whitespace(take_until(list, ','));
    if (!is_token(coding) || (comma_follows && list.empty())) return err(Error::bad_transfer_encoding);
    codings.chunked_last = equals_ignoring_case(coding, "chunked");
    ++(codings.chunked_last ? codings.chunked_count : codings.other_count);
  } while (!list.empty());
  return {};
}

// True if the body is chunked, false if there is no Transfer-Encoding.
Result<bool, Error> find_chunked(const Fields& fields, int minor_version) {
  TransferCodings codings;
  for (const Field& field : fields) {
    if (!equals_ignoring_case(field.name, "Transfer-Encoding")) continue;
    if (minor_version == 0) return err(Error::transfer_encoding_in_http_1_0);
    if (auto added = add_codings(field.value, codings); !added) return err(added.error());
  }
  if (codings.chunked_count + codings.other_count == 0) return false;
  if (codings.chunked_count > 1) return err(Error::chunked_repeated);
  if (!codings.chunked_last) return err(Error::chunked_not_last);
  if (codings.other_count > 0) return err(Error::unknown_transfer_coding);
  return true;
}

BodyFraming length_framing(std::uint64_t length) {
  return {length == 0 ? BodyFraming::Kind::none : BodyFraming::Kind::length, length};
}

}  // namespace

Result<BodyFraming, Error> request_framing(const Fields& fields, int minor_version) {
  const auto chunked = find_chunked(fields, minor_version);
  if (!chunked) return err(chunked.error());
  if (*chunked && fields.find("Content-Length")) return err(Error::content_length_and_transfer_encoding);
  if (*chunked) return BodyFraming{BodyFraming::Kind::chunked, 0};
  const auto length = find_content_length(fields);
  if (!length) return err(length.error());
  return length_framing(length->value_or(0));
}

Result<BodyFraming, Error> response_framing(const Fields& fields, int minor_version, int status,
                                            std::string_view request_method) {
  const bool tunnel = request_method == "CONNECT" && status / 100 == 2;
  if (request_method == "HEAD" || tunnel || status / 100 == 1 || status == 204 || status == 304) return BodyFraming{};
  const auto chunked = find_chunked(fields, minor_version);
  // A coding that is not understood, read until the end of the connection, would still be one not understood.
  if (!chunked)
    return err(chunked.error() == Error::chunked_not_last ? Error::unknown_transfer_coding : chunked.error());
  if (*chunked && fields.find("Content-Length")) return err(Error::content_length_and_transfer_encoding);
  if (*chunked) return BodyFraming{BodyFraming::Kind::chunked, 0};
  const auto length = find_content_length(fields);
  if (!length) return err(length.error());
  if (!*length) return BodyFraming{BodyFraming::Kind::until_close, 0};
  return length_framing(**length);
}

}  // namespace plait::http
