#include "transport/tcp/ws_upgrade.hpp"

#include <utility>

#include "crypto/hash.hpp"
#include "transport/tcp/ws_session.hpp"
#include "ws/handshake.hpp"

namespace plait::transport {
namespace {

constexpr std::string_view kSwitchingProtocols =
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ";

}  // namespace

WsUpgrade::WsUpgrade(TcpConnection& connection, const Router& router, Owner& owner, const http::RequestHead& head,
                     ByteView head_bytes)
    : Opening(connection.context(), router, owner, connection.client_certificate()),
      connection_(connection),
      head_(&head),
      head_bytes_(head_bytes),
      checked_(read_fields()) {}

// Of a request whose views are there: at first those of the connection's input, later those of the copy.
Result<void, ws::HandshakeError> WsUpgrade::read_fields() {
  fields_ = {};
  for (const http::Field& field : head_->fields) fields_.add(field.name, field.value);
  if (auto checked = ws::check_request(head_->method, head_->minor_version, fields_); !checked) return checked;
  auto offered = ws::parse_subprotocols(fields_.subprotocols, connection_.context().limits.subprotocols_max);
  if (!offered) return err(offered.error());
  offered_ = std::move(*offered);
  auto agreement = ws::negotiate_deflate(fields_.extensions, {});
  if (!agreement) return err(agreement.error());  // RFC 6455 §9.1, be it that we want none
  if (router().deflate) deflate_ = std::move(*agreement);
  return {};
}

std::optional<HttpResponse> WsUpgrade::check() {
  if (checked_) return std::nullopt;
  HttpResponse refusal{.status = ws::status_of(checked_.error()),
                       .body = std::string{ws::describe(checked_.error())} + "\n"};
  if (refusal.status == 426) {
    // RFC 9110 §7.8: who sends Upgrade names it in Connection, too.
    refusal.headers = {{"Connection", "Upgrade"}, {"Upgrade", "websocket"}, {"Sec-WebSocket-Version", "13"}};
  } else if (refusal.status == 405) {
    refusal.headers = {{"Allow", "GET"}};
  }
  return refusal;
}

void WsUpgrade::own() {
  own_text_ = as_text(head_bytes_);
  std::size_t scanned = 0;
  own_head_ = *http::parse_request_head(as_bytes(own_text_), scanned, connection_.context().limits);
  head_ = &*own_head_;
  head_bytes_ = as_bytes(own_text_);
  checked_ = read_fields();
}

std::unique_ptr<Protocol> WsUpgrade::make_session() {
  WsSession::Options options{.role = ws::Role::server, .subprotocol = accepted_subprotocol()};
  options.parts = wants().parts;
  if (deflate_) options.use_deflate(deflate_->parameters, connection_.context().limits);
  append_response();
  return std::make_unique<WsSession>(connection_.context(), take_handler(), std::move(options));
}

void WsUpgrade::append_response() {
  const ws::AcceptKey accept_key = ws::accept_key(fields_.key, crypto::sha1);
  OutputQueue& output = connection_.output();
  output.append(as_bytes(kSwitchingProtocols));
  output.append(as_bytes({accept_key.data(), accept_key.size()}));
  if (!accepted_subprotocol().empty()) {
    output.append(as_bytes("\r\nSec-WebSocket-Protocol: "));
    output.append(as_bytes(accepted_subprotocol()));
  }
  if (deflate_) {
    output.append(as_bytes("\r\nSec-WebSocket-Extensions: "));
    output.append(as_bytes(deflate_->response));
  }
  output.append(as_bytes("\r\n\r\n"));
  connection_.write_soon();
}

}  // namespace plait::transport
