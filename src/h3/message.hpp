// Requests and responses as field sections (RFC 9114 §4): what makes them malformed, and how they are written.
#pragma once

#include <plait/result.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "h3/error.hpp"
#include "h3/qpack.hpp"
#include "http/fields.hpp"

namespace plait::h3 {

/// Views point into the field section. Names in `fields` are lower-case.
struct RequestHead {
  std::string_view method{};
  std::string_view scheme{};     ///< empty for CONNECT without :protocol
  std::string_view authority{};  ///< :authority, else Host
  std::string_view path{};       ///< with the query; empty for CONNECT without :protocol
  std::string_view protocol{};   ///< :protocol of an extended CONNECT (RFC 9220); else empty
  http::Fields fields{};         ///< without pseudo-headers

  /// CONNECT, extended or not: the stream carries DATA frames in both directions once it is accepted.
  [[nodiscard]] bool is_connect() const { return method == "CONNECT"; }
};

struct ResponseHead {
  int status = 0;
  http::Fields fields{};
  [[nodiscard]] bool is_interim() const { return status / 100 == 1; }
};

/// The head, or the rule that it breaks. `extended_connect`: whether our SETTINGS allowed :protocol.
[[nodiscard]] Result<RequestHead, Error> parse_request(const FieldSection& section, bool extended_connect);
[[nodiscard]] Result<ResponseHead, Error> parse_response(const FieldSection& section);
[[nodiscard]] Result<void, Error> check_trailers(const FieldSection& section);
/// Content-Length; none if it is absent. Error: content_length_invalid, also for one that is repeated.
[[nodiscard]] Result<std::optional<std::uint64_t>, Error> content_length_of(const http::Fields& fields);

/// Whether a field may have this value (RFC 9114 §10.3, RFC 9110 §5.5): no control characters, no white space around
/// it.
[[nodiscard]] bool is_field_value(std::string_view value);

/// Whether the field is of an HTTP/1.1 connection, and must not be sent (RFC 9114 §4.2).
[[nodiscard]] bool is_connection_specific(std::string_view name);

/// The lines of a head that is to be sent, names in lower case. Views point into what add() was given.
class Lines {
 public:
  /// A pseudo-header, or anything else that is known to be right.
  void add(std::string_view name, std::string_view value) { lines_.push_back({name, value}); }
  /// False, and nothing added: no token, a control character, or a field that RFC 9114 §4.2 forbids.
  [[nodiscard]] bool add_field(const http::Field& field);

  [[nodiscard]] std::span<const http::Field> view() const { return lines_; }
  /// As RFC 9114 §4.2.2 counts.
  [[nodiscard]] std::uint64_t section_bytes() const;

 private:
  std::vector<http::Field> lines_;
  std::vector<std::unique_ptr<std::string>> lowered_;
};

}  // namespace plait::h3
