// HandshakeSlot: counts a connection among those whose opening handshake is under way, as long as it lives. When there
// are more than Limits::handshakes_max, the oldest is cut: a flood of half-open handshakes costs a bounded amount.
// Of HTTP it may instead be among those that are idle: see LoopContext::make_room().
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
  /// From now on it is idle, not opening.
  void enter_idle(TcpConnection& connection);
  void leave();

 private:
  void enter(std::list<LoopContext::Waiting>& list, TcpConnection& connection);

  std::list<LoopContext::Waiting>* list_ = nullptr;
  std::list<LoopContext::Waiting>::iterator place_;
};

}  // namespace plait::transport
