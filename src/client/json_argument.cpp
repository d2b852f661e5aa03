#include "client/json_argument.hpp"

#include "codec/json.hpp"
#include "codec/json_writer.hpp"

namespace plait::client {
namespace {

Error unpublishable(codec::JsonError why) { return {"the data to publish: " + std::string{describe(why)}}; }

// Both brackets: a line of a log may begin with [2026-01-31 12:00:00].
bool is_bracketed(std::string_view text) {
  constexpr std::string_view kWhiteSpace = " \t\r\n";
  const auto first = text.find_first_not_of(kWhiteSpace);
  if (first == std::string_view::npos) return false;
  const char last = text[text.find_last_not_of(kWhiteSpace)];
  return (text[first] == '{' && last == '}') || (text[first] == '[' && last == ']');
}

/// Whether what this error refuses is JSON all the same, or may be, but beyond a limit.
bool is_beyond_limits(std::string_view text, codec::JsonError error) {
  return error == codec::JsonError::too_deep || error == codec::JsonError::too_large ||
         (error == codec::JsonError::bad_number && is_bracketed(text));
}

}  // namespace

Result<std::string, Error> json_argument(std::string_view text) {
  codec::JsonParser parser;
  const auto json = parser.parse(text);
  if (json) return std::string{text};
  if (is_beyond_limits(text, json.error())) return err(unpublishable(json.error()));
  std::string quoted;
  codec::append_json_string(quoted, text);
  const auto string = parser.parse(quoted);
  if (string) return quoted;
  if (string.error() != codec::JsonError::invalid_utf8) return err(unpublishable(string.error()));
  return err(Error{"the data to publish is not UTF-8"});
}

}  // namespace plait::client
