#include "transport/handshake_slot.hpp"

#include "transport/tcp_connection.hpp"

namespace plait::transport {

void HandshakeSlot::enter(TcpConnection& connection) {
  if (context_ != nullptr) return;
  context_ = &connection.context();
  std::list<TcpConnection*>& handshakes = context_->handshakes;
  place_ = handshakes.insert(handshakes.end(), &connection);
  if (handshakes.size() <= context_->limits.handshakes_max) return;
  context_->counters.connections_refused.add();
  handshakes.front()->abort({.reason = "too many opening handshakes are under way"});
}

void HandshakeSlot::leave() {
  if (context_ == nullptr) return;
  context_->handshakes.erase(place_);
  context_ = nullptr;
}

}  // namespace plait::transport
