#include "client/json_argument.hpp"

#include "codec/json_argument.hpp"
#include "codec/utf8.hpp"

namespace plait::client {

static_assert(kDataBytesMax == codec::kJsonArgumentMiBMax << 20);

Result<std::string, Error> json_argument(std::string_view text) {
  return codec::json_argument(text, "the data to publish");
}

Result<void, Error> check_topic(std::string_view topic) {
  if (!codec::is_utf8(as_bytes(topic))) return err(Error{"the topic is not UTF-8"});
  return {};
}

}  // namespace plait::client
