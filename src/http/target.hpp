// The four forms of a request target (RFC 9112 §3.2).
#pragma once

#include <plait/result.hpp>

#include <string_view>

#include "http/error.hpp"

namespace plait::http {

struct Target {
  std::string_view path;       ///< "*" for asterisk-form, empty for authority-form
  std::string_view query;      ///< after "?"
  std::string_view authority;  ///< of absolute-form and authority-form; else empty
  bool secure = false;         ///< absolute-form of https:
};

/// authority-form is for CONNECT alone, asterisk-form for OPTIONS alone; absolute-form is http: or https:.
/// Percent-encodings are not looked at here: browsers send a lone "%" in queries, and percent_decode() refuses it.
[[nodiscard]] Result<Target, Error> parse_target(std::string_view method, std::string_view text);

}  // namespace plait::http
