#include "ws/handshake.hpp"

#include <algorithm>

#include "codec/base64.hpp"
#include "core/assert.hpp"
#include "http/grammar.hpp"

namespace plait::ws {
namespace {

constexpr std::string_view kSupportedVersion = "13";
constexpr std::string_view kKeySuffix = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";  // RFC 6455 §1.3
constexpr std::size_t kKeyBytes = 16;

// Calls `visit` with each element of a comma-separated list, except empty ones; stops when it answers false.
template <class Visit>
bool for_each_element(std::string_view list, Visit visit) {
  while (!list.empty()) {
    const std::size_t end = std::min(list.find(','), list.size());
    const std::string_view element = http::trim_whitespace(list.substr(0, end));
    if (!element.empty() && !visit(element)) return false;
    list.remove_prefix(std::min(end + 1, list.size()));
  }
  return true;
}

bool has_element(std::string_view list, std::string_view wanted) {
  return !for_each_element(list,
                           [wanted](std::string_view element) { return !http::equals_ignoring_case(element, wanted); });
}

void add_single(std::string_view value, std::string_view& field, unsigned& count) {
  if (count++ == 0) field = value;
}

}  // namespace

void HandshakeFields::add(std::string_view name, std::string_view value) {
  const auto is = [name](std::string_view wanted) { return http::equals_ignoring_case(name, wanted); };
  if (is("Host")) {
    ++host_count;
  } else if (is("Upgrade")) {
    const bool only_websocket = http::equals_ignoring_case(value, "websocket");
    upgrade_has_websocket = upgrade_has_websocket || has_element(value, "websocket");
    upgrade_has_others = upgrade_has_others || !only_websocket;
  } else if (is("Connection")) {
    connection_has_upgrade = connection_has_upgrade || has_element(value, "Upgrade");
  } else if (is("Sec-WebSocket-Version")) {
    add_single(value, version, version_count);
  } else if (is("Sec-WebSocket-Key")) {
    add_single(value, key, key_count);
  } else if (is("Sec-WebSocket-Accept")) {
    add_single(value, accept, accept_count);
  } else if (is("Sec-WebSocket-Protocol")) {
    subprotocols.push_back(value);
  } else if (is("Sec-WebSocket-Extensions")) {
    extensions.push_back(value);
  }
}

Result<void, HandshakeError> check_request(std::string_view method, int http_minor_version,
                                           const HandshakeFields& fields) {
  if (method != "GET") return err(HandshakeError::method_not_get);
  if (http_minor_version < 1) return err(HandshakeError::http_version_too_old);
  if (fields.host_count != 1) return err(HandshakeError::missing_host);
  if (!fields.upgrade_has_websocket) return err(HandshakeError::missing_upgrade);
  if (!fields.connection_has_upgrade) return err(HandshakeError::missing_connection);
  if (fields.version_count != 1) return err(HandshakeError::missing_version);
  if (fields.version != kSupportedVersion) return err(HandshakeError::unsupported_version);
  if (fields.key_count == 0) return err(HandshakeError::missing_key);
  if (fields.key_count > 1) return err(HandshakeError::repeated_key);
  if (!is_valid_key(fields.key)) return err(HandshakeError::invalid_key);
  return {};
}

Result<std::vector<std::string_view>, HandshakeError> parse_subprotocols(std::span<const std::string_view> field_values,
                                                                         std::size_t count_max) {
  std::vector<std::string_view> subprotocols;
  HandshakeError error{};
  const auto add = [&](std::string_view element) {
    const bool repeated = std::find(subprotocols.begin(), subprotocols.end(), element) != subprotocols.end();
    if (!http::is_token(element)) {
      error = HandshakeError::invalid_subprotocol;
    } else if (repeated) {
      error = HandshakeError::repeated_subprotocol;
    } else if (subprotocols.size() >= count_max) {
      error = HandshakeError::too_many_subprotocols;
    } else {
      subprotocols.push_back(element);
      return true;
    }
    return false;
  };
  for (std::string_view value : field_values) {
    if (!for_each_element(value, add)) return err(error);
  }
  return subprotocols;
}

bool is_valid_key(std::string_view key) {
  if (key.size() != codec::base64_size(kKeyBytes)) return false;
  std::array<std::uint8_t, codec::base64_size(kKeyBytes)> decoded;
  return codec::decode_base64(key, decoded.data()) == kKeyBytes;
}

Key make_key(const std::array<std::uint8_t, 16>& random) {
  Key key;
  codec::encode_base64(random, key.data());
  return key;
}

AcceptKey accept_key(std::string_view key, Sha1 sha1) {
  std::array<char, std::tuple_size_v<Key> + kKeySuffix.size()> text;
  PLAIT_ASSERT(key.size() == std::tuple_size_v<Key>, "accept_key: check the key with is_valid_key() first");
  std::copy(key.begin(), key.end(), text.begin());
  std::copy(kKeySuffix.begin(), kKeySuffix.end(), text.begin() + std::tuple_size_v<Key>);
  const auto digest = sha1(as_bytes({text.data(), text.size()}));
  AcceptKey accept;
  codec::encode_base64(digest, accept.data());
  return accept;
}

Result<void, HandshakeError> check_response(int status, const HandshakeFields& fields,
                                            const AcceptKey& expected_accept) {
  if (status != 101) return err(HandshakeError::not_switching_protocols);
  if (!fields.upgrade_has_websocket || fields.upgrade_has_others) return err(HandshakeError::response_upgrade);
  if (!fields.connection_has_upgrade) return err(HandshakeError::response_connection);
  if (fields.accept_count != 1) return err(HandshakeError::missing_accept);
  if (fields.accept != std::string_view{expected_accept.data(), expected_accept.size()}) {
    return err(HandshakeError::wrong_accept);
  }
  return {};
}

Result<std::string_view, HandshakeError> check_subprotocol(std::span<const std::string_view> field_values,
                                                           std::span<const std::string> offered) {
  if (field_values.empty()) return std::string_view{};
  const bool was_offered = std::find(offered.begin(), offered.end(), field_values.front()) != offered.end();
  if (field_values.size() > 1 || !was_offered) return err(HandshakeError::unexpected_subprotocol);
  return field_values.front();
}

}  // namespace plait::ws
