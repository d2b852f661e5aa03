#include "transport/tcp/handshake_slot.hpp"

#include "transport/tcp/tcp_connection.hpp"

namespace plait::transport {

void HandshakeSlot::enter(TcpConnection& connection) {
  LoopContext& context = connection.context();
  if (list_ == &context.handshakes) return;
  enter(context.handshakes, connection);
  if (list_->size() <= context.limits.handshakes_max) return;
  context.counters.connections_refused.add();
  list_->front().connection->abort({.reason = "too many opening handshakes are under way"});
}

void HandshakeSlot::enter_idle(TcpConnection& connection) { enter(connection.context().idle, connection); }

void HandshakeSlot::enter(std::list<LoopContext::Waiting>& list, TcpConnection& connection) {
  leave();
  list_ = &list;
  place_ = list.insert(list.end(), {&connection, connection.context().loop.now()});
}

void HandshakeSlot::leave() {
  if (list_ == nullptr) return;
  list_->erase(place_);
  list_ = nullptr;
}

}  // namespace plait::transport
