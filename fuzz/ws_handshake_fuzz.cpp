// The opening handshake's fields: lines of "name: value" as a request and as a response.
#include <algorithm>
#include <cstdlib>
#include <set>

#include "codec/base64.hpp"
#include "ws/extensions.hpp"
#include "ws/handshake.hpp"
#include "ws/permessage_deflate.hpp"

namespace {

using namespace plait;
using namespace plait::ws;

void require(bool condition) {
  if (!condition) std::abort();
}

HandshakeFields fields_of(std::string_view text) {
  HandshakeFields fields;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    const std::size_t colon = std::min(line.find(':'), line.size());
    fields.add(line.substr(0, colon), trim(line.substr(std::min(colon + 1, line.size()))));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return fields;
}

// A key that was accepted is the only encoding of its bytes.
void check_key(std::string_view key) {
  if (!is_valid_key(key)) return;
  std::array<std::uint8_t, 24> bytes{};
  require(codec::decode_base64(key, bytes.data()) == 16U);
  require(codec::encode_base64(ByteView{bytes}.first(16)) == key);
}

void check_subprotocols(const HandshakeFields& fields) {
  const auto subprotocols = parse_subprotocols(fields.subprotocols, 4);
  if (!subprotocols) return;
  require(subprotocols->size() <= 4);
  require(std::set(subprotocols->begin(), subprotocols->end()).size() == subprotocols->size());
  require(std::all_of(subprotocols->begin(), subprotocols->end(), is_token));
}

// What the server answers, a client that asked for nothing in particular accepts, and both understand it alike.
void check_deflate(const HandshakeFields& fields) {
  const DeflateParameters wanted{.server_window_bits = 12, .client_window_bits = 11};
  const auto agreement = negotiate_deflate(fields.extensions, wanted);
  const DeflateParameters offered;
  (void)check_deflate_response(fields.extensions, &offered).has_value();
  if (!agreement || !*agreement) return;
  const std::string_view response = (*agreement)->response;
  const auto agreed = check_deflate_response({&response, 1}, &offered);
  require(agreed && *agreed && **agreed == (*agreement)->parameters);
  require((*agreed)->server_window_bits >= 9 && (*agreed)->server_window_bits <= 12);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const HandshakeFields fields = fields_of(as_text({data, size}));
  if (check_request("GET", 1, fields).has_value()) require(is_valid_key(fields.key));
  (void)check_response(101, fields, AcceptKey{}).has_value();
  check_key(fields.key);
  check_subprotocols(fields);
  check_deflate(fields);
  return 0;
}
