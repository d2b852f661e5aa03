#include "transport/handshake_slot.hpp"

#include "transport/tcp_connection.hpp"

namespace plait::transport {

void HandshakeSlot::enter(TcpConnection& connection) {
  LoopContext& context = connection.context();
  if (list_ == &context.handshakes) return;
  leave();
  list_ = &context.handshakes;
  place_ = list_->insert(list_->end(), &connection);
  if (list_->size() <= context.limits.handshakes_max) return;
  context.counters.connections_refused.add();
  list_->front()->abort({.reason = "too many opening handshakes are under way"});
}

void HandshakeSlot::enter_idle(TcpConnection& connection) {
  leave();
  list_ = &connection.context().idle;
  place_ = list_->insert(list_->end(), &connection);
}

void HandshakeSlot::leave() {
  if (list_ == nullptr) return;
  list_->erase(place_);
  list_ = nullptr;
}

}  // namespace plait::transport
