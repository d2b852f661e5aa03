#include "transport/ws_upgrade.hpp"

#include <algorithm>
#include <utility>

#include "crypto/hash.hpp"
#include "transport/ws_session.hpp"
#include "ws/extensions.hpp"
#include "ws/handshake.hpp"
#include "ws/permessage_deflate.hpp"

namespace plait::transport {
namespace {

constexpr std::string_view kSwitchingProtocols =
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ";

}  // namespace

std::unique_ptr<Protocol> WsUpgrade::run(const HandlerFactory& factory) {
  if (!check_request() || !check_origin()) return nullptr;
  std::unique_ptr<SessionHandler> handler = factory();
  if (!ask_handler(*handler)) return nullptr;
  return make_session(std::move(handler));
}

bool WsUpgrade::check_request() {
  for (const http::Field& field : head_.fields) fields_.add(field.name, field.value);
  const auto checked = ws::check_request(head_.method, head_.minor_version, fields_);
  if (!checked) return refuse(checked.error());
  auto offered = ws::parse_subprotocols(fields_.subprotocols, connection_.context().limits.subprotocols_max);
  if (!offered) return refuse(offered.error());
  offered_ = std::move(*offered);
  return true;
}

bool WsUpgrade::refuse(ws::HandshakeError error) {
  reject(ws::status_of(error), ws::describe(error));
  if (refusal_.status == 426) {
    refusal_.headers = {{"Upgrade", "websocket"}, {"Sec-WebSocket-Version", "13"}};
  } else if (refusal_.status == 405) {
    refusal_.headers = {{"Allow", "GET"}};
  }
  return false;
}

bool WsUpgrade::check_origin() {
  if (router_.allows_origin(head_.fields.find("Origin"), header("Host"), secure())) return true;
  reject(403, "this origin is not allowed");
  return false;
}

bool WsUpgrade::ask_handler(SessionHandler& handler) {
  reject(403, "the handler did not accept the session");
  handler.on_request(*this);
  return accepted_;
}

void WsUpgrade::accept(std::string_view subprotocol) {
  const auto offered = std::ranges::find(offered_, subprotocol);
  accepted_subprotocol_ = offered == offered_.end() ? std::string_view{} : *offered;
  accepted_ = true;
}

void WsUpgrade::reject(int status, std::string_view reason) {
  accepted_ = false;
  refusal_.status = status;
  refusal_.body = std::string{reason} + "\n";
  refusal_.headers.clear();
  if (status == 401) refusal_.headers.emplace_back("WWW-Authenticate", "Bearer");  // RFC 9110 §15.5.2
}

std::unique_ptr<Protocol> WsUpgrade::make_session(std::unique_ptr<SessionHandler> handler) {
  WsSession::Options options{.role = ws::Role::server, .subprotocol = accepted_subprotocol_};
  options.parts = handler->wants_parts();
  std::string deflate_response;
  if (router_.deflate) {
    auto agreement = ws::negotiate_deflate(fields_.extensions, {});
    if (!agreement) {
      refuse(agreement.error());
      return nullptr;
    }
    if (agreement->has_value()) {
      options.use_deflate((*agreement)->parameters, connection_.context().limits);
      deflate_response = std::move((*agreement)->response);
    }
  }
  append_response(deflate_response);
  return std::make_unique<WsSession>(connection_.context(), std::move(handler), std::move(options));
}

void WsUpgrade::append_response(std::string_view deflate_response) {
  const ws::AcceptKey accept_key = ws::accept_key(fields_.key, crypto::sha1);
  OutputQueue& output = connection_.output();
  output.append(as_bytes(kSwitchingProtocols));
  output.append(as_bytes({accept_key.data(), accept_key.size()}));
  if (!accepted_subprotocol_.empty()) {
    output.append(as_bytes("\r\nSec-WebSocket-Protocol: "));
    output.append(as_bytes(accepted_subprotocol_));
  }
  if (!deflate_response.empty()) {
    output.append(as_bytes("\r\nSec-WebSocket-Extensions: "));
    output.append(as_bytes(deflate_response));
  }
  output.append(as_bytes("\r\n\r\n"));
  connection_.write_soon();
}

}  // namespace plait::transport
