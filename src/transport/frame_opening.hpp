// The opening of a session by open frames (spec/frames.md §3), both roles, whatever carries the bytes.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/byte_sink.hpp"
#include "frames/open.hpp"
#include "transport/opening.hpp"
#include "transport/peer.hpp"

namespace plait::transport {

class FrameOpening final : public Opening {
 public:
  /// `payload` is that of the open frame, `request` what it says; both last until run() has returned.
  FrameOpening(LoopContext& context, const Router& router, Owner& owner, Peer peer, ByteView payload,
               frames::OpenRequest request);

  /// The open frame that answers: accepts or refuses.
  [[nodiscard]] frames::OpenResponse response() const;

  [[nodiscard]] std::string_view method() const override { return {}; }
  [[nodiscard]] std::string_view path() const override { return request_.path.substr(0, request_.path.find('?')); }
  [[nodiscard]] std::string_view query() const override;
  [[nodiscard]] std::string_view header(std::string_view name) const override;
  [[nodiscard]] const std::vector<std::string_view>& subprotocols() const override { return request_.subprotocols; }
  [[nodiscard]] std::string peer() const override { return address_; }
  [[nodiscard]] bool secure() const override { return secure_; }

 private:
  [[nodiscard]] std::optional<std::string_view> origin() const override { return std::nullopt; }
  void own() override;

  const std::string address_;
  const bool secure_;
  ByteView payload_;
  std::string own_payload_;  // of a deferred one
  frames::OpenRequest request_;
  const std::string authorization_;
};

/// What a client asks for.
struct FrameRequest {
  std::string path, authority, token;
  std::vector<std::string> subprotocols;
};

/// Appends the client's open frame. False: the path, token or subprotocols cannot be sent (kUnsendableRequest).
[[nodiscard]] bool encode_request(const FrameRequest& request, const Limits& limits, core::ByteSink& out);
inline constexpr const char* kUnsendableRequest = "the path, token or subprotocols cannot be sent on this wire";

}  // namespace plait::transport
