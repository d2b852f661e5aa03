#include "transport/h3/wt_accept.hpp"

#include <utility>

#include "wt/negotiation.hpp"

namespace plait::transport {

WtAccept::WtAccept(LoopContext& context, const Router& router, Owner& owner, h3::StreamId id, HttpExchange request,
                   std::string peer, std::optional<ClientCertificate> certificate)
    : Opening(context, router, owner, std::move(certificate)),
      id_(id),
      request_(std::move(request)),
      peer_(std::move(peer)),
      offered_texts_(wt::parse_available_protocols(request_.list_field(wt::kAvailableProtocolsField),
                                                   context.limits.subprotocols_max)) {
  if (offered_texts_) offered_.assign(offered_texts_->begin(), offered_texts_->end());
}

std::optional<HttpResponse> WtAccept::check() {
  if (offered_texts_) return std::nullopt;
  return HttpResponse{.status = 400, .body = "too many subprotocols are offered\n"};
}

std::vector<http::Field> WtAccept::response_fields() {
  std::vector<http::Field> fields;
  if (request_.field(wt::kDraft02RequestField)) {
    fields.push_back({wt::kDraft02ResponseField, wt::kDraft02ResponseValue});
  }
  if (!accepted_subprotocol().empty()) {
    protocol_field_ = wt::encode_protocol(accepted_subprotocol()).value_or(std::string{});
  }
  if (!protocol_field_.empty()) fields.push_back({wt::kProtocolField, protocol_field_});
  return fields;
}

}  // namespace plait::transport
