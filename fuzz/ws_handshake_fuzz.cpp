// The opening handshake's fields: lines of "name: value" as a request and as a response. Extensions mean the same in
// one field and written again from their parts; an accepted response has what RFC 6455 §4.1 asks for.
#include <algorithm>
#include <cstdlib>
#include <set>

#include "codec/base64.hpp"
#include "http/grammar.hpp"
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
    fields.add(line.substr(0, colon), http::trim_whitespace(line.substr(std::min(colon + 1, line.size()))));
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
  require(std::all_of(subprotocols->begin(), subprotocols->end(), http::is_token));
}

void require_same_extensions(std::string_view value, const std::vector<Extension>& expected) {
  std::vector<Extension> extensions;
  require(parse_extensions(value, extensions));
  const auto same = [](const Extension& a, const Extension& b) {
    return a.name == b.name && a.parameters == b.parameters;
  };
  require(std::equal(extensions.begin(), extensions.end(), expected.begin(), expected.end(), same));
}

void check_extensions(const HandshakeFields& fields) {
  std::vector<Extension> extensions;
  std::string joined, written;
  for (const std::string_view value : fields.extensions) {
    if (!parse_extensions(value, extensions)) return;
    joined.append(value).append(", ");
  }
  for (const Extension& extension : extensions) {
    require(http::is_token(extension.name));
    written.append(extension.name);
    for (const ExtensionParameter& parameter : extension.parameters) {
      require(http::is_token(parameter.name) && (!parameter.value || http::is_token(*parameter.value)));
      written.append(" ;\t").append(parameter.name);
      if (parameter.value) written.append("=\"").append(*parameter.value).append("\"");
    }
    written += ',';
  }
  require_same_extensions(joined, extensions);
  require_same_extensions(written, extensions);
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
  AcceptKey accept{};
  std::copy_n(fields.accept.data(), std::min(fields.accept.size(), accept.size()), accept.data());
  if (check_response(101, fields, accept).has_value()) {
    require(fields.accept == std::string_view{accept.data(), accept.size()} && fields.accept_count == 1);
    require(fields.upgrade_has_websocket && !fields.upgrade_has_others && fields.connection_has_upgrade);
  }
  check_key(fields.key);
  check_subprotocols(fields);
  check_extensions(fields);
  check_deflate(fields);
  return 0;
}
