#include "transport/frame_opening.hpp"

#include <utility>

#include "codec/utf8.hpp"
#include "http/fields.hpp"
#include "http/grammar.hpp"

namespace plait::transport {

FrameOpening::FrameOpening(LoopContext& context, const Router& router, Owner& owner, Peer peer, ByteView payload,
                           frames::OpenRequest request)
    : Opening(context, router, owner, std::move(peer.certificate)),
      address_(std::move(peer.address)),
      secure_(peer.secure),
      payload_(payload),
      request_(std::move(request)),
      authorization_(request_.token.empty() ? std::string{} : "Bearer " + std::string{request_.token}) {}

std::string_view FrameOpening::query() const {
  const std::size_t question = request_.path.find('?');
  return question == std::string_view::npos ? std::string_view{} : request_.path.substr(question + 1);
}

std::string_view FrameOpening::header(std::string_view name) const {
  if (http::equals_ignoring_case(name, "host")) return request_.authority;
  if (http::equals_ignoring_case(name, "authorization")) return authorization_;
  return {};
}

void FrameOpening::own() {
  own_payload_ = as_text(payload_);
  payload_ = as_bytes(own_payload_);
  request_ = *frames::decode_open_request(payload_, context().limits);
}

frames::OpenResponse FrameOpening::response() const {
  if (is_accepted()) return {.subprotocol = accepted_subprotocol()};
  const std::string_view body = refusal().body;
  std::string_view reason = body.substr(0, body.find('\n'));
  if (!codec::is_utf8(as_bytes(reason))) reason = {};  // the status matters more than a text that cannot be sent
  return {.status = static_cast<std::uint16_t>(refusal().status),
          .reason = as_text(codec::utf8_prefix(as_bytes(reason), frames::kReasonBytesMax))};
}

bool encode_request(const FrameRequest& request, const Limits& limits, core::ByteSink& out) {
  frames::OpenRequest open{.path = request.path, .authority = request.authority, .token = request.token};
  open.subprotocols.assign(request.subprotocols.begin(), request.subprotocols.end());
  if (!frames::check_request(open, limits)) return false;
  frames::encode_open(open, out);
  return true;
}

}  // namespace plait::transport
