#include "client/json_argument.hpp"

#include "codec/json.hpp"
#include "codec/json_writer.hpp"

namespace plait::client {

Result<std::string, Error> json_argument(std::string_view text) {
  codec::JsonParser parser;
  if (parser.parse(text)) return std::string{text};
  std::string quoted;
  codec::append_json_string(quoted, text);
  if (!parser.parse(quoted)) return err(Error{"the data to publish is not UTF-8"});
  return quoted;
}

}  // namespace plait::client
