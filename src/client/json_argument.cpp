#include "client/json_argument.hpp"

#include "codec/json.hpp"
#include "codec/json_writer.hpp"

namespace plait::client {

std::string json_argument(std::string_view text) {
  codec::JsonParser parser;
  if (parser.parse(text)) return std::string{text};
  std::string quoted;
  codec::append_json_string(quoted, text);
  return quoted;
}

}  // namespace plait::client
