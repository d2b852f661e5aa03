// What the tests of this layer share: a head parsed from text, whole and in pieces.
#pragma once

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <string_view>

#include "http/request.hpp"
#include "http/response.hpp"

namespace plait::http {

using RequestResult = Result<std::optional<RequestHead>, Error>;
using ResponseResult = Result<std::optional<ResponseHead>, Error>;

inline void PrintTo(Error error, std::ostream* out) { *out << describe(error); }

inline RequestResult parse_request(std::string_view text, const Limits& limits = {}) {
  std::size_t scanned = 0;
  return parse_request_head(as_bytes(text), scanned, limits);
}

inline ResponseResult parse_response(std::string_view text, std::string_view method = "GET",
                                     const Limits& limits = {}) {
  std::size_t scanned = 0;
  return parse_response_head(as_bytes(text), scanned, limits, method);
}

/// The error; nullopt if the head was accepted or is not whole.
template <class R>
std::optional<Error> error_of(const R& result) {
  return result ? std::nullopt : std::optional{result.error()};
}

/// Gives the first `cut` bytes and then everything, keeping `scanned` as a connection does.
inline RequestResult parse_request_cut(std::string_view text, std::size_t cut, const Limits& limits = {}) {
  std::size_t scanned = 0;
  auto first = parse_request_head(as_bytes(text.substr(0, cut)), scanned, limits);
  if (!first || *first) return first;
  return parse_request_head(as_bytes(text), scanned, limits);
}

/// What a test compares of a head.
inline std::string summary(const RequestHead& head) {
  std::string text = std::string{head.method} + '|' + std::string{head.target} + '|' + std::string{head.path} + '|' +
                     std::string{head.query} + '|' + std::to_string(head.minor_version);
  for (const Field& field : head.fields) text += '|' + std::string{field.name} + '=' + std::string{field.value};
  return text + '|' + std::to_string(static_cast<int>(head.body.kind)) + ':' + std::to_string(head.body.length) + '|' +
         (head.keep_alive ? "keep" : "close") + (head.expects_continue ? "|continue|" : "|") +
         std::to_string(head.head_bytes);
}

inline std::string summary(const RequestResult& result) {
  if (!result) return "error: " + std::string{describe(result.error())};
  return *result ? summary(**result) : "incomplete";
}

}  // namespace plait::http
