#include "transport/handshake_slot.hpp"

#include "transport/tcp/tcp_connection.hpp"

namespace plait::transport {

void HandshakeSlot::enter(TcpConnection& connection) {
  LoopContext& context = connection.context();
  if (list_ == &context.handshakes) return;
  enter(context.handshakes, connection, context.loop.now());
  if (list_->size() <= context.limits.handshakes_max) return;
  context.counters.connections_refused.add();
  list_->front().connection->abort({.reason = "too many opening handshakes are under way"});
}

void HandshakeSlot::enter_idle(TcpConnection& connection) {
  LoopContext& context = connection.context();
  enter(context.idle, connection, context.loop.now());
}

void HandshakeSlot::enter_quic(LoopContext& context, LoopEntry& connection) {
  enter(context.quic_handshakes, connection, context.loop.now());
}

void HandshakeSlot::enter_quic_idle(LoopContext& context, LoopEntry& connection) {
  enter(context.quic_idle, connection, context.loop.now());
}

void HandshakeSlot::enter(LoopContext::Waiters& list, LoopEntry& connection, core::TimePoint now) {
  leave();
  list_ = &list;
  place_ = list.insert(list.end(), {&connection, now});
}

void HandshakeSlot::leave() {
  if (list_ == nullptr) return;
  list_->erase(place_);
  list_ = nullptr;
}

}  // namespace plait::transport
