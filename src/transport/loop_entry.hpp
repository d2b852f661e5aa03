// LoopEntry: what a loop holds in its LoopTable: a connection of TCP or QUIC, a session of the latter, and of a client
// what is to become one, or waits to.
#pragma once

#include <plait/session.hpp>

#include <string>
#include <string_view>

#include "net/loop.hpp"

namespace plait::transport {

/// How a connection ended.
struct Disconnect {
  int system_errno = 0;     ///< of the failed read or write; 0 if there was none
  std::string_view reason;  ///< for a person; empty for a plain end
  int status = 0;           ///< as CloseInfo's

  /// "reading failed: Connection reset by peer".
  [[nodiscard]] std::string text() const;
};

class LoopEntry : public net::Retirable {
 public:
  /// The session, if there is one and it is open.
  [[nodiscard]] virtual Session* session() = 0;
  /// The server is going away: finish what is under way and close.
  virtual void drain() = 0;
  /// Ends it; its handlers hear of it before this returns.
  virtual void abort(const Disconnect& why) = 0;
  /// Of one that may be idle: nothing is under way that abort() would cut.
  [[nodiscard]] virtual bool is_quiet() const { return true; }
  /// As abort(), and its place among Limits::connections_max is free when this returns.
  virtual void give_way(const Disconnect& why) { abort(why); }
  /// The peer takes nothing any more: what is sent is lost, while what came before is still to be read.
  [[nodiscard]] virtual bool is_cut() const { return false; }
};

}  // namespace plait::transport
