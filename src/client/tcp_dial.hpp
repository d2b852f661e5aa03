// TcpDial: a session whose server's addresses race, until one TCP connection is there to take its place.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "client/race.hpp"
#include "core/timer.hpp"
#include "tls/engine.hpp"
#include "transport/connection.hpp"
#include "transport/loop_context.hpp"
#include "transport/tcp_connection.hpp"

namespace plait::client {

class TcpDial final : public transport::Connection, private core::Timer {
 public:
  /// What runs above the connection.
  struct Load {
    std::unique_ptr<tls::Engine> tls;  ///< none: plain
    std::unique_ptr<SessionHandler> handler;
    std::function<std::unique_ptr<transport::Protocol>(std::unique_ptr<SessionHandler>)> make_protocol;
  };

  /// In the context's table until the connection is there, which gets the same ID; the deadline is both's.
  static SessionId start(transport::LoopContext& context, net::Resolver& resolver, const DialSettings& settings,
                         const net::Address& address, Load load, core::TimePoint deadline);

  // Connection
  [[nodiscard]] Session* session() override { return nullptr; }
  void drain() override { abort({}); }
  void abort(const transport::Disconnect& why) override { fail(why.text()); }

 private:
  class TcpAttempt;

  TcpDial(transport::LoopContext& context, net::Resolver& resolver, Duration attempt_delay, Load load);
  void on_timer(core::TimePoint) override { fail("the opening took too long"); }
  Result<std::unique_ptr<Attempt>, Error> begin(const net::SocketAddress& address);
  void take(net::Socket socket);
  void fail(const std::string& reason);

  transport::LoopContext& context_;
  Load load_;
  SessionId id_;
  core::TimePoint deadline_;
  Race race_;
};

}  // namespace plait::client
