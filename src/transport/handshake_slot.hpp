// HandshakeSlot: counts a connection among those whose opening handshake is under way, as long as it lives. When there
// are more than Limits::handshakes_max over TCP, the oldest is cut: a flood of half-open handshakes costs a bounded
// amount. Of HTTP it may instead be among those that are idle. Both make room for others: see LoopContext.
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
  /// The same over QUIC, whose endpoint bounds the handshakes.
  void enter_quic(LoopContext& context, LoopEntry& connection);
  void enter_quic_idle(LoopContext& context, LoopEntry& connection);
  void leave();

 private:
  void enter(LoopContext::Waiters& list, LoopEntry& connection, core::TimePoint now);

  LoopContext::Waiters* list_ = nullptr;
  LoopContext::Waiters::iterator place_;
};

}  // namespace plait::transport
