#include "ws/handshake_error.hpp"

namespace plait::ws {

int status_of(HandshakeError error) {
  switch (error) {
    case HandshakeError::method_not_get:
      return 405;
    case HandshakeError::http_version_too_old:
      return 505;
    case HandshakeError::missing_upgrade:
    case HandshakeError::unsupported_version:
      return 426;
    case HandshakeError::not_switching_protocols:
    case HandshakeError::response_upgrade:
    case HandshakeError::response_connection:
    case HandshakeError::missing_accept:
    case HandshakeError::wrong_accept:
    case HandshakeError::unexpected_subprotocol:
    case HandshakeError::unexpected_extension:
    case HandshakeError::invalid_deflate_response:
      return 502;
    default:
      return 400;
  }
}

const char* describe(HandshakeError error) {
  switch (error) {
    case HandshakeError::method_not_get:
      return "the opening handshake must be a GET request";
    case HandshakeError::http_version_too_old:
      return "the opening handshake needs HTTP/1.1 or later";
    case HandshakeError::missing_host:
      return "the opening handshake needs one Host field";
    case HandshakeError::missing_upgrade:
      return "the Upgrade field does not name websocket";
    case HandshakeError::missing_connection:
      return "the Connection field does not name Upgrade";
    case HandshakeError::missing_version:
      return "the opening handshake needs one Sec-WebSocket-Version field";
    case HandshakeError::unsupported_version:
      return "Sec-WebSocket-Version must be 13";
    case HandshakeError::missing_key:
      return "the opening handshake needs a Sec-WebSocket-Key field";
    case HandshakeError::repeated_key:
      return "there is more than one Sec-WebSocket-Key field";
    case HandshakeError::invalid_key:
      return "Sec-WebSocket-Key must be 16 bytes in base64";
    case HandshakeError::invalid_subprotocol:
      return "a subprotocol in Sec-WebSocket-Protocol is not a token";
    case HandshakeError::repeated_subprotocol:
      return "a subprotocol is offered twice";
    case HandshakeError::too_many_subprotocols:
      return "too many subprotocols are offered";
    case HandshakeError::invalid_extensions:
      return "Sec-WebSocket-Extensions is malformed";
    case HandshakeError::not_switching_protocols:
      return "the response's status is not 101";
    case HandshakeError::response_upgrade:
      return "the response's Upgrade field is not websocket";
    case HandshakeError::response_connection:
      return "the response's Connection field does not name Upgrade";
    case HandshakeError::missing_accept:
      return "the response needs one Sec-WebSocket-Accept field";
    case HandshakeError::wrong_accept:
      return "the response's Sec-WebSocket-Accept does not match our key";
    case HandshakeError::unexpected_subprotocol:
      return "the response names a subprotocol that was not offered";
    case HandshakeError::unexpected_extension:
      return "the response names an extension that was not offered";
    case HandshakeError::invalid_deflate_response:
      return "the response's permessage-deflate parameters are invalid";
  }
  return "no error";
}

}  // namespace plait::ws
