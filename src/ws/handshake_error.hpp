// Every reason to refuse an opening handshake, on either side.
#pragma once

#include <cstdint>

namespace plait::ws {

enum class HandshakeError : std::uint8_t {
  // The client's request (RFC 6455 §4.1, §4.2.1)
  method_not_get,
  http_version_too_old,   ///< below HTTP/1.1
  missing_host,           ///< no Host, or several
  missing_upgrade,        ///< no "websocket" in Upgrade
  missing_connection,     ///< no "Upgrade" in Connection
  missing_version,        ///< no Sec-WebSocket-Version, or several
  unsupported_version,    ///< not 13: answer 426 with Sec-WebSocket-Version: 13 (§4.4)
  missing_key,            ///< no Sec-WebSocket-Key
  repeated_key,           ///< several
  invalid_key,            ///< not 16 bytes in base64
  invalid_subprotocol,    ///< an element that is not a token
  repeated_subprotocol,   ///< the same element twice
  too_many_subprotocols,  ///< Limits::subprotocols_max
  invalid_extensions,     ///< Sec-WebSocket-Extensions breaks its grammar (§9.1); also of the response

  // The server's response (§4.1, §4.2.2)
  not_switching_protocols,   ///< the status is not 101
  response_upgrade,          ///< Upgrade is not "websocket"
  response_connection,       ///< no "Upgrade" in Connection
  missing_accept,            ///< no Sec-WebSocket-Accept, or several
  wrong_accept,              ///< it is not our key's
  unexpected_subprotocol,    ///< one that was not offered, or several
  unexpected_extension,      ///< one that was not offered, or several
  invalid_deflate_response,  ///< permessage-deflate parameters that are malformed or that our offer does not allow
};

/// The status of the response that refuses the request: 400, 405 or 426. 502 for errors in a response.
[[nodiscard]] int status_of(HandshakeError error);

/// A sentence that names the broken rule. Static storage.
[[nodiscard]] const char* describe(HandshakeError error);

}  // namespace plait::ws
