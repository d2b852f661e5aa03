// What the heads of requests and responses have in common: where they end, and their field lines (RFC 9112 §2.2, §5).
#pragma once

#include <plait/limits.hpp>
#include <plait/result.hpp>

#include <cstddef>
#include <optional>
#include <string_view>

#include "http/error.hpp"
#include "http/fields.hpp"

namespace plait::http {

struct HeadParts {
  std::string_view start_line;     ///< without its CRLF
  std::string_view field_section;  ///< whole lines, each with its CRLF, without the empty line
  bool after_empty_line = false;   ///< one empty line stood before the start line
  std::size_t head_bytes = 0;      ///< of the input, everything included
};

/// Finds the end of the head at the front of `input`. nullopt: not there yet; `scanned` then holds how far the search
/// got. Every line must end in CRLF. A head that is going to be too large is refused before it is whole, and with the
/// same error as if it were, so at most start line + header section + 6 bytes are ever held for one.
[[nodiscard]] Result<std::optional<HeadParts>, Error> find_head(std::string_view input, std::size_t& scanned,
                                                                const Limits& limits);

/// Parses field lines (RFC 9112 §5) into `fields`, which are views into `section`.
[[nodiscard]] Result<void, Error> parse_fields(std::string_view section, const Limits& limits, Fields& fields);

/// HTTP-version (RFC 9112 §2.3): its minor number, if the major one is 1.
[[nodiscard]] Result<int, Error> parse_version(std::string_view text);

/// Whether the connection persists after this message (RFC 9112 §9.3).
[[nodiscard]] bool is_persistent(const Fields& fields, int minor_version);

}  // namespace plait::http
