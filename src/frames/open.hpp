// The opening of a session on the wires without HTTP (spec/frames.md §3): one `open` frame each way, which carries what
// an HTTP request and its answer would.
#pragma once

#include <plait/bytes.hpp>
#include <plait/limits.hpp>
#include <plait/result.hpp>

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/byte_sink.hpp"
#include "frames/error.hpp"

namespace plait::frames {

inline constexpr std::string_view kMagic = "PLT1";
inline constexpr std::size_t kOpenBytesMax = 16384;  ///< payload of an open frame
inline constexpr std::size_t kPathBytesMax = 2048;
inline constexpr std::size_t kAuthorityBytesMax = 300;
inline constexpr std::size_t kTokenBytesMax = 8192;
inline constexpr std::size_t kSubprotocolBytesMax = 64;
inline constexpr std::size_t kReasonBytesMax = 256;
inline constexpr std::uint16_t kStatusAccepted = 200;

/// Client → server. Views into the payload.
struct OpenRequest {
  std::string_view path{};       ///< with the query, if any: "/wse?format=msgpack"
  std::string_view authority{};  ///< host and port as the client names them, or empty
  std::string_view token{};      ///< what HTTP carries as "Authorization: Bearer …", or empty
  std::vector<std::string_view> subprotocols{};
};

/// Server → client.
struct OpenResponse {
  std::uint16_t status = kStatusAccepted;  ///< 200, or 400–599: refused, and the server closes
  std::string_view subprotocol{};          ///< accepted: the one agreed on, or empty
  std::string_view reason{};               ///< refused: a sentence for a person, UTF-8
};

/// Appends an open frame. The request must pass check_request, the response's text keep its limit above.
void encode_open(const OpenRequest& request, core::ByteSink& out);
void encode_open(const OpenResponse& response, core::ByteSink& out);

/// The rule of spec/frames.md §3.1 that a request breaks, if any.
Result<void, Error> check_request(const OpenRequest& request, const Limits& limits);

/// Decode the payload of an open frame.
Result<OpenRequest, Error> decode_open_request(ByteView payload, const Limits& limits);
/// `offered` are the request's subprotocols.
Result<OpenResponse, Error> decode_open_response(ByteView payload, std::span<const std::string> offered);

/// Whether a server may answer with `subprotocol`: one of those offered, or empty. The same on every wire.
[[nodiscard]] bool is_offered(std::string_view subprotocol, std::span<const std::string> offered);

}  // namespace plait::frames
