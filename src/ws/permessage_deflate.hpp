// Negotiation of permessage-deflate (RFC 7692 §5, §7.1), for servers and clients.
#pragma once

#include <plait/result.hpp>

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "codec/deflate.hpp"
#include "ws/frame.hpp"
#include "ws/handshake_error.hpp"

namespace plait::ws {

/// What an endpoint wants at most, and what both agreed on. Window bits are 8 to 15; what is wanted is 9 to 15.
struct DeflateParameters {
  bool server_context_takeover = true;
  bool client_context_takeover = true;
  int server_window_bits = 15;  ///< of what the server sends
  int client_window_bits = 15;  ///< of what the client sends

  friend bool operator==(const DeflateParameters&, const DeflateParameters&) = default;
};

struct DeflateAgreement {
  DeflateParameters parameters;
  std::string response;  ///< the value of the response's Sec-WebSocket-Extensions
};

/// Server: the first offer among the values of all Sec-WebSocket-Extensions fields that can be accepted; none if there
/// is no such offer. Declined (RFC 7692 §7): unknown, repeated or malformed parameters, and server_max_window_bits=8,
/// because zlib has no raw 8-bit window. `wanted.client_window_bits` can only be asked of clients that offer
/// client_max_window_bits; with others it is 15. Error: invalid_extensions.
[[nodiscard]] Result<std::optional<DeflateAgreement>, HandshakeError> negotiate_deflate(
    std::span<const std::string_view> field_values, const DeflateParameters& wanted);

/// Client: the offer for `wanted`, a value for Sec-WebSocket-Extensions.
[[nodiscard]] std::string encode_deflate_offer(const DeflateParameters& wanted);

/// Client: what the server agreed to, judged strictly; none if it did not accept. `offered` is null if nothing was.
/// Errors: invalid_extensions, unexpected_extension, invalid_deflate_response.
[[nodiscard]] Result<std::optional<DeflateParameters>, HandshakeError> check_deflate_response(
    std::span<const std::string_view> field_values, const DeflateParameters* offered);

/// How `role` is to compress. None if it must not: its window may have 8 bits only, which zlib cannot do. It then sends
/// uncompressed messages, as RFC 7692 §6 always allows.
[[nodiscard]] std::optional<codec::Deflater::Options> deflater_options(const DeflateParameters& agreed, Role role);
/// How `role` is to decompress.
[[nodiscard]] codec::Inflater::Options inflater_options(const DeflateParameters& agreed, Role role,
                                                        std::size_t ratio_max);

}  // namespace plait::ws
