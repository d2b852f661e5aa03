#include "hub/handler.hpp"

#include <utility>

namespace plait::hub {
namespace {

// What is agreed on if it is offered. A browser's WebSocket that offers its token as a subprotocol fails unless one of
// its subprotocols is chosen, and the token must not be sent back.
constexpr std::string_view kSubprotocol = "plait.v1";

}  // namespace

void Handler::on_request(OpeningRequest& request) {
  if (engine_.options().authenticate) identity_ = engine_.options().authenticate(request);
  if (!identity_.authenticated && identity_.refusal_status != 0) {
    return request.reject(identity_.refusal_status, identity_.reason);
  }
  if (identity_.authenticated) request.set_user(identity_.user);
  request.accept(kSubprotocol);
}

void Handler::on_open(Session& session) {
  Shard& shard = engine_.shard(session.id().loop);
  if (identity_.authenticated) {
    connection_ = std::make_unique<Connection>(shard, session, std::move(identity_.user));
    if (identity_.expires) expiry_ = std::make_unique<Expiry>(shard, *connection_, *identity_.expires);
    return;
  }
  std::string& text = shard.scratch();
  wire::encode(text, shard.head(wire::Form::member, {}),
               wire::ErrorMessage{wire::ErrorCode::auth_failed, identity_.reason, false, {}});
  session.send(Message::text(text));
  session.close(kCloseUnauthenticated, identity_.reason);
}

void Handler::on_message(Session&, const Message& message) {
  if (connection_ != nullptr) connection_->handle_message(message);
}

void Handler::on_writable(Session&) {
  if (connection_ != nullptr) connection_->handle_writable();
}

void Handler::on_close(Session& session, const CloseInfo&) {
  if (connection_ == nullptr) return;
  expiry_.reset();
  connection_->handle_close();
  engine_.shard(session.id().loop).retire(std::move(connection_));
}

}  // namespace plait::hub
