// The opening of a session on the wires without HTTP (spec/frames.md §3), both roles, whatever carries its bytes.
#pragma once

#include <plait/limits.hpp>
#include <plait/session.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/byte_sink.hpp"
#include "frames/open.hpp"
#include "transport/router.hpp"

namespace plait::transport {

/// What a client asks for.
struct FrameRequest {
  std::string path, authority, token;
  std::vector<std::string> subprotocols;
};

/// Appends the client's open frame. False: the path, token or subprotocols cannot be sent (kUnsendableRequest).
[[nodiscard]] bool encode_request(const FrameRequest& request, const Limits& limits, core::ByteSink& out);
inline constexpr const char* kUnsendableRequest = "the path, token or subprotocols cannot be sent on this wire";

/// A client's: what the server's refusal is called.
[[nodiscard]] std::string describe_refusal(const frames::OpenResponse& response);

/// A server's answer to the client's open frame.
struct FrameAnswer {
  std::unique_ptr<SessionHandler> handler;  ///< null: refused
  std::uint16_t status = frames::kStatusAccepted;
  std::string text;  ///< the subprotocol, or the reason of the refusal

  static FrameAnswer refusal(std::uint16_t status, std::string_view reason) {
    return {{}, status, std::string{reason}};
  }
  /// Appends the server's open frame.
  void encode(core::ByteSink& out) const;
};

/// Reads the payload of the client's open frame, finds the route and asks its handler.
[[nodiscard]] FrameAnswer answer_open(ByteView payload, const Router& router, const Limits& limits,
                                      const Session& session, bool secure);

}  // namespace plait::transport
