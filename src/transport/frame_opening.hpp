// FrameOpening: an opening by an open frame (spec/frames.md §3.1).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "frames/open.hpp"
#include "transport/opening.hpp"

namespace plait::transport {

/// Whose open frame it is.
struct FramePeer {
  std::string address{};
  bool secure = false;
  std::optional<ClientCertificate> certificate{};
};

class FrameOpening final : public Opening {
 public:
  /// `payload` is that of the open frame, `request` what it says; both last until run() has returned.
  FrameOpening(LoopContext& context, const Router& router, Owner& owner, FramePeer peer, ByteView payload,
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

}  // namespace plait::transport
