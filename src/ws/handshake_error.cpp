#include "ws/handshake_error.hpp"

#include <array>
#include <cstddef>

#include "core/error_rules.hpp"

namespace plait::ws {
namespace {

struct HandshakeRule {
  HandshakeError error;
  int status;
  const char* sentence;
};

constexpr std::array kHandshakeRules{
    HandshakeRule{HandshakeError::method_not_get, 405, "the opening handshake must be a GET request"},
    // Its Upgrade is to be ignored (RFC 9110 §7.8).
    HandshakeRule{HandshakeError::http_version_too_old, 426, "the opening handshake needs HTTP/1.1 or later"},
    HandshakeRule{HandshakeError::missing_host, 400, "the opening handshake needs one Host field"},
    HandshakeRule{HandshakeError::missing_upgrade, 426, "the Upgrade field does not name websocket"},
    HandshakeRule{HandshakeError::missing_connection, 400, "the Connection field does not name Upgrade"},
    HandshakeRule{HandshakeError::missing_version, 400, "the opening handshake needs one Sec-WebSocket-Version field"},
    HandshakeRule{HandshakeError::unsupported_version, 426, "Sec-WebSocket-Version must be 13"},
    HandshakeRule{HandshakeError::missing_key, 400, "the opening handshake needs a Sec-WebSocket-Key field"},
    HandshakeRule{HandshakeError::repeated_key, 400, "there is more than one Sec-WebSocket-Key field"},
    HandshakeRule{HandshakeError::invalid_key, 400, "Sec-WebSocket-Key must be 16 bytes in base64"},
    HandshakeRule{HandshakeError::invalid_subprotocol, 400, "a subprotocol in Sec-WebSocket-Protocol is not a token"},
    HandshakeRule{HandshakeError::repeated_subprotocol, 400, "a subprotocol is offered twice"},
    HandshakeRule{HandshakeError::too_many_subprotocols, 400, "too many subprotocols are offered"},
    HandshakeRule{HandshakeError::invalid_extensions, 400, "Sec-WebSocket-Extensions is malformed"},
    HandshakeRule{HandshakeError::not_switching_protocols, 502, "the response's status is not 101"},
    HandshakeRule{HandshakeError::response_upgrade, 502, "the response's Upgrade field is not websocket"},
    HandshakeRule{HandshakeError::response_connection, 502, "the response's Connection field does not name Upgrade"},
    HandshakeRule{HandshakeError::missing_accept, 502, "the response needs one Sec-WebSocket-Accept field"},
    HandshakeRule{HandshakeError::wrong_accept, 502, "the response's Sec-WebSocket-Accept does not match our key"},
    HandshakeRule{HandshakeError::unexpected_subprotocol, 502, "the response names a subprotocol that was not offered"},
    HandshakeRule{HandshakeError::unexpected_extension, 502, "the response names an extension that was not offered"},
    HandshakeRule{HandshakeError::invalid_deflate_response, 502,
                  "the response's permessage-deflate parameters are invalid"},
};

static_assert(core::stand_in_order(kHandshakeRules, HandshakeError::invalid_deflate_response),
              "kHandshakeRules is indexed by the enumerator");

}  // namespace

int status_of(HandshakeError error) { return kHandshakeRules[static_cast<std::size_t>(error)].status; }

const char* describe(HandshakeError error) { return kHandshakeRules[static_cast<std::size_t>(error)].sentence; }

}  // namespace plait::ws
