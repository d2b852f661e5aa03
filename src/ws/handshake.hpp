// The opening handshake (RFC 6455 §4) as rules over header fields, for servers and clients. HTTP is parsed and written
// elsewhere: pass every field of the request or response to HandshakeFields::add().
#pragma once

#include <plait/bytes.hpp>
#include <plait/result.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ws/handshake_error.hpp"

namespace plait::ws {

/// The fields that the opening handshake looks at, as views into what add() was given.
class HandshakeFields {
 public:
  /// Takes note of the field if the opening handshake needs it. `value` is without surrounding white space.
  void add(std::string_view name, std::string_view value);

  std::string_view version;  ///< Sec-WebSocket-Version
  std::string_view key;      ///< Sec-WebSocket-Key
  std::string_view accept;   ///< Sec-WebSocket-Accept
  unsigned host_count = 0;
  unsigned version_count = 0;
  unsigned key_count = 0;
  unsigned accept_count = 0;
  bool upgrade_has_websocket = false;
  bool upgrade_has_others = false;
  bool connection_has_upgrade = false;
  std::vector<std::string_view> subprotocols;  ///< values of all Sec-WebSocket-Protocol fields, not split
  std::vector<std::string_view> extensions;    ///< values of all Sec-WebSocket-Extensions fields, not split
};

/// Server: whether the request follows RFC 6455 §4.2.1. Subprotocols and extensions are judged by their own functions.
[[nodiscard]] Result<void, HandshakeError> check_request(std::string_view method, int http_minor_version,
                                                         const HandshakeFields& fields);

/// Server: the offered subprotocols in order (§11.3.4), as views. At most `count_max` (Limits::subprotocols_max).
[[nodiscard]] Result<std::vector<std::string_view>, HandshakeError> parse_subprotocols(
    std::span<const std::string_view> field_values, std::size_t count_max);

/// Whether `key` is 16 bytes in base64 (§4.1).
[[nodiscard]] bool is_valid_key(std::string_view key);

/// Client: a Sec-WebSocket-Key from 16 random bytes, new for each connection.
using Key = std::array<char, 24>;
[[nodiscard]] Key make_key(const std::array<std::uint8_t, 16>& random);

/// SHA-1 of any bytes; cryptography is another layer's.
using Sha1 = std::array<std::uint8_t, 20> (*)(ByteView);

/// Sec-WebSocket-Accept for `key`, of 24 characters (§4.2.2). The client compares it with what the server sent.
using AcceptKey = std::array<char, 28>;
[[nodiscard]] AcceptKey accept_key(std::string_view key, Sha1 sha1);

/// Client: whether the response follows §4.1. Extensions are judged by check_deflate_response().
[[nodiscard]] Result<void, HandshakeError> check_response(int status, const HandshakeFields& fields,
                                                          const AcceptKey& expected_accept);

/// Client: the subprotocol that the server chose, a view; empty if none. Error: unexpected_subprotocol.
[[nodiscard]] Result<std::string_view, HandshakeError> check_subprotocol(std::span<const std::string_view> field_values,
                                                                         std::span<const std::string> offered);

}  // namespace plait::ws
