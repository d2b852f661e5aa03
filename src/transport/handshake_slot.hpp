// HandshakeSlot: counts a connection among those whose opening handshake is under way, as long as it lives. When there
// are more than Limits::handshakes_max, the oldest is cut: a flood of half-open handshakes costs a bounded amount.
#pragma once

#include <list>
#include <optional>

#include "transport/loop_context.hpp"

namespace plait::transport {

class TcpConnection;

class HandshakeSlot {
 public:
  HandshakeSlot() = default;
  HandshakeSlot(const HandshakeSlot&) = delete;
  HandshakeSlot& operator=(const HandshakeSlot&) = delete;
  ~HandshakeSlot() { leave(); }

  void enter(TcpConnection& connection);
  void leave();

 private:
  LoopContext* context_ = nullptr;
  std::list<TcpConnection*>::iterator place_;
};

}  // namespace plait::transport
