#include "transport/refusal.hpp"

#include <algorithm>

#include "http/response.hpp"

namespace plait::transport {
namespace {

// No control characters, nothing but ASCII.
std::string first_line(std::string_view text) {
  text = text.substr(0, std::min(text.find_first_of("\r\n"), kExplanationBytesMax));
  std::string line;
  for (const char c : text) {
    if (c >= ' ' && c <= '~') line += c;
  }
  return line;
}

}  // namespace

std::string describe_refusal(int status, std::string_view explanation) {
  std::string text = "the server refused with status " + std::to_string(status);
  if (const std::string_view phrase = http::reason_phrase(status); !phrase.empty()) text.append(" ").append(phrase);
  const std::string line = first_line(explanation);
  return line.empty() ? text : text + ": " + line;
}

}  // namespace plait::transport
