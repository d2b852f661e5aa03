#include "transport/wt_accept.hpp"

#include <plait/log.hpp>

#include <algorithm>
#include <exception>

#include "wt/negotiation.hpp"

namespace plait::transport {

WtAccept::WtAccept(const HttpExchange& request, const Router& router, std::string peer)
    : request_(request),
      router_(router),
      peer_(std::move(peer)),
      offered_texts_(wt::parse_available_protocols(header(wt::kAvailableProtocolsField))),
      offered_(offered_texts_.begin(), offered_texts_.end()) {}

std::unique_ptr<SessionHandler> WtAccept::run() {
  const HandlerFactory* factory = router_.find_session(path());
  if (factory == nullptr) {
    reject(404, "nothing is served at this path");
  } else if (!router_.allows_origin(request_.field("origin"), header("host"), true)) {
    reject(403, "this origin is not allowed");
  } else {
    std::unique_ptr<SessionHandler> handler = ask(*factory);
    if (accepted_) return handler;
  }
  return nullptr;
}

std::unique_ptr<SessionHandler> WtAccept::ask(const HandlerFactory& factory) {
  reject(403, "the handler did not accept the session");
  const auto fail_for = [this](const char* what) {
    log(LogLevel::error, std::string{"a session handler threw in on_request: "} + what);
    reject(500, "internal error");
  };
  try {
    std::unique_ptr<SessionHandler> handler = factory();
    handler->on_request(*this);
    return handler;
  } catch (const std::exception& exception) {
    fail_for(exception.what());
  } catch (...) {
    fail_for("something that is not a std::exception");
  }
  return nullptr;
}

void WtAccept::accept(std::string_view subprotocol) {
  accepted_ = true;
  const auto offered = std::ranges::find(offered_texts_, subprotocol);
  if (offered == offered_texts_.end()) return;
  subprotocol_ = *offered;
  protocol_field_ = wt::encode_protocol(subprotocol_).value_or(std::string{});
}

void WtAccept::reject(int status, std::string_view reason) {
  accepted_ = false;
  status_ = status >= 400 && status <= 599 ? status : 500;  // anything below would accept, or be no answer
  reason_ = reason;
}

std::vector<http::Field> WtAccept::response_fields() const {
  std::vector<http::Field> fields;
  if (request_.field(wt::kDraft02RequestField)) {
    fields.push_back({wt::kDraft02ResponseField, wt::kDraft02ResponseValue});
  }
  if (!protocol_field_.empty()) fields.push_back({wt::kProtocolField, protocol_field_});
  return fields;
}

}  // namespace plait::transport
